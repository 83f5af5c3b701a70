// SPDX-License-Identifier: Apache-2.0
// What the stress tests share: time, threads, a ledger for each of them, and a reader of the journal.
//
// HF_STRESS_SECONDS sets how long each test runs; without it they take a second together.
// Nothing here orders threads by more than the clock's and the ledgers' own relaxed steps: what the library
// leaves unordered must stay so, or ThreadSanitizer would not see it.
#ifndef HOLDFAST_TESTS_DRIVER_STRESS_H_
#define HOLDFAST_TESTS_DRIVER_STRESS_H_

#include <gtest/gtest.h>
#include <holdfast/clock.h>
#include <holdfast/journal.h>

#include <array>
#include <atomic>
#include <chrono>
#include <cstdint>
#include <cstdlib>
#include <map>
#include <thread>
#include <vector>

namespace holdfast::driver_test {

inline constexpr int kWorkers = 8;

// A microsecond passes whenever somebody looks, ten with each turn of somebody who waits.
class SteppingClock final : public Clock {
 public:
  static constexpr hf_time kStart = 1000 * HF_S;

  hf_time Now() override { return Advance(HF_US); }
  bool WaitUntil(hf_time until, Wakeup& wakeup) override {
    for (;;) {
      if (wakeup.Take()) return true;
      if (Advance(10 * HF_US) >= until) return false;
      std::this_thread::yield();
    }
  }
  hf_time Advance(hf_duration by) { return now_.fetch_add(by, std::memory_order_relaxed) + by; }

  // Below an hour, the longest that a window of a guard can be.
  bool IsFarOn() const { return now_.load(std::memory_order_relaxed) - kStart > 3000 * HF_S; }

 private:
  std::atomic<hf_time> now_{kStart};
};

class Stint {
 public:
  Stint() : end_(std::chrono::steady_clock::now() + Length()) {}

  bool over() const { return std::chrono::steady_clock::now() >= end_; }

  static std::chrono::nanoseconds Length() {
    const char* const given = std::getenv("HF_STRESS_SECONDS");
    if (given == nullptr) return std::chrono::milliseconds(250);
    return std::chrono::nanoseconds(static_cast<int64_t>(std::strtod(given, nullptr) * 1e9));
  }

 private:
  const std::chrono::steady_clock::time_point end_;
};

// One thread's counts, joined when it has ended.
enum class Count {
  kCalls,
  kReports,
  kThrown,
  kRuns,       // of the function
  kAttempts,   // as reported
  kFaults,     // HF_EVENT_FAULT
  kRecorded,   // results that count
  kSucceeded,  // of those: neither failed nor slow
  kFailed,
  kSlow,
  kCharged,       // to the budget
  kRetriesSaved,  // not charged: never sent
  kKilledAtOnce,  // before anything else
  kKilledLate,    // after a sleep or a wait, which may have been for a token
  kStopped,
  kSize,
};

class Ledger {
 public:
  uint64_t& operator[](Count count) { return counts_[static_cast<size_t>(count)]; }
  uint64_t& reason(hf_reason reason) { return reasons_[reason]; }
  uint64_t operator[](Count count) const { return counts_[static_cast<size_t>(count)]; }
  uint64_t reason(hf_reason reason) const { return reasons_[reason]; }

  void Join(const Ledger& other) {
    for (size_t i = 0; i < counts_.size(); ++i) counts_[i] += other.counts_[i];
    for (size_t i = 0; i < reasons_.size(); ++i) reasons_[i] += other.reasons_[i];
  }

 private:
  std::array<uint64_t, static_cast<size_t>(Count::kSize)> counts_{};
  std::array<uint64_t, 400> reasons_{};
};

// Reads a journal in one thread and keeps account of each object's sequence.
class JournalReader {
 public:
  explicit JournalReader(const Journal& journal) : journal_(journal) {}

  size_t Drain() {
    const size_t count = journal_.Drain([this](const hf_event& event) { Read(event); });
    drained_ += count;
    return count;
  }

  // While `stint` lasts.
  void Follow(const Stint& stint) {
    while (!stint.over()) {
      if (Drain() == 0) std::this_thread::yield();
    }
  }

  // Once all is quiet and each object has written one more event, which `last_words` makes it do: that
  // shows how many it has written in all.
  template <typename LastWords>
  void CheckNothingIsUnaccountedFor(const LastWords& last_words) {
    Drain();
    const uint64_t lost = journal_.Snapshot().lost;
    last_words();
    Drain();
    const JournalSnapshot end = journal_.Snapshot();
    EXPECT_EQ(end.lost, lost) << "the last words were too many";
    EXPECT_EQ(end.waiting, 0u);
    EXPECT_EQ(end.written, drained_ + end.lost);
    uint64_t missing = 0;
    for (const auto& [object, story] : stories_) missing += story.sequence - story.seen;
    EXPECT_EQ(missing, end.lost);
  }

  uint64_t Seen(uint64_t object) const { return stories_.at(object).seen; }
  size_t objects() const { return stories_.size(); }

 private:
  struct Story {
    uint64_t sequence = 0;
    uint64_t seen = 0;
    bool state_known = false;
    int64_t state = 0;
  };

  void Read(const hf_event& event) {
    Story& story = stories_[event.object];
    ASSERT_GT(event.sequence, story.sequence) << "out of order: " << Describe(event);
    if (event.sequence != story.sequence + 1) story.state_known = false;
    story.sequence = event.sequence;
    ++story.seen;
    if (event.kind != HF_EVENT_KIND_STATE) return;
    if (story.state_known) {
      ASSERT_EQ(event.before, story.state) << Describe(event);
    }
    story.state_known = true;
    story.state = event.after;
  }

  const Journal& journal_;
  uint64_t drained_ = 0;
  std::map<uint64_t, Story> stories_;
};

}  // namespace holdfast::driver_test

#endif  // HOLDFAST_TESTS_DRIVER_STRESS_H_
