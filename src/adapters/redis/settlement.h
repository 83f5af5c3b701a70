// SPDX-License-Identifier: Apache-2.0
// Settlement: what the table does to any record that is IN_PROGRESS under the request's token, as a patch.
//
// The patch is read off the table itself: two records that differ in everything the table might keep are put to
// it, and what becomes of both alike is what it writes, what stays different is what it keeps. Where the next
// state itself differs, the answer rests on what only the stored record knows (FAIL as AMBIGUOUS rests on the
// owner's on_expiry): then there is no patch, and the record must be read.
#ifndef HOLDFAST_ADAPTERS_REDIS_SETTLEMENT_H_
#define HOLDFAST_ADAPTERS_REDIS_SETTLEMENT_H_

#include <holdfast/c/record.h>

#include <cstdint>
#include <optional>
#include <string>

namespace holdfast::inline v0_5::redis {

struct Settlement {
  bool sound = true;    // false: no store can execute the request
  bool general = true;  // false: read the record first
  bool erases = false;  // then nothing below but reply
  std::string head;     // the first 8 bytes of the layout
  bool keeps_head = false;
  std::string not_before;  // numbers as in scripts.h
  std::string expires_at;
  std::string completed_at;
  std::string lease_until;
  bool keeps_body = false;
  bool completes =
      false;         // the shape of kComplete: new head, no backoff, a life, completed now, a body
  hf_record next{};  // of a stand-in: its state and its times are right as of `now`
  hf_store_reply reply{};  // attempt, owner and completed_at are the stored record's
};

Settlement SettlementOf(const hf_store_request& request, int64_t now);

}  // namespace holdfast::inline v0_5::redis

#endif  // HOLDFAST_ADAPTERS_REDIS_SETTLEMENT_H_
