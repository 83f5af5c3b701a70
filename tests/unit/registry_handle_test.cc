// SPDX-License-Identifier: Apache-2.0
// c/registry.h: handles by key, what keeps a key in its place, and what becomes of handles and registry.
#include <gtest/gtest.h>
#include <holdfast/c/registry.h>

#include <set>
#include <string>
#include <vector>

namespace {

constexpr hf_time kStart = 1000 * HF_S;

hf_str Str(const std::string& text) { return {text.data(), text.size()}; }

// A registry of touchy breakers: open at the first failure, for 5 s; the window is 10 s.
class Breakers : public testing::Test {
 protected:
  void SetUp() override {
    breaker_.window = HF_WINDOW_TIME;
    breaker_.consecutive_failures = 2;
    breaker_.probes = 1;
    options_.breaker = &breaker_;
    options_.seed = 42;
    options_.capacity = 2;
    options_.idle_ttl = 16 * HF_S;
  }
  void TearDown() override { hf_registry_unref(registry_); }

  void Open() {
    hf_error error;
    ASSERT_EQ(hf_registry_new(&options_, &registry_, &error), HF_OK) << error.text;
  }
  hf_breaker* Get(const std::string& key, hf_time now = kStart, const std::string& tenant = "") {
    const hf_str t = Str(tenant), k = Str(key);
    hf_breaker* breaker = nullptr;
    code_ = hf_registry_breaker(registry_, &t, &k, now, &breaker, &why_);
    return breaker;
  }
  hf_code Touch(const std::string& key, hf_time now = kStart) {
    hf_breaker_unref(Get(key, now));
    return code_;
  }
  void Fail(const std::string& key, int times, hf_time now = kStart) {
    hf_breaker* const breaker = Get(key, now);
    for (int i = 0; i < times; ++i) {
      hf_permit permit{};
      ASSERT_EQ(hf_breaker_acquire(breaker, now, &permit, nullptr, nullptr), HF_OK);
      ASSERT_EQ(hf_breaker_record(breaker, &permit, HF_VERDICT_FAILURE, now, nullptr), HF_OK);
    }
    hf_breaker_unref(breaker);
  }
  hf_breaker_state StateOf(const std::string& key, hf_time now = kStart) {
    hf_breaker* const breaker = Get(key, now);
    hf_breaker_snapshot seen{};
    seen.struct_size = sizeof seen;
    EXPECT_EQ(hf_breaker_read(breaker, now, &seen), HF_OK);
    hf_breaker_unref(breaker);
    return seen.state;
  }
  hf_registry_snapshot Read() {
    hf_registry_snapshot seen{};
    seen.struct_size = sizeof seen;
    EXPECT_EQ(hf_registry_read(registry_, &seen), HF_OK);
    return seen;
  }

  hf_breaker_options breaker_ = HF_INIT(hf_breaker_options);
  hf_registry_options options_ = HF_INIT(hf_registry_options);
  hf_registry* registry_ = nullptr;
  hf_code code_ = HF_OK;
  hf_rejection why_{};
};

TEST_F(Breakers, OneKeyIsOneBreaker) {
  Open();
  hf_breaker* const a = Get("a");
  ASSERT_NE(a, nullptr);
  EXPECT_EQ(Get("a"), a);
  hf_breaker* const b = Get("a", kStart, "tenant");
  EXPECT_NE(b, a);
  EXPECT_EQ(Read().keys, 2u);
  EXPECT_EQ(Read().held, 2u);
  hf_breaker_unref(a);
  hf_breaker_unref(a);
  hf_breaker_unref(b);
  EXPECT_EQ(Read().held, 0u);
}

TEST_F(Breakers, AnOpenBreakerIsNotEvictedAndSoStaysOpen) {
  Open();
  Fail("bad", 2);
  ASSERT_EQ(StateOf("bad"), HF_BREAKER_OPEN);
  for (int i = 0; i < 1000; ++i) ASSERT_EQ(Touch(std::to_string(i), kStart + i * HF_S), HF_OK);
  uint32_t evicted = 0;
  EXPECT_EQ(hf_registry_sweep(registry_, 10, kStart + 10000 * HF_S, &evicted), HF_OK);
  EXPECT_EQ(evicted, 1u);
  EXPECT_EQ(StateOf("bad"), HF_BREAKER_OPEN);
}

TEST_F(Breakers, NeitherIsOneThatProbes) {
  Open();
  Fail("bad", 2);
  hf_breaker* const breaker = Get("bad", kStart + 6 * HF_S);
  hf_permit permit{};
  ASSERT_EQ(hf_breaker_acquire(breaker, kStart + 6 * HF_S, &permit, nullptr, nullptr), HF_OK);
  EXPECT_EQ(permit.kind, HF_PERMIT_PROBE);
  hf_breaker_unref(breaker);  // a mistake of the caller's, which costs it a probe lease, no more
  for (int i = 0; i < 10; ++i) ASSERT_EQ(Touch(std::to_string(i), kStart + 6 * HF_S), HF_OK);
  EXPECT_EQ(StateOf("bad", kStart + 6 * HF_S), HF_BREAKER_HALF_OPEN);
}

TEST_F(Breakers, OneWithAFailureInItsWindowStaysUntilTheWindowHasPassed) {
  Open();
  Fail("bad", 1);
  hf_breaker* const other = Get("other");
  EXPECT_EQ(Touch("third"), HF_RESOURCE_EXHAUSTED);
  EXPECT_EQ(why_.reason, HF_R_REGISTRY_FULL);
  EXPECT_GT(why_.retry_after, 0);
  EXPECT_LE(why_.retry_after, 15 * HF_S) << "open_for and the window: recovered by then";
  EXPECT_EQ(Touch("third", kStart + why_.retry_after), HF_OK);
  hf_breaker_unref(other);
}

TEST_F(Breakers, AForcedOneIsNeverForgotten) {
  options_.forget_after = 20 * HF_S;
  Open();
  for (const hf_breaker_state state : {HF_BREAKER_FORCED_OPEN, HF_BREAKER_DISABLED}) {
    hf_breaker* const breaker = Get("forced");
    ASSERT_EQ(hf_breaker_force(breaker, state, kStart), HF_OK);
    hf_breaker_unref(breaker);
    for (int i = 0; i < 100; ++i) ASSERT_EQ(Touch(std::to_string(i), kStart + i * HF_S), HF_OK);
    EXPECT_EQ(StateOf("forced", kStart + 100 * HF_S), state);
  }
}

TEST_F(Breakers, OneThatIsOpenForGoodIsForgottenIfToldSo) {
  options_.forget_after = 32 * HF_S;
  Open();
  Fail("gone", 2);
  hf_breaker* const other = Get("other");
  EXPECT_EQ(Touch("third", kStart + 32 * HF_S), HF_RESOURCE_EXHAUSTED);
  EXPECT_EQ(Touch("third", kStart + 33 * HF_S), HF_OK);
  hf_breaker_unref(other);
}

TEST_F(Breakers, KeysThatFindNoPlaceShareOneIfToldSo) {
  options_.overflow = HF_OVERFLOW_SHARE;
  Open();
  hf_breaker* const a = Get("a");
  hf_breaker* const b = Get("b");
  hf_breaker* const c = Get("c");
  ASSERT_EQ(code_, HF_OK);
  EXPECT_NE(c, a);
  EXPECT_NE(c, b);
  EXPECT_EQ(Get("d"), c);
  EXPECT_EQ(Read().shared, 2u);
  EXPECT_EQ(Read().refused, 0u);
  EXPECT_EQ(Read().keys, 2u);
  hf_breaker_unref(a);
  EXPECT_EQ(Touch("c"), HF_OK);
  EXPECT_EQ(Read().created, 3u) << "a place of its own, as soon as there is one";
  hf_breaker_unref(b);
  hf_breaker_unref(c);
  hf_registry_unref(registry_);
  registry_ = nullptr;
  hf_permit permit{};
  EXPECT_EQ(hf_breaker_acquire(c, kStart, &permit, nullptr, nullptr), HF_OK) << "still held";
  hf_breaker_unref(c);
}

TEST_F(Breakers, HandlesOutliveTheirRegistry) {
  options_.capacity = 1000;
  Open();
  const std::string long_key(200, 'x');
  hf_breaker* const a = Get("a");
  hf_breaker* const b = Get(long_key);
  for (int i = 0; i < 500; ++i) Touch(std::to_string(i));
  hf_registry_ref(registry_);
  hf_registry_unref(registry_);
  EXPECT_EQ(Touch("a"), HF_OK);
  hf_registry_unref(registry_);
  registry_ = nullptr;
  hf_permit permit{};
  EXPECT_EQ(hf_breaker_acquire(a, kStart, &permit, nullptr, nullptr), HF_OK);
  EXPECT_EQ(hf_breaker_record(a, &permit, HF_VERDICT_SUCCESS, kStart, nullptr), HF_OK);
  hf_breaker_ref(a);
  hf_breaker_unref(a);
  hf_breaker_unref(a);
  EXPECT_EQ(hf_breaker_acquire(b, kStart, &permit, nullptr, nullptr), HF_OK);
  hf_breaker_unref(b);  // the last one takes the registry's memory along: the leak checker knows
}

TEST_F(Breakers, EvictionsAreWrittenIntoTheJournal) {
  hf_journal* journal = nullptr;
  ASSERT_EQ(hf_journal_new(nullptr, &journal, nullptr), HF_OK);
  options_.capacity = 1;
  options_.journal = journal;
  options_.object = 77;
  Open();
  Touch("a");
  uint32_t cursor = 0;
  hf_registry_key key;
  size_t count = 0;
  ASSERT_EQ(hf_registry_list(registry_, &cursor, kStart, &key, 1, &count), HF_OK);
  Touch("b", kStart + 1);
  hf_event event{};
  ASSERT_EQ(hf_journal_drain(journal, &event, 1, &count), HF_OK);
  ASSERT_EQ(count, 1u);
  EXPECT_EQ(event.object, 77u);
  EXPECT_EQ(event.kind, HF_EVENT_KIND_EVICTED);
  EXPECT_EQ(static_cast<uint64_t>(event.before), key.hash);
  hf_journal_unref(journal);
}

TEST_F(Breakers, ListsEveryKeyWithItsState) {
  options_.capacity = 1000;
  Open();
  Fail("bad", 2);
  for (int i = 0; i < 300; ++i) Touch("key" + std::to_string(i));
  hf_breaker* const held = Get("key7", kStart, "tenant");
  std::set<std::string> seen;
  uint32_t cursor = 0;
  hf_registry_key keys[7];
  size_t count = 0;
  do {
    ASSERT_EQ(hf_registry_list(registry_, &cursor, kStart, keys, 7, &count), HF_OK);
    for (size_t i = 0; i < count; ++i) {
      const std::string tenant(keys[i].tenant, keys[i].tenant_size);
      const std::string key(keys[i].key, keys[i].key_size);
      EXPECT_TRUE(seen.insert(tenant + "/" + key).second) << "twice: " << key;
      EXPECT_EQ(keys[i].state, key == "bad" ? HF_BREAKER_OPEN : HF_BREAKER_CLOSED);
      EXPECT_EQ(keys[i].held, tenant.empty() ? 0u : 1u);
    }
  } while (count != 0);
  EXPECT_EQ(seen.size(), 302u);
  EXPECT_TRUE(seen.contains("tenant/key7"));
  EXPECT_EQ(Read().hits, 0u) << "listing is no use";
  hf_breaker_unref(held);
}

TEST_F(Breakers, MemoryGrowsWithTheKeysAndIsUsedAgain) {
  options_.capacity = 1000;
  Open();
  const uint64_t empty = Read().bytes;
  for (int i = 0; i < 1000; ++i) Touch(std::to_string(i));
  const uint64_t full = Read().bytes;
  EXPECT_GT(full, empty + 1000 * 64);
  for (int i = 0; i < 50000; ++i) Touch("next" + std::to_string(i));
  EXPECT_LE(Read().bytes, full + (1 << 16)) << "some table more at most";
  EXPECT_EQ(Read().keys, 1000u);
}

// A million breakers with a time window of ten buckets, and keys of 24 bytes: within 400 MB.
TEST_F(Breakers, AKeyTakesLessThan400BytesInAll) {
  options_.capacity = 1u << 17;  // the same share of tables as a million
  Open();
  for (uint32_t i = 0; i < options_.capacity; ++i) {
    std::string key = "host-" + std::to_string(1000000 + i) + ".example:8443";
    key.resize(24, '0');
    ASSERT_EQ(Touch(key), HF_OK);
  }
  const hf_registry_snapshot seen = Read();
  EXPECT_EQ(seen.keys, options_.capacity);
  EXPECT_LT(seen.bytes, uint64_t{400} * seen.keys);
}

}  // namespace
