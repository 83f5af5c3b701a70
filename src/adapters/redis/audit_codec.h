// SPDX-License-Identifier: Apache-2.0
// AuditCodec: one audit row as one element of a Redis list. Little-endian.
//
//   at  size  field
//    0    1   version, 1
//    1    1   verb
//    2    1   effect
//    3    1   state before
//    4    8   at, microseconds since the Unix epoch
//   12    8   token before
//   20    8   token after
//   28    2   size of the actor
//   30        actor, then the reason up to the end
#ifndef HOLDFAST_ADAPTERS_REDIS_AUDIT_CODEC_H_
#define HOLDFAST_ADAPTERS_REDIS_AUDIT_CODEC_H_

#include <holdfast/operable_store.h>

#include <string>
#include <string_view>

namespace holdfast::inline v0_5::redis {

std::string PackAudit(const AuditRow& row);
// False: not one of ours. row->key_id is not in it.
bool UnpackAudit(std::string_view bytes, AuditRow* row);

}  // namespace holdfast::inline v0_5::redis

#endif  // HOLDFAST_ADAPTERS_REDIS_AUDIT_CODEC_H_
