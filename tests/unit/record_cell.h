// SPDX-License-Identifier: Apache-2.0
// The transition table applied to one record, for tests.
#ifndef HOLDFAST_TESTS_UNIT_RECORD_CELL_H_
#define HOLDFAST_TESTS_UNIT_RECORD_CELL_H_

#include <gtest/gtest.h>
#include <holdfast/c/record.h>

#include <algorithm>
#include <cstdint>
#include <string>
#include <string_view>

#include "store/requests.h"

namespace holdfast::testing {

inline constexpr std::string_view kKey = "k";

// One record, as a store would keep it.
struct Cell {
  hf_record record{};
  bool present = false;
  std::string body, label;
  int64_t now = kEpochNow;
  uint64_t floor = 0;
  hf_record_change change = 0;
  hf_code code = 0;

  hf_store_reply Apply(const hf_store_request& request) {
    hf_record next{};
    hf_store_reply reply{};
    code =
        hf_record_apply(present ? &record : nullptr, &request, now, floor, &next, &change, &reply);
    if (change == HF_RECORD_KEEP) return reply;
    body = std::string(next.body.data == nullptr ? "" : next.body.data, next.body.size);
    present = change == HF_RECORD_WRITE;
    if (!present) {
      EXPECT_EQ(next.state, HF_RECORD_ABSENT);
      EXPECT_EQ(next.token, reply.token);
      floor = std::max(floor, next.token);
    }
    label = std::string(next.label.data == nullptr ? "" : next.label.data, next.label.size);
    record = next;
    record.label = {label.data(), label.size()};
    record.body = {body.data(), body.size()};
    return reply;
  }
  hf_store_status StatusOf(const hf_store_request& request) { return Apply(request).status; }
  uint64_t Win(uint64_t who, hf_on_expiry on_expiry = HF_ON_EXPIRY_IN_DOUBT) {
    const hf_store_reply reply = Apply(Claim(kKey, who, on_expiry));
    EXPECT_EQ(reply.status, HF_STORE_WON);
    return reply.token;
  }
};

}  // namespace holdfast::testing

#endif  // HOLDFAST_TESTS_UNIT_RECORD_CELL_H_
