// SPDX-License-Identifier: Apache-2.0
// Bad input for registries and groups: each is refused with its reason and field, and leaves nothing.
#include <gtest/gtest.h>
#include <holdfast/c/hf.h>

#include <cstring>
#include <functional>
#include <limits>
#include <string>
#include <vector>

namespace {

constexpr double kNan = std::numeric_limits<double>::quiet_NaN();
constexpr hf_duration kDay = 24 * 3600 * HF_S;

class RegistryBadInput : public testing::Test {
 protected:
  RegistryBadInput() {
    breaker_.window = HF_WINDOW_TIME;
    options_.breaker = &breaker_;
    options_.seed = 1;
  }

  hf_breaker_options breaker_ = HF_INIT(hf_breaker_options);
  hf_budget_options budget_ = HF_INIT(hf_budget_options);
  hf_registry_options options_ = HF_INIT(hf_registry_options);
};

TEST_F(RegistryBadInput, OptionsNameTheField) {
  struct Row {
    const char* field;
    hf_reason reason;
    std::function<void()> spoil;
  };
  hf_group* group = nullptr;
  ASSERT_EQ(hf_group_new(nullptr, &group, nullptr), HF_OK);
  const hf_registry_options good = options_;
  const std::vector<Row> rows = {
      {"struct_size", HF_R_STRUCT_SIZE, [&] { options_.struct_size -= 8; }},
      {"abi_level", HF_R_ABI_LEVEL, [&] { options_.abi_level = 99; }},
      {"seed", HF_R_ZERO_SEED, [&] { options_.seed = 0; }},
      {"breaker", HF_R_BAD_OPTIONS, [&] { options_.breaker = nullptr; }},
      {"budget", HF_R_BAD_OPTIONS, [&] { options_.budget = &budget_; }},
      {"capacity", HF_R_OUT_OF_RANGE, [&] { options_.capacity = (1u << 24) + 1; }},
      {"capacity", HF_R_OUT_OF_RANGE, [&] { options_.capacity = UINT32_MAX; }},
      {"overflow", HF_R_OUT_OF_RANGE, [&] { options_.overflow = 3; }},
      {"overflow", HF_R_OUT_OF_RANGE, [&] { options_.overflow = -1; }},
      {"idle_ttl", HF_R_OUT_OF_RANGE, [&] { options_.idle_ttl = -1; }},
      {"idle_ttl", HF_R_OUT_OF_RANGE, [&] { options_.idle_ttl = HF_S - 1; }},
      {"idle_ttl", HF_R_OUT_OF_RANGE, [&] { options_.idle_ttl = HF_INFINITE; }},
      {"idle_ttl", HF_R_BAD_OPTIONS, [&] { options_.idle_ttl = 14 * HF_S; }},
      {"forget_after", HF_R_OUT_OF_RANGE, [&] { options_.forget_after = -1; }},
      {"forget_after", HF_R_OUT_OF_RANGE, [&] { options_.forget_after = 366 * kDay; }},
      {"forget_after", HF_R_BAD_OPTIONS, [&] { options_.forget_after = HF_S; }},
      {"open_for", HF_R_OUT_OF_RANGE, [&] { breaker_.open_for = -1; }},
      {"struct_size", HF_R_STRUCT_SIZE, [&] { breaker_.struct_size = 4; }},
      {"group", HF_R_BAD_OPTIONS,
       [&] {
         options_.breaker = nullptr;
         options_.budget = &budget_;
         options_.group = group;
       }},
  };
  for (const Row& row : rows) {
    options_ = good;
    breaker_ = HF_INIT(hf_breaker_options);
    breaker_.window = HF_WINDOW_TIME;
    row.spoil();
    hf_error error{};
    hf_registry* registry = reinterpret_cast<hf_registry*>(uintptr_t{64});
    EXPECT_EQ(hf_registry_new(&options_, &registry, &error), HF_INVALID_ARGUMENT) << row.field;
    EXPECT_EQ(error.reason, row.reason) << row.field << ": " << error.text;
    EXPECT_NE(std::strstr(error.text, row.field), nullptr) << error.text;
    EXPECT_EQ(registry, nullptr);
    EXPECT_EQ(hf_registry_new(&options_, &registry, nullptr), HF_INVALID_ARGUMENT);
  }
  hf_group_unref(group);
}

// fedify #916: a time to live that is shorter than the recovery re-closes an open breaker.
TEST_F(RegistryBadInput, TheTtlCoversOpenForAndTheWindow) {
  breaker_.open_for = 60 * HF_S;
  breaker_.window_time = 30 * HF_S;
  hf_registry* registry = nullptr;
  options_.idle_ttl = 90 * HF_S - 1;
  EXPECT_EQ(hf_registry_new(&options_, &registry, nullptr), HF_INVALID_ARGUMENT);
  options_.idle_ttl = 90 * HF_S;
  EXPECT_EQ(hf_registry_new(&options_, &registry, nullptr), HF_OK);
  hf_registry_unref(registry);
  breaker_.open_for = kDay;
  options_.idle_ttl = 0;
  EXPECT_EQ(hf_registry_new(&options_, &registry, nullptr), HF_OK) << "the default follows";
  hf_registry_unref(registry);
}

TEST_F(RegistryBadInput, TheFrameIsChecked) {
  hf_error error{};
  EXPECT_EQ(hf_registry_new(&options_, nullptr, &error), HF_INVALID_ARGUMENT);
  EXPECT_EQ(error.reason, HF_R_NULL_ARGUMENT);
  hf_registry* registry = nullptr;
  EXPECT_EQ(hf_registry_new(nullptr, &registry, &error), HF_INVALID_ARGUMENT);
  EXPECT_EQ(error.reason, HF_R_BAD_OPTIONS);
  struct {
    hf_registry_options known;
    uint64_t unknown;
  } newer = {options_, 0};
  newer.known.struct_size = sizeof newer;
  EXPECT_EQ(hf_registry_new(&newer.known, &registry, nullptr), HF_OK);
  hf_registry_unref(registry);
  newer.unknown = 1;
  EXPECT_EQ(hf_registry_new(&newer.known, &registry, &error), HF_INVALID_ARGUMENT);
  EXPECT_EQ(error.reason, HF_R_UNSUPPORTED_FIELD);
}

TEST_F(RegistryBadInput, KeysAreChecked) {
  hf_registry* registry = nullptr;
  ASSERT_EQ(hf_registry_new(&options_, &registry, nullptr), HF_OK);
  const std::string longest(256, 'k'), longer(257, 'k');
  const hf_str good = {"key", 3}, empty = {"", 0}, none = {nullptr, 0}, broken = {nullptr, 3};
  const hf_str most = {longest.data(), 256}, more = {longer.data(), 257};
  const auto refused = [&](const hf_str* tenant, const hf_str* key) {
    hf_breaker* out = reinterpret_cast<hf_breaker*>(uintptr_t{64});
    hf_rejection why{};
    EXPECT_EQ(hf_registry_breaker(registry, tenant, key, HF_S, &out, &why), HF_INVALID_ARGUMENT);
    EXPECT_EQ(hf_registry_breaker(registry, tenant, key, HF_S, &out, nullptr), HF_INVALID_ARGUMENT);
    EXPECT_EQ(out, nullptr);
    return why.reason;
  };
  EXPECT_EQ(refused(nullptr, nullptr), HF_R_NULL_ARGUMENT);
  EXPECT_EQ(refused(nullptr, &broken), HF_R_NULL_ARGUMENT);
  EXPECT_EQ(refused(&broken, &good), HF_R_NULL_ARGUMENT);
  EXPECT_EQ(refused(nullptr, &empty), HF_R_KEY_MISSING);
  EXPECT_EQ(refused(nullptr, &none), HF_R_KEY_MISSING);
  EXPECT_EQ(refused(&good, &empty), HF_R_KEY_MISSING);
  EXPECT_EQ(refused(nullptr, &more), HF_R_KEY_OVERSIZE);
  EXPECT_EQ(refused(&more, &good), HF_R_KEY_OVERSIZE);
  hf_breaker* out = nullptr;
  EXPECT_EQ(hf_registry_breaker(registry, &most, &most, INT64_MIN, &out, nullptr), HF_OK);
  hf_breaker_unref(out);
  EXPECT_EQ(hf_registry_breaker(registry, &none, &good, HF_S, &out, nullptr), HF_OK);
  hf_breaker_unref(out);
  EXPECT_EQ(hf_registry_breaker(registry, nullptr, &good, HF_S, nullptr, nullptr),
            HF_INVALID_ARGUMENT);
  EXPECT_EQ(hf_registry_breaker(nullptr, nullptr, &good, HF_S, &out, nullptr), HF_INVALID_ARGUMENT);
  hf_budget* budget = nullptr;
  hf_rejection why{};
  EXPECT_EQ(hf_registry_budget(registry, nullptr, &good, HF_S, &budget, &why), HF_INVALID_ARGUMENT);
  EXPECT_EQ(why.reason, HF_R_BAD_STATE) << "a registry of breakers";
  hf_registry_unref(registry);
}

TEST_F(RegistryBadInput, LooksAreChecked) {
  hf_registry* registry = nullptr;
  ASSERT_EQ(hf_registry_new(&options_, &registry, nullptr), HF_OK);
  uint32_t cursor = 0;
  hf_registry_key key;
  size_t count = 7;
  EXPECT_EQ(hf_registry_list(nullptr, &cursor, HF_S, &key, 1, &count), HF_INVALID_ARGUMENT);
  EXPECT_EQ(count, 0u);
  EXPECT_EQ(hf_registry_list(registry, nullptr, HF_S, &key, 1, &count), HF_INVALID_ARGUMENT);
  EXPECT_EQ(hf_registry_list(registry, &cursor, HF_S, nullptr, 1, &count), HF_INVALID_ARGUMENT);
  EXPECT_EQ(hf_registry_list(registry, &cursor, HF_S, &key, 1, nullptr), HF_INVALID_ARGUMENT);
  cursor = UINT32_MAX;
  EXPECT_EQ(hf_registry_list(registry, &cursor, HF_S, &key, 1, &count), HF_OK);
  EXPECT_EQ(count, 0u);
  uint32_t evicted = 7;
  EXPECT_EQ(hf_registry_sweep(nullptr, 1, HF_S, &evicted), HF_INVALID_ARGUMENT);
  EXPECT_EQ(evicted, 0u);
  EXPECT_EQ(hf_registry_sweep(registry, UINT32_MAX, -1, nullptr), HF_OK);
  hf_registry_snapshot seen{};
  EXPECT_EQ(hf_registry_read(registry, &seen), HF_INVALID_ARGUMENT) << "no size";
  EXPECT_EQ(hf_registry_read(registry, nullptr), HF_INVALID_ARGUMENT);
  seen.struct_size = sizeof seen;
  EXPECT_EQ(hf_registry_read(nullptr, &seen), HF_INVALID_ARGUMENT);
  hf_registry_unref(registry);
  hf_registry_unref(nullptr);
  hf_registry_ref(nullptr);
}

TEST(GroupBadInput, OptionsNameTheField) {
  for (const double share : {-0.1, 0.0009, 1.001, kNan}) {
    hf_group_options options = HF_INIT(hf_group_options);
    options.max_ejected = share;
    hf_group* group = reinterpret_cast<hf_group*>(uintptr_t{64});
    hf_error error{};
    EXPECT_EQ(hf_group_new(&options, &group, &error), HF_INVALID_ARGUMENT);
    EXPECT_EQ(error.reason, HF_R_OUT_OF_RANGE);
    EXPECT_NE(std::strstr(error.text, "max_ejected"), nullptr);
    EXPECT_EQ(group, nullptr);
  }
  hf_group* group = nullptr;
  hf_error error{};
  EXPECT_EQ(hf_group_new(nullptr, nullptr, &error), HF_INVALID_ARGUMENT);
  ASSERT_EQ(hf_group_new(nullptr, &group, nullptr), HF_OK);
  hf_group_options bad = HF_INIT(hf_group_options);
  bad.max_ejected = 2;
  EXPECT_EQ(hf_group_update(group, &bad, HF_S, &error), HF_INVALID_ARGUMENT);
  EXPECT_NE(std::strstr(error.text, "max_ejected"), nullptr);
  EXPECT_EQ(hf_group_update(nullptr, nullptr, HF_S, &error), HF_INVALID_ARGUMENT);
  EXPECT_EQ(hf_group_update(group, nullptr, HF_S, &error), HF_OK) << "all defaults";
  EXPECT_EQ(hf_group_add(group, nullptr), HF_INVALID_ARGUMENT);
  EXPECT_EQ(hf_group_add(nullptr, nullptr), HF_INVALID_ARGUMENT);
  hf_group_snapshot seen{};
  EXPECT_EQ(hf_group_read(group, &seen), HF_INVALID_ARGUMENT);
  EXPECT_EQ(hf_group_read(nullptr, &seen), HF_INVALID_ARGUMENT);
  EXPECT_EQ(hf_group_read(group, nullptr), HF_INVALID_ARGUMENT);
  hf_group_unref(group);
  hf_group_unref(nullptr);
}

}  // namespace
