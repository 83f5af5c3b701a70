// SPDX-License-Identifier: Apache-2.0
// What propagation and the formats make of NULL, short structs and absurd values: a code, a reason and the
// field by name, never a crash.
#include <gtest/gtest.h>
#include <holdfast/c/hf.h>

#include <cstring>
#include <functional>
#include <string>
#include <string_view>

namespace {

hf_str Str(std::string_view text) { return {text.data(), text.size()}; }

class BadPropagation : public testing::Test {
 protected:
  void SetUp() override { ASSERT_EQ(hf_propagation_new(nullptr, &policy_, nullptr), HF_OK); }
  void TearDown() override { hf_propagation_unref(policy_); }

  hf_propagation* policy_ = nullptr;
  hf_error error_{};
};

void ExpectWhy(const hf_error& error, hf_reason reason, std::string_view field) {
  EXPECT_EQ(error.reason, reason) << error.text;
  EXPECT_TRUE(std::string_view(error.text).starts_with(field)) << error.text;
}

TEST_F(BadPropagation, OptionsNameTheField) {
  using Options = hf_propagation_options;
  static const hf_str kNoData = {nullptr, 3}, kEmpty = {"", 0}, kGood = {"k", 1};
  static const std::string large(257, 'k');
  static const hf_str kLarge = Str(large);
  const struct {
    const char* field;
    std::function<void(Options&)> set;
    hf_reason reason;
  } rows[] = {
      {"boundary", [](Options& o) { o.boundary = 3; }, HF_R_OUT_OF_RANGE},
      {"boundary", [](Options& o) { o.boundary = -1; }, HF_R_OUT_OF_RANGE},
      {"transport", [](Options& o) { o.transport = 3; }, HF_R_OUT_OF_RANGE},
      {"read_formats", [](Options& o) { o.read_formats = 8; }, HF_R_OUT_OF_RANGE},
      {"write_formats", [](Options& o) { o.write_formats = 0x80000000u; }, HF_R_OUT_OF_RANGE},
      {"left_out", [](Options& o) { o.left_out = 0x2000; }, HF_R_OUT_OF_RANGE},
      {"budget", [](Options& o) { o.budget = 255; }, HF_R_OUT_OF_RANGE},
      {"budget", [](Options& o) { o.budget = UINT32_MAX; }, HF_R_OUT_OF_RANGE},
      {"margin", [](Options& o) { o.margin = -1; }, HF_R_OUT_OF_RANGE},
      {"margin", [](Options& o) { o.margin = HF_INFINITE; }, HF_R_OUT_OF_RANGE},
      {"reserved0", [](Options& o) { o.reserved0 = 1; }, HF_R_UNSUPPORTED_FIELD},
      {"baggage_allow", [](Options& o) { o.baggage_allow_count = 1; }, HF_R_NULL_ARGUMENT},
      {"baggage_allow",
       [](Options& o) {
         o.baggage_allow = &kNoData;
         o.baggage_allow_count = 1;
       },
       HF_R_NULL_ARGUMENT},
      {"baggage_private",
       [](Options& o) {
         o.baggage_private = &kEmpty;
         o.baggage_private_count = 1;
       },
       HF_R_NULL_ARGUMENT},
      {"baggage_private",
       [](Options& o) {
         o.baggage_private = &kGood;
         o.baggage_private_count = UINT32_MAX;
       },
       HF_R_OUT_OF_RANGE},
      {"tracestate_allow",
       [](Options& o) {
         o.tracestate_allow = &kLarge;
         o.tracestate_allow_count = 1;
       },
       HF_R_OUT_OF_RANGE},
  };
  for (const auto& row : rows) {
    Options options = HF_INIT(Options);
    row.set(options);
    hf_propagation* made = policy_;
    EXPECT_EQ(hf_propagation_new(&options, &made, &error_), HF_INVALID_ARGUMENT) << row.field;
    EXPECT_EQ(made, nullptr);
    ExpectWhy(error_, row.reason, row.field);
  }
  hf_propagation_options shorter = HF_INIT(hf_propagation_options);
  shorter.struct_size = 8;
  hf_propagation* made = nullptr;
  EXPECT_EQ(hf_propagation_new(&shorter, &made, &error_), HF_INVALID_ARGUMENT);
  EXPECT_EQ(error_.reason, HF_R_STRUCT_SIZE);
  EXPECT_EQ(hf_propagation_new(nullptr, nullptr, &error_), HF_INVALID_ARGUMENT);
}

TEST_F(BadPropagation, ExtractNamesWhatIsMissing) {
  hf_context* context = nullptr;
  const hf_header no_name = {{nullptr, 3}, Str("x")}, no_value = {Str("baggage"), {nullptr, 3}};
  EXPECT_EQ(hf_context_extract(policy_, nullptr, 0, nullptr, nullptr, nullptr, &error_),
            HF_INVALID_ARGUMENT);
  ExpectWhy(error_, HF_R_NULL_ARGUMENT, "out");
  EXPECT_EQ(hf_context_extract(nullptr, nullptr, 0, nullptr, &context, nullptr, &error_),
            HF_INVALID_ARGUMENT);
  ExpectWhy(error_, HF_R_NULL_ARGUMENT, "propagation");
  EXPECT_EQ(hf_context_extract(policy_, nullptr, 1, nullptr, &context, nullptr, &error_),
            HF_INVALID_ARGUMENT);
  ExpectWhy(error_, HF_R_NULL_ARGUMENT, "headers");
  for (const hf_header& header : {no_name, no_value}) {
    EXPECT_EQ(hf_context_extract(policy_, &header, 1, nullptr, &context, nullptr, &error_),
              HF_INVALID_ARGUMENT);
    ExpectWhy(error_, HF_R_NULL_ARGUMENT, "headers");
  }
  hf_extract_options options = HF_INIT(hf_extract_options);
  options.now = -1;
  EXPECT_EQ(hf_context_extract(policy_, nullptr, 0, &options, &context, nullptr, &error_),
            HF_INVALID_ARGUMENT);
  ExpectWhy(error_, HF_R_OUT_OF_RANGE, "now");
  options.now = 0;
  options.deadline = -1;
  EXPECT_EQ(hf_context_extract(policy_, nullptr, 0, &options, &context, nullptr, &error_),
            HF_INVALID_ARGUMENT);
  ExpectWhy(error_, HF_R_OUT_OF_RANGE, "deadline");
  hf_propagation_snapshot report{};
  EXPECT_EQ(hf_context_extract(policy_, nullptr, 0, nullptr, &context, &report, &error_),
            HF_INVALID_ARGUMENT);
  ExpectWhy(error_, HF_R_STRUCT_SIZE, "report");
  EXPECT_EQ(context, nullptr);
}

TEST_F(BadPropagation, IdsAreNotMadeOfNothing) {
  hf_context* context = nullptr;
  EXPECT_EQ(hf_context_extract(policy_, nullptr, 0, nullptr, &context, nullptr, &error_),
            HF_FAILED_PRECONDITION);
  ExpectWhy(error_, HF_R_ZERO_NONCE, "entropy");
  uint8_t entropy[HF_EXTRACT_ENTROPY] = {};
  hf_extract_options options = HF_INIT(hf_extract_options);
  options.entropy = entropy;
  const auto extract = [&] {
    return hf_context_extract(policy_, nullptr, 0, &options, &context, nullptr, &error_);
  };
  for (const size_t needed : {0, 16, 24}) {  // of the trace id, the span id, the request id
    EXPECT_EQ(extract(), HF_FAILED_PRECONDITION) << "zero at " << needed;
    EXPECT_EQ(context, nullptr);
    entropy[needed] = 1;
  }
  EXPECT_EQ(extract(), HF_OK);
  hf_context_unref(context);
}

TEST_F(BadPropagation, InjectNamesWhatIsMissing) {
  hf_context_options options = HF_INIT(hf_context_options);
  ASSERT_EQ(hf_traceparent_parse("00-12345678901234567890123456789012-1234567890123456-01", 55,
                                 &options.trace),
            HF_OK);
  options.deadline = 10;
  hf_context* context = nullptr;
  ASSERT_EQ(hf_context_new(&options, &context, nullptr), HF_OK);
  hf_header headers[HF_INJECT_HEADERS];
  char buffer[4096];
  size_t count = 7;
  const auto inject = [&](const hf_propagation* policy, hf_time now, hf_header* to, size_t* counted,
                          char* bytes, size_t capacity) {
    return hf_context_inject(policy, context, now, to, counted, bytes, capacity, nullptr, &error_);
  };
  EXPECT_EQ(inject(policy_, 0, headers, nullptr, buffer, 4096), HF_INVALID_ARGUMENT);
  ExpectWhy(error_, HF_R_NULL_ARGUMENT, "count");
  EXPECT_EQ(inject(nullptr, 0, headers, &count, buffer, 4096), HF_INVALID_ARGUMENT);
  ExpectWhy(error_, HF_R_NULL_ARGUMENT, "propagation");
  EXPECT_EQ(inject(policy_, 0, nullptr, &count, buffer, 4096), HF_INVALID_ARGUMENT);
  ExpectWhy(error_, HF_R_NULL_ARGUMENT, "headers");
  EXPECT_EQ(inject(policy_, 0, headers, &count, nullptr, 4096), HF_INVALID_ARGUMENT);
  ExpectWhy(error_, HF_R_NULL_ARGUMENT, "buffer");
  EXPECT_EQ(inject(policy_, -1, headers, &count, buffer, 4096), HF_INVALID_ARGUMENT);
  ExpectWhy(error_, HF_R_OUT_OF_RANGE, "now");
  EXPECT_EQ(inject(policy_, 0, headers, &count, buffer, 63), HF_RESOURCE_EXHAUSTED);
  ExpectWhy(error_, HF_R_BUFFER_TOO_SMALL, "buffer");
  EXPECT_EQ(inject(policy_, 10, headers, &count, buffer, 4096), HF_DEADLINE_EXCEEDED);
  EXPECT_EQ(error_.reason, HF_R_DEADLINE);
  EXPECT_EQ(count, 0u);
  EXPECT_EQ(inject(policy_, 0, headers, &count, buffer, 64), HF_OK) << "55 + 9 bytes";
  EXPECT_EQ(count, 2u);
  hf_context_unref(context);
}

TEST(BadFormats, NullAndMalformedAreRefused) {
  char out[128];
  size_t size = 9;
  uint32_t dropped = 0;
  hf_trace trace{};
  hf_duration timeout = 0;
  const hf_str no_data = {nullptr, 3}, bad = {"A=1", 3}, good = {"a=1,b=2", 7};
  EXPECT_EQ(hf_tracestate_parse(nullptr, 1, out, 128, &size), HF_INVALID_ARGUMENT);
  EXPECT_EQ(size, 0u);
  EXPECT_EQ(hf_tracestate_parse(&no_data, 1, out, 128, &size), HF_INVALID_ARGUMENT);
  EXPECT_EQ(hf_tracestate_parse(&good, 1, nullptr, 128, &size), HF_INVALID_ARGUMENT);
  EXPECT_EQ(hf_tracestate_parse(&good, 1, out, 128, nullptr), HF_INVALID_ARGUMENT);
  EXPECT_EQ(hf_tracestate_parse(&bad, 1, out, 128, &size), HF_INVALID_ARGUMENT);
  EXPECT_EQ(hf_tracestate_parse(&good, 1, out, 6, &size), HF_RESOURCE_EXHAUSTED);
  EXPECT_EQ(size, 0u);
  EXPECT_EQ(hf_tracestate_parse(&good, 1, out, 7, &size), HF_OK);
  EXPECT_EQ(hf_baggage_parse(&no_data, 1, out, 128, &size, &dropped), HF_INVALID_ARGUMENT);
  EXPECT_EQ(hf_baggage_parse(&good, 1, nullptr, 1, &size, &dropped), HF_INVALID_ARGUMENT);
  EXPECT_EQ(hf_baggage_parse(&good, 1, out, 128, nullptr, &dropped), HF_INVALID_ARGUMENT);
  EXPECT_EQ(hf_baggage_parse(&good, 1, out, 6, &size, &dropped), HF_OK);
  EXPECT_TRUE(size == 3 && dropped == 1) << "the member that does not fit is dropped whole";
  EXPECT_EQ(hf_baggage_encode(nullptr, 1, out, 128, &size), HF_INVALID_ARGUMENT);
  EXPECT_EQ(hf_baggage_encode("a b", 3, out, 4, &size), HF_RESOURCE_EXHAUSTED);
  EXPECT_EQ(size, 5u) << "told how much";
  EXPECT_EQ(hf_baggage_encode("a b", 3, nullptr, 0, &size), HF_RESOURCE_EXHAUSTED);
  EXPECT_EQ(hf_baggage_decode("%", 1, out, 128, &size), HF_INVALID_ARGUMENT);
  EXPECT_EQ(hf_baggage_decode("a", 1, nullptr, 1, &size), HF_INVALID_ARGUMENT);
  EXPECT_EQ(hf_b3_parse(nullptr, 0, &trace), HF_INVALID_ARGUMENT);
  EXPECT_EQ(hf_b3_parse("1", 1, &trace), HF_INVALID_ARGUMENT);
  EXPECT_EQ(hf_b3_format(&trace, out), HF_INVALID_ARGUMENT) << "no ids";
  EXPECT_EQ(hf_b3_format(nullptr, out), HF_INVALID_ARGUMENT);
  EXPECT_EQ(hf_grpc_timeout_parse(nullptr, 0, &timeout), HF_INVALID_ARGUMENT);
  EXPECT_EQ(hf_grpc_timeout_parse("1S", 2, nullptr), HF_INVALID_ARGUMENT);
  EXPECT_EQ(hf_grpc_timeout_format(-1, out, &size), HF_INVALID_ARGUMENT);
  EXPECT_EQ(hf_grpc_timeout_format(HF_INFINITE, out, &size), HF_INVALID_ARGUMENT);
  EXPECT_EQ(hf_idempotency_key_parse(nullptr, 1, out, &size), HF_INVALID_ARGUMENT);
  EXPECT_EQ(hf_idempotency_key_parse("\"", 1, out, &size), HF_INVALID_ARGUMENT);
  EXPECT_EQ(hf_idempotency_key_format("", 0, out, 128, &size), HF_INVALID_ARGUMENT);
  EXPECT_EQ(hf_idempotency_key_format("ab", 2, out, 3, &size), HF_RESOURCE_EXHAUSTED);
  EXPECT_EQ(size, 4u);
}

}  // namespace
