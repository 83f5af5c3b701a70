// SPDX-License-Identifier: Apache-2.0
// The whole of holdfast::core: every primitive, the blocking drivers, the memory store.
// Adapters have their own: <holdfast/sqlite/store.h>, <holdfast/grpc/client.h>, ...
#ifndef HOLDFAST_HOLDFAST_H_
#define HOLDFAST_HOLDFAST_H_

#include <holdfast/adaptive.h>
#include <holdfast/baggage.h>
#include <holdfast/breaker.h>
#include <holdfast/breaker_options.h>
#include <holdfast/bulk.h>
#include <holdfast/bulkhead.h>
#include <holdfast/c/hf.h>
#include <holdfast/call.h>
#include <holdfast/clock.h>
#include <holdfast/context.h>
#include <holdfast/criticality.h>
#include <holdfast/entropy.h>
#include <holdfast/envelope.h>
#include <holdfast/envelope_batch.h>
#include <holdfast/envelope_extensions.h>
#include <holdfast/envelope_headers.h>
#include <holdfast/event.h>
#include <holdfast/event_context.h>
#include <holdfast/explain.h>
#include <holdfast/fault.h>
#include <holdfast/group.h>
#include <holdfast/hedge.h>
#include <holdfast/idempotency.h>
#include <holdfast/idempotency_key.h>
#include <holdfast/journal.h>
#include <holdfast/kill_switch.h>
#include <holdfast/limiter.h>
#include <holdfast/log.h>
#include <holdfast/match.h>
#include <holdfast/memory/store.h>
#include <holdfast/metrics.h>
#include <holdfast/outcome.h>
#include <holdfast/pipeline.h>
#include <holdfast/process_owner.h>
#include <holdfast/propagation.h>
#include <holdfast/record_label.h>
#include <holdfast/redacted.h>
#include <holdfast/registry.h>
#include <holdfast/retry.h>
#include <holdfast/run_once_async.h>
#include <holdfast/status.h>
#include <holdfast/steady_timers.h>
#include <holdfast/store.h>
#include <holdfast/throttle.h>
#include <holdfast/trace.h>
#include <holdfast/tracestate.h>
#include <holdfast/uuid7.h>
#include <holdfast/waiters.h>

#endif  // HOLDFAST_HOLDFAST_H_
