// SPDX-License-Identifier: Apache-2.0
//
// Bad input, by one table over the whole ABI: what every *_new and *_start refuses, with which reason, and
// that the message names the field. In each case *out is NULL, or the session was not begun.
#include <gtest/gtest.h>
#include <holdfast/c/hf.h>

#include <array>
#include <cstring>
#include <functional>
#include <limits>
#include <string>
#include <utility>
#include <vector>

namespace {

struct Answer {
  hf_code code = HF_OK;
  hf_reason reason = HF_R_NONE;
  std::string text;
  bool made = false;
};

// Makes a handle from `options` and drops it at once.
template <typename Options, typename Handle>
Answer Make(hf_code (*create)(const Options*, Handle**, hf_error*), void (*unref)(Handle*),
            const Options* options) {
  hf_error error;
  std::memset(&error, 0x7f, sizeof error);
  Handle* handle = nullptr;
  const hf_code code = create(options, &handle, &error);
  const Answer answer{code, error.reason,
                      std::string(error.text, strnlen(error.text, sizeof error.text)),
                      handle != nullptr};
  EXPECT_EQ(error.code, code);
  EXPECT_LT(answer.text.size(), sizeof error.text) << "not terminated";
  unref(handle);
  // The same without an error to fill: the same code, and no crash.
  // Uninitialised at first, as a caller's often is: a refusal must leave something safe to unref.
  Handle* silent = reinterpret_cast<Handle*>(uintptr_t{64});
  EXPECT_EQ(create(options, &silent, nullptr), code);
  EXPECT_EQ(silent != nullptr, answer.made);
  unref(silent);
  return answer;
}

void ExpectRefused(const Answer& answer, hf_reason reason, const std::string& mention,
                   const std::string& what) {
  EXPECT_EQ(answer.code, HF_INVALID_ARGUMENT) << what;
  EXPECT_EQ(answer.reason, reason) << what << ": " << answer.text;
  EXPECT_NE(answer.text.find(mention), std::string::npos)
      << what << ": '" << answer.text << "' does not name '" << mention << "'";
  EXPECT_FALSE(answer.made) << what;
}

// A newer caller's struct: this library's, and eight bytes that it does not know.
template <typename Options>
struct Newer {
  Options known;
  uint64_t unknown;
};

template <typename Options, typename Handle>
void CheckFrame(const char* name, hf_code (*create)(const Options*, Handle**, hf_error*),
                void (*unref)(Handle*), size_t first_size = sizeof(Options)) {
  SCOPED_TRACE(name);
  EXPECT_TRUE(Make<Options>(create, unref, nullptr).made) << "NULL means all defaults";
  const Options good = HF_INIT(Options);
  EXPECT_EQ(Make(create, unref, &good).code, HF_OK);
  EXPECT_EQ(create(&good, nullptr, nullptr), HF_INVALID_ARGUMENT);
  hf_error error{};
  EXPECT_EQ(create(&good, nullptr, &error), HF_INVALID_ARGUMENT);
  EXPECT_EQ(error.reason, HF_R_NULL_ARGUMENT);
  EXPECT_NE(std::strstr(error.text, "out"), nullptr);

  Options oldest = good;
  oldest.struct_size = static_cast<uint32_t>(first_size);
  EXPECT_TRUE(Make(create, unref, &oldest).made) << "what was once published stays enough";
  for (const uint32_t size : {0u, 4u, 8u, oldest.struct_size - 1, 0xffffffffu}) {
    Options bad = good;
    bad.struct_size = size;
    ExpectRefused(Make(create, unref, &bad), HF_R_STRUCT_SIZE, "struct_size", std::to_string(size));
  }
  for (const uint32_t level : {0u, HF_ABI_LEVEL + 1, 99u}) {
    Options bad = good;
    bad.abi_level = level;
    ExpectRefused(Make(create, unref, &bad), HF_R_ABI_LEVEL, "abi_level", std::to_string(level));
  }
  Newer<Options> newer{good, 0};
  newer.known.struct_size = sizeof newer;
  EXPECT_TRUE(Make(create, unref, &newer.known).made) << "a tail of zeros is fine";
  newer.unknown = uint64_t{1} << 56;  // the very last byte
  ExpectRefused(Make(create, unref, &newer.known), HF_R_UNSUPPORTED_FIELD,
                std::to_string(sizeof newer - 1), "unknown tail");
}

TEST(BadInput, EveryConstructorChecksItsFrame) {
  CheckFrame("hf_retry_new", hf_retry_new, hf_retry_unref, offsetof(hf_retry_options, max_elapsed));
  CheckFrame("hf_budget_new", hf_budget_new, hf_budget_unref, offsetof(hf_budget_options, journal));
  CheckFrame("hf_breaker_new", hf_breaker_new, hf_breaker_unref,
             offsetof(hf_breaker_options, slow_after));
  CheckFrame("hf_bulkhead_new", hf_bulkhead_new, hf_bulkhead_unref, /*first_size=*/24);
  CheckFrame("hf_pipeline_new", hf_pipeline_new, hf_pipeline_unref,
             offsetof(hf_pipeline_options, call_bulkhead));
  CheckFrame("hf_context_new", hf_context_new, hf_context_unref,
             offsetof(hf_context_options, retries));
  CheckFrame("hf_journal_new", hf_journal_new, hf_journal_unref);
}

// One field set to one value: what must come of it.
template <typename Options>
struct Row {
  const char* field;
  std::function<void(Options&)> set;
  hf_reason reason = HF_R_OUT_OF_RANGE;
};

template <typename Options, typename Handle>
void CheckRows(hf_code (*create)(const Options*, Handle**, hf_error*), void (*unref)(Handle*),
               const std::vector<Row<Options>>& rows) {
  int number = 0;
  for (const Row<Options>& row : rows) {
    Options options = HF_INIT(Options);
    row.set(options);
    ExpectRefused(Make(create, unref, &options), row.reason, row.field,
                  std::string(row.field) + " row " + std::to_string(++number));
  }
}

constexpr double kNan = std::numeric_limits<double>::quiet_NaN();
constexpr double kInf = std::numeric_limits<double>::infinity();
#define ROW(field, ...) {#field, [](auto& o) { o.field = __VA_ARGS__; }}

TEST(BadInput, RetryOptionsNameTheField) {
  CheckRows<hf_retry_options>(hf_retry_new, hf_retry_unref,
                              {ROW(max_attempts, 1001),
                               ROW(max_attempts, UINT32_MAX),
                               ROW(jitter, 7),
                               ROW(jitter, -1),
                               ROW(base, -1),
                               ROW(base, 999),
                               ROW(base, 3601 * HF_S),
                               ROW(base, HF_INFINITE),
                               ROW(cap, -1),
                               ROW(cap, 1 * HF_MS),
                               ROW(cap, 25 * 3600 * HF_S),
                               ROW(cap, HF_INFINITE),
                               ROW(multiplier, 0.5),
                               ROW(multiplier, -2.0),
                               ROW(multiplier, 101.0),
                               ROW(multiplier, kNan),
                               ROW(multiplier, kInf),
                               ROW(min_attempt_time, -1),
                               ROW(min_attempt_time, INT64_MIN),
                               ROW(max_elapsed, -1),
                               ROW(growth, 3),
                               ROW(tree_retries, 10001),
                               ROW(spread, kNan),
                               ROW(spread, 1.5),
                               ROW(rule_count, 17)});
}

TEST(BadInput, BudgetOptionsNameTheField) {
  CheckRows<hf_budget_options>(
      hf_budget_new, hf_budget_unref,
      {ROW(max_tokens, 0.5), ROW(max_tokens, -1.0), ROW(max_tokens, 1001.0), ROW(max_tokens, kNan),
       ROW(max_tokens, kInf), ROW(ratio, 0.0001), ROW(ratio, -0.1), ROW(ratio, 100.5),
       ROW(ratio, kNan)});
}

TEST(BadInput, BreakerOptionsNameTheField) {
  CheckRows<hf_breaker_options>(hf_breaker_new, hf_breaker_unref,
                                {ROW(window, 3),
                                 ROW(window, -1),
                                 ROW(window_calls, 4097),
                                 ROW(window_calls, UINT32_MAX),
                                 {"window_time",
                                  [](auto& o) {
                                    o.window = HF_WINDOW_TIME;
                                    o.window_time = -1;
                                  }},
                                 {"window_time",
                                  [](auto& o) {
                                    o.window = HF_WINDOW_TIME;
                                    o.window_time = 9 * HF_MS;
                                  }},
                                 {"window_time",
                                  [](auto& o) {
                                    o.window = HF_WINDOW_TIME;
                                    o.window_time = 3601 * HF_S;
                                  }},
                                 {"window_buckets",
                                  [](auto& o) {
                                    o.window = HF_WINDOW_TIME;
                                    o.window_buckets = 65;
                                  }},
                                 ROW(minimum_calls, 1000001),
                                 ROW(failure_rate, -0.1),
                                 ROW(failure_rate, 1.01),
                                 ROW(failure_rate, kNan),
                                 ROW(failure_rate, kInf),
                                 ROW(probes, 1001),
                                 ROW(open_for, -1),
                                 ROW(open_for, HF_US),
                                 ROW(open_for, 25 * 3600 * HF_S),
                                 ROW(probe_lease, -5),
                                 ROW(probe_lease, HF_US),
                                 ROW(probe_lease, HF_INFINITE)});
}

TEST(BadInput, BulkheadOptionsNameTheField) {
  CheckRows<hf_bulkhead_options>(
      hf_bulkhead_new, hf_bulkhead_unref,
      {ROW(limit, 1000001), ROW(limit, UINT32_MAX), ROW(queue, 1000001), ROW(max_wait, -1),
       ROW(max_wait, 10), ROW(max_wait, 25 * 3600 * HF_S), ROW(max_wait, INT64_MIN)});
}

TEST(BadInput, PipelineOptionsNameTheField) {
  CheckRows<hf_pipeline_options>(
      hf_pipeline_new, hf_pipeline_unref,
      {ROW(timeout, -1), ROW(timeout, INT64_MIN), ROW(attempt_timeout, -1)});
  hf_budget* budget = nullptr;
  ASSERT_EQ(hf_budget_new(nullptr, &budget, nullptr), HF_OK);
  hf_pipeline_options options = HF_INIT(hf_pipeline_options);
  options.budget = budget;
  ExpectRefused(Make(hf_pipeline_new, hf_pipeline_unref, &options), HF_R_BAD_OPTIONS, "budget",
                "a budget without retry");
  hf_budget_unref(budget);
}

TEST(BadInput, ContextOptionsNameTheField) {
  static const std::string long_id(HF_CONTEXT_ID_MAX + 1, 'x');
  const auto id = [](const char* text) { return hf_str{text, std::strlen(text)}; };
  using Options = hf_context_options;
  CheckRows<Options>(
      hf_context_new, hf_context_unref,
      {ROW(correlation_id, {long_id.data(), long_id.size()}),
       {"correlation_id", [&](Options& o) { o.correlation_id = id("a b"); }, HF_R_MALFORMED},
       {"correlation_id", [&](Options& o) { o.correlation_id = id("a\r\nb"); }, HF_R_MALFORMED},
       {"correlation_id", [&](Options& o) { o.correlation_id = id("\xc3\xa9"); }, HF_R_MALFORMED},
       {"correlation_id", [&](Options& o) { o.correlation_id = {"a\0b", 3}; }, HF_R_MALFORMED},
       {"correlation_id", [](Options& o) { o.correlation_id = {nullptr, 3}; }, HF_R_NULL_ARGUMENT},
       ROW(causation_id, {long_id.data(), SIZE_MAX}),
       {"causation_id", [&](Options& o) { o.causation_id = id("\x7f"); }, HF_R_MALFORMED},
       {"trace", [](Options& o) { o.trace.trace_id[0] = 1; }, HF_R_MALFORMED},
       {"trace", [](Options& o) { o.trace.span_id[7] = 1; }, HF_R_MALFORMED},
       {"trace", [](Options& o) { o.trace.flags = 1; }, HF_R_MALFORMED},
       {"trace.reserved0", [](Options& o) { o.trace.reserved0[6] = 1; }, HF_R_UNSUPPORTED_FIELD},
       ROW(deadline, -1),
       ROW(deadline, INT64_MIN)});
}

// --- Sessions: no hf_error, so the code alone; nothing is begun -----------------------------------------

class BadSession : public testing::Test {
 protected:
  void SetUp() override {
    ASSERT_EQ(hf_pipeline_new(nullptr, &pipeline_, nullptr), HF_OK);
    call_options_.seed = 1;
    std::memset(idem_options_.key_id, 1, sizeof idem_options_.key_id);
    std::memset(idem_options_.fingerprint, 2, sizeof idem_options_.fingerprint);
    std::memset(idem_options_.nonce, 3, sizeof idem_options_.nonce);
    idem_options_.seed = 1;
  }
  void TearDown() override { hf_pipeline_unref(pipeline_); }

  // Starts a call, expects a refusal, and that the session was not begun.
  void ExpectCallRefused(const hf_call_options* options, const char* what, hf_time now = 1) {
    hf_call call{};
    hf_action next{};
    EXPECT_EQ(hf_call_start(&call, pipeline_, options, now, &next), HF_INVALID_ARGUMENT) << what;
    EXPECT_EQ(hf_call_resume(&call, nullptr, 1, &next), HF_INVALID_ARGUMENT) << what;
    hf_call_abort(&call, 1);
  }
  void ExpectIdemRefused(const hf_idem_options* options, const char* what, hf_time now = 1) {
    hf_idem idem{};
    hf_action next{};
    hf_store_request request{};
    EXPECT_EQ(hf_idem_start(&idem, options, now, &next), HF_INVALID_ARGUMENT) << what;
    EXPECT_NE(hf_idem_request(&idem, &request), HF_OK) << what;
    EXPECT_EQ(hf_idem_abort(&idem, 1, &request), 0) << what;
  }

  hf_pipeline* pipeline_ = nullptr;
  hf_call_options call_options_ = HF_INIT(hf_call_options);
  hf_idem_options idem_options_ = HF_INIT(hf_idem_options);
};

TEST_F(BadSession, TheGoodOptionsStart) {
  hf_call call{};
  hf_idem idem{};
  hf_action next{};
  EXPECT_EQ(hf_call_start(&call, pipeline_, &call_options_, 1, &next), HF_OK);
  EXPECT_EQ(next.kind, HF_DO_ATTEMPT);
  hf_call_abort(&call, 1);
  EXPECT_EQ(hf_idem_start(&idem, &idem_options_, 1, &next), HF_OK);
  EXPECT_EQ(next.kind, HF_DO_STORE);
  hf_store_request request{};
  hf_idem_abort(&idem, 1, &request);
}

TEST_F(BadSession, ACallIsNotBegun) {
  hf_call call{};
  hf_action next{};
  EXPECT_EQ(hf_call_start(nullptr, pipeline_, &call_options_, 1, &next), HF_INVALID_ARGUMENT);
  EXPECT_EQ(hf_call_start(&call, nullptr, &call_options_, 1, &next), HF_INVALID_ARGUMENT);
  EXPECT_EQ(hf_call_start(&call, pipeline_, &call_options_, 1, nullptr), HF_INVALID_ARGUMENT);
  EXPECT_EQ(hf_call_resume(nullptr, nullptr, 1, &next), HF_INVALID_ARGUMENT);
  hf_call_abort(&call, 1);
  hf_call_abort(nullptr, 1);
  ExpectCallRefused(nullptr, "no options: no seed");
  ExpectCallRefused(&call_options_, "negative now", -1);
  const std::pair<const char*, std::function<void(hf_call_options&)>> rows[] = {
      {"seed 0", [](auto& o) { o.seed = 0; }},
      {"negative deadline", [](auto& o) { o.deadline = -1; }},
      {"unknown flag", [](auto& o) { o.flags = 8; }},
      {"all flags", [](auto& o) { o.flags = UINT32_MAX; }},
      {"retries", [](auto& o) { o.retries = -2; }},
      {"short struct", [](auto& o) { o.struct_size = 8; }},
      {"level 0", [](auto& o) { o.abi_level = 0; }},
      {"level 99", [](auto& o) { o.abi_level = 99; }},
  };
  for (const auto& [what, set] : rows) {
    hf_call_options bad = call_options_;
    set(bad);
    ExpectCallRefused(&bad, what);
  }
  Newer<hf_call_options> newer{call_options_, 1};
  newer.known.struct_size = sizeof newer;
  ExpectCallRefused(&newer.known, "unknown tail");
}

TEST_F(BadSession, ARunOnceIsNotBegun) {
  hf_idem idem{};
  hf_action next{};
  EXPECT_EQ(hf_idem_start(nullptr, &idem_options_, 1, &next), HF_INVALID_ARGUMENT);
  EXPECT_EQ(hf_idem_start(&idem, &idem_options_, 1, nullptr), HF_INVALID_ARGUMENT);
  ExpectIdemRefused(nullptr, "no options: no key");
  ExpectIdemRefused(&idem_options_, "negative now", -1);
  const std::pair<const char*, std::function<void(hf_idem_options&)>> rows[] = {
      {"zero key id", [](auto& o) { std::memset(o.key_id, 0, 32); }},
      {"zero fingerprint", [](auto& o) { std::memset(o.fingerprint, 0, 32); }},
      {"zero nonce", [](auto& o) { std::memset(o.nonce, 0, 16); }},
      {"seed 0", [](auto& o) { o.seed = 0; }},
      {"negative deadline", [](auto& o) { o.deadline = -1; }},
      {"negative lease", [](auto& o) { o.lease = -1; }},
      {"short lease", [](auto& o) { o.lease = HF_MS; }},
      {"endless lease", [](auto& o) { o.lease = HF_INFINITE; }},
      {"ttl below lease", [](auto& o) { o.ttl = HF_S; }},
      {"negative ttl", [](auto& o) { o.ttl = -1; }},
      {"negative max_wait", [](auto& o) { o.max_wait = -1; }},
      {"max_attempts", [](auto& o) { o.max_attempts = 1000001; }},
      {"max_body", [](auto& o) { o.max_body = HF_IDEM_BODY_MAX + 1; }},
      {"on_expiry", [](auto& o) { o.on_expiry = 4; }},
      {"flags", [](auto& o) { o.flags = 2; }},
      {"short struct", [](auto& o) { o.struct_size = 16; }},
      {"level 0", [](auto& o) { o.abi_level = 0; }},
      {"level 99", [](auto& o) { o.abi_level = 99; }},
  };
  for (const auto& [what, set] : rows) {
    hf_idem_options bad = idem_options_;
    set(bad);
    ExpectIdemRefused(&bad, what);
  }
  Newer<hf_idem_options> newer{idem_options_, 1};
  newer.known.struct_size = sizeof newer;
  ExpectIdemRefused(&newer.known, "unknown tail");
}

TEST_F(BadSession, APartOfAKeyTooLongOrMissingIsRefused) {
  const std::string long_part(HF_IDEM_PART_MAX + 1, 'p'), long_key(HF_IDEM_KEY_MAX + 1, 'k');
  const hf_str none = {nullptr, 0}, key = {"k", 1}, part = {long_part.data(), long_part.size()},
               big = {long_key.data(), long_key.size()}, lost = {nullptr, 5};
  uint8_t id[32];
  EXPECT_EQ(hf_idem_key_id(&none, &none, &none, &key, id), HF_OK);
  for (const auto& [space, tenant, operation, name] :
       std::vector<std::array<const hf_str*, 4>>{{&none, &none, &none, &none},
                                                 {&part, &none, &none, &key},
                                                 {&none, &part, &none, &key},
                                                 {&none, &none, &part, &key},
                                                 {&none, &none, &none, &big},
                                                 {&lost, &none, &none, &key},
                                                 {&none, &none, &none, &lost},
                                                 {&none, &none, &none, nullptr}}) {
    EXPECT_EQ(hf_idem_key_id(space, tenant, operation, name, id), HF_INVALID_ARGUMENT);
  }
  EXPECT_EQ(hf_idem_key_id(&none, &none, &none, &key, nullptr), HF_INVALID_ARGUMENT);
  EXPECT_EQ(hf_idem_fingerprint(nullptr, 4, id), HF_INVALID_ARGUMENT);
  EXPECT_EQ(hf_idem_fingerprint("x", 1, nullptr), HF_INVALID_ARGUMENT);
  EXPECT_EQ(hf_idem_fingerprint_keyed(nullptr, 16, "x", 1, id), HF_INVALID_ARGUMENT);
  EXPECT_EQ(hf_idem_fingerprint_keyed("short", 5, "x", 1, id), HF_INVALID_ARGUMENT);
}

TEST_F(BadSession, EveryStepOutOfOrderIsRefused) {
  hf_idem idem{};
  hf_action next{};
  hf_store_request request{};
  hf_store_reply reply{};
  hf_time until = 0;
  const hf_outcome outcome{};
  EXPECT_EQ(hf_idem_on_reply(&idem, &reply, 1, &next), HF_INVALID_ARGUMENT);
  EXPECT_EQ(hf_idem_on_time(&idem, 1, &next), HF_INVALID_ARGUMENT);
  EXPECT_EQ(hf_idem_on_result(&idem, &outcome, nullptr, 0, 1, &next), HF_INVALID_ARGUMENT);
  EXPECT_EQ(hf_idem_on_joined(&idem, &outcome, 1, &next), HF_INVALID_ARGUMENT);
  EXPECT_EQ(hf_idem_renew(&idem, 1, &request), HF_INVALID_ARGUMENT);
  EXPECT_EQ(hf_idem_on_renewed(&idem, &reply, 1, &until), HF_INVALID_ARGUMENT);
  EXPECT_EQ(hf_idem_on_wake(&idem, 1, &next), HF_INVALID_ARGUMENT);
  EXPECT_EQ(hf_idem_on_reconciled(&idem, &outcome, nullptr, 0, 1, &next), HF_INVALID_ARGUMENT);
  EXPECT_EQ(hf_idem_on_spilled(&idem, &outcome, "x", 1, 1, &next), HF_INVALID_ARGUMENT);
  EXPECT_EQ(hf_idem_checkpoint(&idem, "x", 1, 1, &request), HF_INVALID_ARGUMENT);
  EXPECT_EQ(hf_idem_on_checkpointed(&idem, &reply, 1), HF_INVALID_ARGUMENT);
  EXPECT_EQ(hf_idem_start(&idem, &idem_options_, 1, &next), HF_OK);
  EXPECT_EQ(hf_idem_on_time(&idem, 1, &next), HF_INVALID_ARGUMENT);
  EXPECT_EQ(hf_idem_on_reply(&idem, &reply, 1, &next), HF_INVALID_ARGUMENT) << "status 0";
  EXPECT_EQ(hf_idem_on_reply(&idem, nullptr, 1, &next), HF_INVALID_ARGUMENT);
  hf_idem_abort(&idem, 1, &request);
}

// --- The rest: NULL, and values outside their sets ------------------------------------------------------

TEST(BadInput, NullIsAnAnswerNotACrash) {
  hf_permit permit{};
  hf_duration previous = 0, delay = 0;
  EXPECT_EQ(hf_retry_delay(nullptr, 1, 1, &previous, &delay), HF_INVALID_ARGUMENT);
  EXPECT_EQ(hf_budget_on_failure(nullptr), HF_INVALID_ARGUMENT);
  EXPECT_EQ(hf_budget_on_success(nullptr), HF_INVALID_ARGUMENT);
  EXPECT_EQ(hf_budget_tokens(nullptr), 0);
  EXPECT_EQ(hf_breaker_acquire(nullptr, 1, &permit, nullptr, nullptr), HF_INVALID_ARGUMENT);
  EXPECT_EQ(hf_breaker_record(nullptr, &permit, 1, 1, nullptr), HF_INVALID_ARGUMENT);
  EXPECT_EQ(hf_breaker_force(nullptr, 1, 1), HF_INVALID_ARGUMENT);
  EXPECT_EQ(hf_breaker_read(nullptr, 1, nullptr), HF_INVALID_ARGUMENT);
  EXPECT_EQ(hf_bulkhead_try_acquire(nullptr, 1, &permit, nullptr), HF_INVALID_ARGUMENT);
  EXPECT_EQ(hf_bulkhead_release(nullptr, &permit, 1), HF_INVALID_ARGUMENT);
  EXPECT_EQ(hf_bulkhead_read(nullptr, nullptr), HF_INVALID_ARGUMENT);
  EXPECT_EQ(hf_outcome_derive(nullptr), HF_INVALID_ARGUMENT);
  EXPECT_EQ(hf_context_get(nullptr, nullptr), HF_INVALID_ARGUMENT);
  EXPECT_EQ(hf_record_apply(nullptr, nullptr, 0, 0, nullptr, nullptr, nullptr),
            HF_INVALID_ARGUMENT);
  hf_retry_unref(nullptr);
  hf_budget_unref(nullptr);
  hf_breaker_unref(nullptr);
  hf_bulkhead_unref(nullptr);
  hf_pipeline_unref(nullptr);
  hf_context_unref(nullptr);
}

TEST(BadInput, ASnapshotOfAnotherSizeIsCutOrZeroFilledNeverOverrun) {
  hf_breaker* breaker = nullptr;
  ASSERT_EQ(hf_breaker_new(nullptr, &breaker, nullptr), HF_OK);
  Newer<hf_breaker_snapshot> newer{};
  newer.known.struct_size = sizeof newer;
  newer.unknown = UINT64_MAX;
  EXPECT_EQ(hf_breaker_read(breaker, 1, &newer.known), HF_OK);
  EXPECT_EQ(newer.unknown, 0u) << "what this library does not know reads as zero";
  newer.unknown = UINT64_MAX;
  newer.known.struct_size = sizeof newer.known;
  EXPECT_EQ(hf_breaker_read(breaker, 1, &newer.known), HF_OK);
  EXPECT_EQ(newer.unknown, UINT64_MAX) << "written past struct_size";
  newer.known.struct_size = 0;
  EXPECT_EQ(hf_breaker_read(breaker, 1, &newer.known), HF_INVALID_ARGUMENT);
  hf_breaker_unref(breaker);
}

}  // namespace
