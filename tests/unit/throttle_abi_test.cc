// SPDX-License-Identifier: Apache-2.0
// The throttle through the C ABI and the C++ layer, and many threads at once with exact counts at the end.
#include <gtest/gtest.h>
#include <holdfast/throttle.h>

#include <atomic>
#include <string>
#include <thread>
#include <vector>

namespace {

using namespace std::chrono_literals;
using holdfast::Throttle;

hf_throttle_snapshot Read(hf_throttle* throttle, hf_time now) {
  hf_throttle_snapshot snapshot{};
  snapshot.struct_size = sizeof(snapshot);
  EXPECT_EQ(hf_throttle_read(throttle, now, &snapshot), HF_OK);
  return snapshot;
}

hf_throttle* NewThrottle() {
  hf_throttle_options options = HF_INIT(hf_throttle_options);
  options.min_rate = 0.001;
  hf_throttle* throttle = nullptr;
  EXPECT_EQ(hf_throttle_new(&options, &throttle, nullptr), HF_OK);
  return throttle;
}

TEST(ThrottleAbi, ARefusalIsUnavailableAndSaysWhen) {
  hf_throttle* const throttle = NewThrottle();
  for (int i = 0; i < 1000; ++i) hf_throttle_record(throttle, HF_VERDICT_FAILURE, HF_S);
  const hf_time now = 4 * HF_S;
  hf_rejection why{};
  uint64_t seed = 1;
  while (hf_throttle_admit(throttle, seed, now, &why) == HF_OK) {
    EXPECT_EQ(why.code, HF_OK);
    ++seed;
  }
  EXPECT_EQ(why.code, HF_UNAVAILABLE);
  EXPECT_EQ(why.reason, HF_R_THROTTLED);
  EXPECT_EQ(why.retry_after, 2 * HF_S) << "the step of three seconds ends at six";
  EXPECT_EQ(hf_throttle_admit(throttle, seed, now, nullptr), HF_UNAVAILABLE);
  hf_throttle_unref(throttle);
}

TEST(ThrottleAbi, TheDefaultsAreThoseOfTheHeader) {
  hf_throttle* throttle = nullptr;
  ASSERT_EQ(hf_throttle_new(nullptr, &throttle, nullptr), HF_OK);
  const auto record = [&](int count, hf_verdict verdict, hf_time now) {
    for (int i = 0; i < count; ++i) hf_throttle_record(throttle, verdict, now);
  };
  record(149, HF_VERDICT_FAILURE, HF_S);  // below five per second over thirty
  EXPECT_EQ(Read(throttle, HF_S).rejection, 0);
  record(1, HF_VERDICT_FAILURE, HF_S);
  EXPECT_EQ(Read(throttle, HF_S).rejection, 0.9);
  record(150, HF_VERDICT_SUCCESS, HF_S);
  EXPECT_EQ(Read(throttle, HF_S).rejection, 0) << "half of them are good enough";
  record(100, HF_VERDICT_FAILURE, HF_S);
  EXPECT_DOUBLE_EQ(Read(throttle, HF_S).rejection, 100.0 / 401) << "aggression 1";
  EXPECT_EQ(Read(throttle, 30 * HF_S - 1).requests, 400u);
  EXPECT_EQ(Read(throttle, 30 * HF_S).requests, 0u);
  hf_throttle_unref(throttle);
}

TEST(ThrottleAbi, AnUpdateThatIsRefusedChangesNothing) {
  hf_throttle* const throttle = NewThrottle();
  for (int i = 0; i < 10; ++i) hf_throttle_record(throttle, HF_VERDICT_FAILURE, HF_S);
  hf_throttle_options options = HF_INIT(hf_throttle_options);
  options.max_rejection = 0.3;
  options.min_rate = 0.001;
  options.buckets = 65;
  hf_error error{};
  EXPECT_EQ(hf_throttle_update(throttle, &options, HF_S, &error), HF_INVALID_ARGUMENT);
  EXPECT_NE(std::string(error.text).find("buckets"), std::string::npos);
  EXPECT_EQ(Read(throttle, HF_S).rejection, 0.9);
  options.buckets = 5;
  EXPECT_EQ(hf_throttle_update(throttle, &options, HF_S, &error), HF_OK);
  EXPECT_EQ(error.code, HF_OK);
  EXPECT_EQ(Read(throttle, HF_S).rejection, 0.3);
  EXPECT_EQ(Read(throttle, HF_S).requests, 10u);
  hf_throttle_unref(throttle);
}

TEST(ThrottleAbi, TheJournalHearsOfRefusals) {
  hf_journal* journal = nullptr;
  ASSERT_EQ(hf_journal_new(nullptr, &journal, nullptr), HF_OK);
  hf_throttle_options options = HF_INIT(hf_throttle_options);
  options.min_rate = 0.001;
  options.journal = journal;
  options.object = 5;
  hf_throttle* throttle = nullptr;
  ASSERT_EQ(hf_throttle_new(&options, &throttle, nullptr), HF_OK);
  for (int i = 0; i < 1000; ++i) hf_throttle_record(throttle, HF_VERDICT_FAILURE, HF_S);
  uint64_t refused = 0;
  for (uint64_t seed = 1; seed <= 100; ++seed) {
    refused += hf_throttle_admit(throttle, seed, 4 * HF_S, nullptr) != HF_OK ? 1 : 0;
  }
  hf_throttle_unref(throttle);
  std::vector<hf_event> events(200);
  size_t count = 0;
  ASSERT_EQ(hf_journal_drain(journal, events.data(), events.size(), &count), HF_OK);
  ASSERT_EQ(count, 1 + refused);
  EXPECT_EQ(events[0].kind, HF_EVENT_KIND_LIMIT);
  EXPECT_EQ(events[1].kind, HF_EVENT_KIND_REFUSED);
  EXPECT_EQ(events[1].reason, HF_R_THROTTLED);
  EXPECT_EQ(events[1].object, 5u);
  hf_journal_unref(journal);
}

TEST(ThrottleThreads, EveryCallIsCountedOnce) {
  constexpr int kThreads = 8, kEach = 20000;
  hf_throttle* const throttle = NewThrottle();
  std::atomic<uint64_t> refused{0}, failed{0}, good{0};
  std::vector<std::thread> threads;
  for (int t = 0; t < kThreads; ++t) {
    threads.emplace_back([&, t] {
      for (int i = 0; i < kEach; ++i) {
        // Twenty of the window's thirty seconds, so that nothing leaves it.
        const hf_time now = 300 * HF_S + i * HF_MS;
        const uint64_t seed = static_cast<uint64_t>(t) * kEach + static_cast<uint64_t>(i) + 1;
        if (hf_throttle_admit(throttle, seed, now, nullptr) != HF_OK) {
          refused.fetch_add(1);
          continue;
        }
        const bool fails = i % 4 != 0;
        (fails ? failed : good).fetch_add(1);
        hf_throttle_record(throttle, fails ? HF_VERDICT_FAILURE : HF_VERDICT_SUCCESS, now);
      }
    });
  }
  for (std::thread& thread : threads) thread.join();
  const hf_throttle_snapshot snapshot = Read(throttle, 320 * HF_S);
  EXPECT_EQ(snapshot.requests, uint64_t{kThreads} * kEach);
  EXPECT_EQ(snapshot.accepts, good.load());
  EXPECT_EQ(snapshot.refused, refused.load());
  EXPECT_EQ(refused + failed + good, uint64_t{kThreads} * kEach);
  EXPECT_GT(refused.load(), 1000u);
  hf_throttle_unref(throttle);
}

TEST(ThrottleThreads, UpdatesAndReadsMayCome) {
  hf_throttle* const throttle = NewThrottle();
  std::vector<std::thread> threads;
  for (int t = 0; t < 4; ++t) {
    threads.emplace_back([&, t] {
      for (int i = 0; i < 2000; ++i) {
        const hf_time now = HF_S + i * HF_MS;
        hf_throttle_options options = HF_INIT(hf_throttle_options);
        options.buckets = 1 + static_cast<uint32_t>(i) % 64;
        if (t == 0) hf_throttle_update(throttle, &options, now, nullptr);
        if (t == 1) Read(throttle, now);
        hf_throttle_record(throttle, HF_VERDICT_FAILURE, now);
      }
    });
  }
  for (std::thread& thread : threads) thread.join();
  EXPECT_EQ(Read(throttle, 3 * HF_S).requests, 8000u);
  hf_throttle_unref(throttle);
}

// --- The C++ layer ----------------------------------------------------------------------------------------

TEST(ThrottleLayer, AStatusCarriesTheRejection) {
  const auto throttle = Throttle::Create({.min_rate = 0.001});
  ASSERT_TRUE(throttle.ok());
  EXPECT_TRUE(throttle->Admit(1, HF_S).ok());
  for (int i = 0; i < 1000; ++i) throttle->Record(HF_VERDICT_FAILURE, HF_S);
  throttle->Record(12345, HF_S);  // outside the set: nothing
  absl::Status status;
  for (uint64_t seed = 1; status.ok(); ++seed) status = throttle->Admit(seed, 4 * HF_S);
  EXPECT_EQ(status.code(), absl::StatusCode::kUnavailable);
  const auto rejection = holdfast::RejectionOf(status);
  ASSERT_TRUE(rejection.has_value());
  EXPECT_EQ(rejection->reason_name(), "throttled");
  EXPECT_EQ(rejection->retry_after, 2s);
  EXPECT_EQ(throttle->Snapshot(4 * HF_S).requests, 1001u);
  EXPECT_EQ(throttle->Snapshot(4 * HF_S).refused, 1u);
  EXPECT_EQ(throttle->Snapshot(4 * HF_S).accepts, 0u);
  EXPECT_EQ(throttle->Snapshot(4 * HF_S).rejection, 0.9);
}

TEST(ThrottleLayer, ErrorsNameTheField) {
  const auto refused = Throttle::Create({.aggression = -1});
  EXPECT_EQ(refused.status().code(), absl::StatusCode::kInvalidArgument);
  EXPECT_NE(std::string(refused.status().message()).find("aggression"), std::string::npos);
  const auto throttle = Throttle::Create();
  ASSERT_TRUE(throttle.ok());
  EXPECT_TRUE(throttle->Update({.window = 1s}, HF_S).ok());
  EXPECT_EQ(throttle->Update({.window = 1ns}, HF_S).code(), absl::StatusCode::kInvalidArgument);
  EXPECT_EQ(throttle->Admit(0, HF_S).code(), absl::StatusCode::kInvalidArgument);
}

TEST(ThrottleLayer, AnEmptyHandleIsFalse) {
  EXPECT_FALSE(Throttle());
  EXPECT_TRUE(*Throttle::Create());
}

}  // namespace
