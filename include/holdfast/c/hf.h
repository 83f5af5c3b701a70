/* SPDX-License-Identifier: Apache-2.0 */
/* Every stable C header of holdfast. */
#ifndef HOLDFAST_C_HF_H_
#define HOLDFAST_C_HF_H_

#include <holdfast/c/adaptive.h>
#include <holdfast/c/attribute.h>
#include <holdfast/c/base.h>
#include <holdfast/c/binding.h>
#include <holdfast/c/breaker.h>
#include <holdfast/c/bulkhead.h>
#include <holdfast/c/call.h>
#include <holdfast/c/confluent.h>
#include <holdfast/c/context.h>
#include <holdfast/c/deprecation.h>
#include <holdfast/c/envelope.h>
#include <holdfast/c/explain.h>
#include <holdfast/c/fault.h>
#include <holdfast/c/formats.h>
#include <holdfast/c/group.h>
#include <holdfast/c/hedge.h>
#include <holdfast/c/idempotency.h>
#include <holdfast/c/journal.h>
#include <holdfast/c/kill_switch.h>
#include <holdfast/c/limiter.h>
#include <holdfast/c/match.h>
#include <holdfast/c/outcome.h>
#include <holdfast/c/propagation.h>
#include <holdfast/c/record.h>
#include <holdfast/c/registry.h>
#include <holdfast/c/retry.h>
#include <holdfast/c/throttle.h>
#include <holdfast/c/uuid7.h>

#endif /* HOLDFAST_C_HF_H_ */
