// SPDX-License-Identifier: Apache-2.0
// What every store must let a user do with an event that is a result: write it around a payload that was made in its place,
// and read it where the store's answer holds it. That nothing was copied is proved by where things are.
#ifndef HOLDFAST_TESTS_STORE_ENVELOPE_BODY_H_
#define HOLDFAST_TESTS_STORE_ENVELOPE_BODY_H_

#include <gtest/gtest.h>
#include <holdfast/envelope.h>
#include <holdfast/envelope_body.h>
#include <holdfast/idempotency.h>
#include <holdfast/store.h>

#include <string>
#include <string_view>
#include <utility>

#include "store/requests.h"

namespace holdfast::testing {

inline bool LiesIn(std::string_view part, std::string_view whole) {
  return part.empty() ||
         (part.data() >= whole.data() && part.data() + part.size() <= whole.data() + whole.size());
}

inline char PayloadByte(std::size_t i) { return static_cast<char>(i * 31 + i / 251); }

inline std::string Payload(std::size_t size) {
  std::string payload(size, '\0');
  for (std::size_t i = 0; i < size; ++i) payload[i] = PayloadByte(i);
  return payload;
}

inline EnvelopeView ResultEvent() {
  EnvelopeView event;
  event.set_id("7");
  event.set_source("/payments");
  event.set_type("com.acme.payment.taken");
  event.Set(TextAttribute("datacontenttype", "application/octet-stream"));
  event.Set(TextAttribute("contractversion", "1.2"));
  return event;
}

// An event with a payload that is nowhere else. `*made` is where it was made.
inline std::string ResultBody(std::size_t size, const char** made) {
  std::string body;
  const absl::Status written = EncodeAround(ResultEvent(), {.size = size},
                                            [&](char* place) {
                                              *made = place;
                                              for (std::size_t i = 0; i < size; ++i)
                                                place[i] = PayloadByte(i);
                                            },
                                            &body, {.max_size = 16 << 20});
  EXPECT_TRUE(written.ok()) << written;
  return body;
}

// By requests, as an own driver makes them. `size` is the payload's.
inline void ExpectEventInPlace(Store& store, std::size_t size) {
  const std::string key = "event-" + std::to_string(size);
  const StoreReply won = store.Execute(Claim(key, 1), Duration{0});
  ASSERT_EQ(won.raw.status, HF_STORE_WON) << won.detail;

  const char* made = nullptr;
  const std::string body = ResultBody(size, &made);
  const StoreRequest complete = Complete(key, won.raw.token, body);
  // The request borrows: what the store's transport reads is where the payload was made.
  EXPECT_EQ(complete.body.data + complete.body.size - size, made);
  const StoreReply stored = store.Execute(complete, Duration{0});
  ASSERT_EQ(stored.raw.status, HF_STORE_OK) << stored.detail;

  const StoreReply replay = store.Execute(Claim(key, 2), Duration{0});
  ASSERT_EQ(replay.raw.status, HF_STORE_REPLAY) << replay.detail;
  EnvelopeView event;
  const absl::Status read = event.Decode(*replay.body, {.max_size = 16 << 20});
  ASSERT_TRUE(read.ok()) << read;
  EXPECT_EQ(event.Text("contractversion"), "1.2");
  EXPECT_TRUE(event.data() == Payload(size));
  EXPECT_TRUE(LiesIn(event.data(), *replay.body));
  EXPECT_TRUE(LiesIn(event.type(), *replay.body));
}

// By RunOnce: the work's result goes to its caller as it is, and an Envelope takes it over. A duplicate's is a copy of its own,
// which RunOnceSession spares those who read where the answer holds it.
inline void ExpectEventByRunOnce(Store& store, std::size_t size) {
  const std::string key = "run-" + std::to_string(size);
  const RunOnceOptions options{.request = "request", .max_body = 8u << 20};
  const char* made = nullptr;
  const auto run = [&] {
    return RunOnce(store, {.operation = "pay", .key = key}, options,
                   [&](Ticket&) -> absl::StatusOr<std::string> { return ResultBody(size, &made); });
  };
  for (const bool replayed : {false, true}) {
    absl::StatusOr<RunOnceResult> result = run();
    ASSERT_TRUE(result.ok()) << result.status();
    EXPECT_EQ(result->replayed, replayed);
    // Of a replay nothing was made, but memory that was freed may be given out again.
    const bool in_place = result->body.data() + result->body.size() - size == made;
    EXPECT_TRUE(in_place || replayed);
    const char* const held = result->body.data();
    const std::size_t whole = result->body.size();
    absl::StatusOr<Envelope> event =
        Envelope::Decode(std::move(result->body), {.max_size = 16 << 20});
    ASSERT_TRUE(event.ok()) << event.status();
    EXPECT_TRUE(LiesIn((*event)->data(), {held, whole}));
    EXPECT_TRUE((*event)->data() == Payload(size));
  }
}

}  // namespace holdfast::testing

#endif  // HOLDFAST_TESTS_STORE_ENVELOPE_BODY_H_
