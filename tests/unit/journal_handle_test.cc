// SPDX-License-Identifier: Apache-2.0
// holdfast::Journal, and events as words.
#include <gtest/gtest.h>
#include <holdfast/journal.h>

#include <stdexcept>
#include <string>
#include <vector>

#include "abi/journal.h"

namespace holdfast {
namespace {

void WriteSome(abi::Pen& pen, int count) {
  for (int i = 1; i <= count; ++i) pen.Write(HF_EVENT_KIND_RETRIED, i, HF_R_NONE, 0, i);
}

TEST(JournalHandle, BadOptionsAreRefusedByName) {
  const absl::Status refused = Journal::Create({.capacity = 2'000'000}).status();
  EXPECT_EQ(refused.code(), absl::StatusCode::kInvalidArgument);
  EXPECT_NE(std::string(refused.message()).find("capacity"), std::string::npos);
  EXPECT_TRUE(Journal::Create({.capacity = 0}).ok()) << "0 is the default";
  EXPECT_FALSE(Journal());
  EXPECT_EQ(Journal().Snapshot().written, 0u);
  EXPECT_EQ(Journal().Drain([](const hf_event&) { FAIL(); }), 0u);
}

TEST(JournalHandle, DrainGivesWhatWaitsInOrder) {
  for (const int count : {0, 1, 63, 64, 65, 128, 200}) {
    const Journal journal = Journal::Create({.capacity = 200}).value();
    abi::Pen pen;
    pen.Connect(journal.raw(), 1);
    WriteSome(pen, count);
    EXPECT_EQ(journal.Snapshot().waiting, static_cast<uint32_t>(count));
    int seen = 0;
    const size_t told = journal.Drain(
        [&](const hf_event& event) { EXPECT_EQ(event.sequence, static_cast<uint64_t>(++seen)); });
    EXPECT_EQ(told, static_cast<size_t>(count));
    EXPECT_EQ(seen, count);
    EXPECT_EQ(journal.Snapshot().waiting, 0u);
  }
}

TEST(JournalHandle, WhatAListenerCausesIsForTheNextDrain) {
  const Journal journal = Journal::Create().value();
  abi::Pen pen;
  pen.Connect(journal.raw(), 1);
  WriteSome(pen, 100);
  // One that answers each event with another would otherwise never come to an end.
  const auto echo = [&](const hf_event& event) {
    EXPECT_EQ(journal.Snapshot().written, event.sequence + 99) << "no lock is held here";
    pen.Write(HF_EVENT_KIND_LOST, 9, HF_R_NONE, 0, 1);
  };
  EXPECT_EQ(journal.Drain(echo), 100u);
  EXPECT_EQ(journal.Snapshot().waiting, 100u);
}

TEST(JournalHandle, AListenerThatThrowsLosesAtMostItsBatch) {
  const Journal journal = Journal::Create().value();
  abi::Pen pen;
  pen.Connect(journal.raw(), 1);
  WriteSome(pen, 100);
  const auto stumble = [](const hf_event& event) {
    if (event.sequence == 10) throw std::runtime_error("full disk");
  };
  EXPECT_THROW(journal.Drain(stumble), std::runtime_error);
  std::vector<uint64_t> rest;
  journal.Drain([&](const hf_event& event) { rest.push_back(event.sequence); });
  ASSERT_EQ(rest.size(), 36u);
  EXPECT_EQ(rest.front(), 65u) << "the gap from 10 to 65 shows the loss";
  EXPECT_EQ(rest.back(), 100u);
}

TEST(JournalHandle, MutedKindsAreASet) {
  EXPECT_EQ(EventKinds({}), 0u);
  EXPECT_EQ(EventKinds({HF_EVENT_KIND_STATE, HF_EVENT_KIND_RETRIED}), 1u << 1 | 1u << 10);
  const Journal journal = Journal::Create({.muted = EventKinds({HF_EVENT_KIND_RETRIED})}).value();
  abi::Pen pen;
  pen.Connect(journal.raw(), 1);
  WriteSome(pen, 5);
  pen.Write(HF_EVENT_KIND_STATE, 1, HF_R_NONE, 1, 2);
  EXPECT_EQ(journal.Snapshot().written, 1u);
}

TEST(Event, IsDescribedInOneLine) {
  const struct {
    hf_event event;
    const char* text;
  } rows[] = {
      {{7, 3, 12 * HF_S + 500, HF_EVENT_KIND_REFUSED, HF_R_BREAKER_OPEN, 0, 1},
       "12.000000500 object 7 #3: refused breaker_open 1"},
      {{1, 1, 0, HF_EVENT_KIND_STATE, HF_R_NONE, HF_BREAKER_CLOSED, HF_BREAKER_OPEN},
       "0.000000000 object 1 #1: state closed -> open"},
      {{1, 2, HF_S - 1, HF_EVENT_KIND_STATE, HF_R_NONE, HF_BREAKER_HALF_OPEN, 99},
       "0.999999999 object 1 #2: state half_open -> state_?"},
      {{1, 2, 1, HF_EVENT_KIND_STATE, HF_R_NONE, HF_BREAKER_FORCED_OPEN, HF_BREAKER_DISABLED},
       "0.000000001 object 1 #2: state forced_open -> disabled"},
      {{1, 2, -5, HF_EVENT_KIND_LOST, HF_R_NONE, 0, 2}, "0.000000000 object 1 #2: lost 2"},
      {{1, 2, HF_S, HF_EVENT_KIND_LIMIT, HF_R_NONE, 20, 18},
       "1.000000000 object 1 #2: limit 20 -> 18"},
      {{1, 2, HF_S, HF_EVENT_KIND_SWITCHED, HF_R_NONE, 0, 1},
       "1.000000000 object 1 #2: switched on"},
      {{1, 2, HF_S, HF_EVENT_KIND_SWITCHED, HF_R_NONE, 1, 0},
       "1.000000000 object 1 #2: switched off"},
      {{1, 2, HF_S, HF_EVENT_KIND_EVICTED, HF_R_NONE, -1, 0},
       "1.000000000 object 1 #2: evicted 0xffffffffffffffff"},
      {{1, 2, HF_S, HF_EVENT_KIND_UPDATED, HF_R_NONE, 0, 4}, "1.000000000 object 1 #2: updated 4"},
      {{UINT64_MAX, UINT64_MAX, INT64_MAX, 99, 9999, 0, INT64_MIN},
       "9223372036.854775807 object 18446744073709551615 #18446744073709551615: event_? reason_? "
       "-9223372036854775808"},
  };
  for (const auto& [event, text] : rows) EXPECT_EQ(Describe(event), text);
}

}  // namespace
}  // namespace holdfast
