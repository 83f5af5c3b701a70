// SPDX-License-Identifier: Apache-2.0
// The ring and the pens: order, loss, lifetimes, and both under eight threads.
#include "abi/journal.h"

#include <gtest/gtest.h>
#include <holdfast/c/journal.h>

#include <array>
#include <atomic>
#include <latch>
#include <map>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

namespace holdfast::abi {
namespace {

hf_journal* NewJournal(uint32_t capacity, uint32_t muted = 0) {
  hf_journal_options options = HF_INIT(hf_journal_options);
  options.capacity = capacity;
  options.muted = muted;
  hf_journal* journal = nullptr;
  EXPECT_EQ(hf_journal_new(&options, &journal, nullptr), HF_OK);
  return journal;
}

std::vector<hf_event> Drain(hf_journal* journal, size_t capacity = 4096) {
  std::vector<hf_event> events(capacity);
  size_t count = 99;
  EXPECT_EQ(hf_journal_drain(journal, events.data(), capacity, &count), HF_OK);
  events.resize(count);
  return events;
}

hf_journal_snapshot Read(const hf_journal* journal) {
  hf_journal_snapshot now{};
  now.struct_size = sizeof now;
  EXPECT_EQ(hf_journal_read(journal, &now), HF_OK);
  return now;
}

// `count` events; their `after` counts on from `first`.
void WriteSome(Pen& pen, int count, int64_t first = 1) {
  for (int i = 0; i < count; ++i) {
    pen.Write(HF_EVENT_KIND_REFUSED, HF_S + i, HF_R_BREAKER_OPEN, 0, first + i);
  }
}

TEST(Journal, GivesEachEventAsItWasWritten) {
  hf_journal* const journal = NewJournal(4);
  Pen pen;
  pen.Connect(journal, 77);
  pen.Write(HF_EVENT_KIND_STATE, 5, HF_R_NONE, 1, 2);
  pen.Write(HF_EVENT_KIND_REFUSED, -3, HF_R_BREAKER_OPEN, 0, INT64_MIN);
  const auto events = Drain(journal);
  ASSERT_EQ(events.size(), 2u);
  EXPECT_EQ(events[0].object, 77u);
  EXPECT_EQ(events[0].sequence, 1u);
  EXPECT_EQ(events[0].time, 5);
  EXPECT_EQ(events[0].kind, HF_EVENT_KIND_STATE);
  EXPECT_EQ(events[0].reason, HF_R_NONE);
  EXPECT_EQ(events[0].before, 1);
  EXPECT_EQ(events[0].after, 2);
  EXPECT_EQ(events[1].sequence, 2u);
  EXPECT_EQ(events[1].time, -3);
  EXPECT_EQ(events[1].reason, HF_R_BREAKER_OPEN);
  EXPECT_EQ(events[1].after, INT64_MIN);
  EXPECT_TRUE(Drain(journal).empty());
  hf_journal_unref(journal);
}

TEST(Journal, APenWithoutAJournalForgets) {
  Pen pen;
  WriteSome(pen, 3);
  pen.Connect(nullptr, 1);
  WriteSome(pen, 3);
}

TEST(Journal, EachObjectCountsFromOneWhateverOthersWrite) {
  hf_journal* const journal = NewJournal(16);
  Pen first, second;
  first.Connect(journal, 1);
  second.Connect(journal, 2);
  WriteSome(first, 2);
  WriteSome(second, 1);
  WriteSome(first, 1);
  const auto events = Drain(journal);
  ASSERT_EQ(events.size(), 4u);
  const std::vector<std::pair<uint64_t, uint64_t>> wanted = {{1, 1}, {1, 2}, {2, 1}, {1, 3}};
  for (size_t i = 0; i < wanted.size(); ++i) {
    EXPECT_EQ(events[i].object, wanted[i].first) << i;
    EXPECT_EQ(events[i].sequence, wanted[i].second) << i;
  }
  hf_journal_unref(journal);
}

TEST(Journal, AFullRingDropsItsOldestAndTheGapShowsIt) {
  for (const uint32_t capacity : {1u, 2u, 3u, 7u}) {
    hf_journal* const journal = NewJournal(capacity);
    Pen pen;
    pen.Connect(journal, 1);
    WriteSome(pen, 1);
    ASSERT_EQ(Drain(journal).size(), 1u);
    WriteSome(pen, 10, 2);
    EXPECT_EQ(Read(journal).waiting, capacity);
    EXPECT_EQ(Read(journal).written, 11u);
    EXPECT_EQ(Read(journal).lost, 10u - capacity);
    const auto events = Drain(journal);
    ASSERT_EQ(events.size(), capacity);
    for (size_t i = 0; i < events.size(); ++i) {
      EXPECT_EQ(events[i].sequence, 12u - capacity + i) << capacity;
      EXPECT_EQ(events[i].after, static_cast<int64_t>(events[i].sequence));
    }
    EXPECT_EQ(events.front().sequence - 1 - 1, Read(journal).lost) << "the gap is what was lost";
    hf_journal_unref(journal);
  }
}

TEST(Journal, ADrainTakesAtMostWhatItIsAskedFor) {
  hf_journal* const journal = NewJournal(200);
  Pen pen;
  pen.Connect(journal, 1);
  WriteSome(pen, 150);
  uint64_t next = 1;
  for (const size_t most : {1u, 31u, 32u, 33u, 0u, 64u}) {
    const auto events = Drain(journal, most);
    EXPECT_EQ(events.size(), std::min<size_t>(most, 151 - next)) << most;
    for (const hf_event& event : events) EXPECT_EQ(event.sequence, next++);
  }
  EXPECT_EQ(next, 151u);
  EXPECT_EQ(Read(journal).waiting, 0u);
  hf_journal_unref(journal);
}

TEST(Journal, AMutedKindLeavesNoTraceAndNoGap) {
  hf_journal* const journal = NewJournal(2, 1u << HF_EVENT_KIND_REFUSED | 1u << HF_EVENT_KIND_LOST);
  Pen pen;
  pen.Connect(journal, 1);
  pen.Write(HF_EVENT_KIND_STATE, 1, HF_R_NONE, 1, 2);
  WriteSome(pen, 100);
  pen.Write(HF_EVENT_KIND_LOST, 2, HF_R_NONE, 0, 1);
  pen.Write(HF_EVENT_KIND_RETRIED, 3, HF_R_NONE, 0, 2);
  EXPECT_EQ(Read(journal).written, 2u);
  EXPECT_EQ(Read(journal).lost, 0u);
  const auto events = Drain(journal);
  ASSERT_EQ(events.size(), 2u);
  EXPECT_EQ(events[0].kind, HF_EVENT_KIND_STATE);
  EXPECT_EQ(events[1].kind, HF_EVENT_KIND_RETRIED);
  EXPECT_EQ(events[1].sequence, 2u);
  hf_journal_unref(journal);
}

TEST(Journal, OutlivesItsOwnersReferenceWhileAnObjectIsConnected) {
  hf_journal* const journal = NewJournal(4);
  {
    Pen pen;
    pen.Connect(journal, 1);
    hf_journal_unref(journal);
    WriteSome(pen, 9);
    EXPECT_EQ(Read(journal).lost, 5u);
  }  // here it goes; a sanitizer sees what is left or used after
}

TEST(Journal, KeepsTheEventsOfAnObjectThatIsGone) {
  hf_journal* const journal = NewJournal(4);
  {
    Pen pen;
    pen.Connect(journal, 5);
    WriteSome(pen, 2);
  }
  const auto events = Drain(journal);
  ASSERT_EQ(events.size(), 2u);
  EXPECT_EQ(events[1].object, 5u);
  hf_journal_unref(journal);
}

TEST(Journal, NamesEveryKind) {
  std::map<std::string, int> names;
  for (hf_event_kind kind = HF_EVENT_KIND_STATE; kind <= HF_EVENT_KIND_OVERRIDDEN; ++kind) {
    ++names[hf_event_kind_name(kind)];
  }
  EXPECT_EQ(names.size(), 11u) << "each its own";
  EXPECT_EQ(names.count("event_?"), 0u);
  for (const hf_event_kind kind : {0, -1, 12, INT32_MAX, INT32_MIN}) {
    EXPECT_STREQ(hf_event_kind_name(kind), "event_?") << kind;
  }
}

// --- Threads -----------------------------------------------------------------------------------------

// As an engine does: the change and its event under one lock of the object.
struct Object {
  std::mutex mutex;
  Pen pen;
  int64_t changes = 0;

  void Change() {
    const std::lock_guard lock(mutex);
    ++changes;
    pen.Write(HF_EVENT_KIND_STATE, changes, HF_R_NONE, changes - 1, changes);
  }
};

constexpr int kThreads = 8;
constexpr int kChanges = 20'000;

// Eight threads change four objects, two each, while this one drains.
void RaceThrough(uint32_t capacity, bool drain) {
  hf_journal* const journal = NewJournal(capacity);
  std::array<Object, kThreads / 2> objects;
  for (size_t i = 0; i < objects.size(); ++i) objects[i].pen.Connect(journal, i);
  std::atomic<int> running{kThreads};
  std::latch start(kThreads);  // or the first would be done before the last begins
  std::vector<std::thread> threads;
  for (int t = 0; t < kThreads; ++t) {
    threads.emplace_back([&, t] {
      start.arrive_and_wait();
      for (int i = 0; i < kChanges; ++i) objects[t / 2].Change();
      running.fetch_sub(1);
    });
  }
  std::array<uint64_t, kThreads / 2> last{};
  uint64_t seen = 0, gaps = 0;
  const auto take = [&] {
    for (const hf_event& event : Drain(journal, 100)) {
      ASSERT_LT(event.object, objects.size());
      ASSERT_GT(event.sequence, last[event.object]) << "out of order";
      ASSERT_EQ(static_cast<uint64_t>(event.after), event.sequence) << "not as it happened";
      gaps += event.sequence - last[event.object] - 1;
      last[event.object] = event.sequence;
      ++seen;
    }
  };
  while (drain && running.load() > 0) take();
  for (std::thread& thread : threads) thread.join();
  while (Read(journal).waiting > 0) take();
  const hf_journal_snapshot end = Read(journal);
  EXPECT_EQ(end.written, uint64_t{kThreads} * kChanges);
  EXPECT_EQ(seen + end.lost, end.written);
  // What an object lost after its last event seen shows in no gap yet.
  for (size_t i = 0; i < objects.size(); ++i) gaps += objects[i].changes - last[i];
  EXPECT_EQ(gaps, end.lost);
  hf_journal_unref(journal);
}

TEST(JournalThreads, KeepsEachObjectsOrderWhileWritersWrite) { RaceThrough(64, true); }

TEST(JournalThreads, LosesNothingIfTheRingIsLargeEnough) { RaceThrough(kThreads * kChanges, true); }

TEST(JournalThreads, CountsExactlyWhatNobodyDrained) { RaceThrough(7, false); }

TEST(JournalThreads, DrainersShareTheEventsAndTakeEachOnce) {
  hf_journal* const journal = NewJournal(kChanges);
  Pen pen;
  pen.Connect(journal, 1);
  WriteSome(pen, kChanges);
  std::vector<std::atomic<int>> taken(kChanges);
  std::vector<std::thread> threads;
  for (int t = 0; t < kThreads; ++t) {
    threads.emplace_back([&] {
      uint64_t last = 0;
      for (auto events = Drain(journal, 50); !events.empty(); events = Drain(journal, 50)) {
        for (const hf_event& event : events) {
          EXPECT_GT(event.sequence, last) << "each sees its share in order";
          last = event.sequence;
          taken[event.sequence - 1].fetch_add(1);
        }
      }
    });
  }
  for (std::thread& thread : threads) thread.join();
  for (const auto& count : taken) ASSERT_EQ(count.load(), 1);
  hf_journal_unref(journal);
}

}  // namespace
}  // namespace holdfast::abi
