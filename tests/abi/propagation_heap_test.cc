// SPDX-License-Identifier: Apache-2.0
// Propagation's memory: a policy is made once; a request costs the context it gives and nothing else.
#include <gtest/gtest.h>
#include <holdfast/c/hf.h>

#include <iterator>
#include <string_view>

#include "abi/heap_meter.h"

namespace {

hf_str Str(std::string_view text) { return {text.data(), text.size()}; }

const hf_str kKeys[] = {{"email", 5}, {"k", 1}};
const hf_header kRequest[] = {
    {Str("traceparent"), Str("00-12345678901234567890123456789012-1234567890123456-01")},
    {Str("tracestate"), Str("foo=1,bar=2")},
    {Str("tracestate"), Str("baz=3")},
    {Str("baggage"), Str("k=v;p=%c3%a9,bad member,email=ann%40example.org")},
    {Str("baggage"), Str("k=%C3%C3%C3%C3")},
    {Str("x-correlation-id"), Str("order-1")},
    {Str("x-request-id"), Str("req-1")},
    {Str("holdfast-tenant"), Str("acme")},
    {Str("holdfast-timeout"), Str("1S")},
};

hf_code NewPolicy(hf_propagation** out, hf_error* error) {
  hf_propagation_options options = HF_INIT(hf_propagation_options);
  options.boundary = HF_BOUNDARY_INTERNAL;
  options.write_formats = HF_FORMAT_W3C | HF_FORMAT_B3_SINGLE | HF_FORMAT_B3_MULTI;
  options.baggage_private = kKeys;
  options.baggage_private_count = 1;
  return hf_propagation_new(&options, out, error);
}

hf_code Extract(const hf_propagation* policy, hf_context** out, hf_error* error) {
  hf_extract_options options = HF_INIT(hf_extract_options);
  options.now = 1;
  return hf_context_extract(policy, kRequest, std::size(kRequest), &options, out, nullptr, error);
}

TEST_F(Heap, ARequestCostsOneAllocationWhichIsItsContext) {
  hf_propagation* policy = nullptr;
  ASSERT_EQ(NewPolicy(&policy, nullptr), HF_OK);
  hf_context* context = nullptr;
  const Meter used = Measure([&] { Extract(policy, &context, nullptr); });
  EXPECT_EQ(used.allocations, 1);
  EXPECT_EQ(used.frees, 0);
  ASSERT_NE(context, nullptr);
  const Meter child = Measure([&] {
    hf_context_options options = HF_INIT(hf_context_options);
    hf_context_get(context, &options);
    options.retries = 0;
    options.attempt = 0;
    options.retries_of = context;
    hf_context* made = nullptr;
    hf_context_new(&options, &made, nullptr);
    hf_context_unref(made);
  });
  EXPECT_EQ(child.allocations, 1);
  EXPECT_EQ(child.frees, 1);
  hf_context_unref(context);
  hf_propagation_unref(policy);
}

TEST_F(Heap, NoOtherStepOfPropagationAllocates) {
  hf_propagation* policy = nullptr;
  hf_context* context = nullptr;
  ASSERT_EQ(NewPolicy(&policy, nullptr), HF_OK);
  ASSERT_EQ(Extract(policy, &context, nullptr), HF_OK);
  ExpectNoHeap([&] {
    hf_header headers[HF_INJECT_HEADERS];
    char buffer[4096], text[64];
    size_t count = 0, size = 0;
    uint32_t dropped = 0;
    hf_trace trace{};
    hf_duration timeout = 0;
    WANT(hf_context_inject(policy, context, 1, headers, &count, buffer, sizeof buffer, nullptr,
                           nullptr) == HF_OK);
    WANT(count == 11);
    const hf_str list = Str("a=1, b=%c3");
    WANT(hf_tracestate_parse(&list, 1, text, sizeof text, &size) == HF_OK);
    WANT(hf_baggage_parse(&list, 1, text, sizeof text, &size, &dropped) == HF_OK);
    WANT(hf_baggage_encode("\xC3", 1, text, sizeof text, &size) == HF_OK);
    WANT(hf_baggage_decode("%C3", 3, text, sizeof text, &size) == HF_OK);
    WANT(hf_b3_parse("80f198ee56343ba8-e457b5a2e4d86bd1-1", 35, &trace) == HF_OK);
    WANT(hf_b3_format(&trace, text) == HF_OK);
    WANT(hf_grpc_timeout_parse("1S", 2, &timeout) == HF_OK);
    WANT(hf_grpc_timeout_format(timeout, text, &size) == HF_OK);
    WANT(hf_idempotency_key_parse("\"a\"", 3, text, &size) == HF_OK);
    WANT(hf_idempotency_key_format("a", 1, text, sizeof text, &size) == HF_OK);
    hf_propagation_ref(policy);
    hf_propagation_unref(policy);
    hf_context* none = nullptr;
    WANT(hf_context_extract(policy, nullptr, 0, nullptr, &none, nullptr, nullptr) ==
         HF_FAILED_PRECONDITION);
  });
  hf_context_unref(context);
  hf_propagation_unref(policy);
}

TEST_F(Heap, PropagationThatFindsNoMemoryLeavesNothingBehind) {
  hf_propagation* policy = nullptr;
  const int needed = Measure([&] { NewPolicy(&policy, nullptr); }).allocations;
  ASSERT_NE(policy, nullptr);
  for (int at = 1; at <= needed; ++at) {
    hf_propagation* failed = nullptr;
    hf_error error{};
    hf_code code = HF_OK;
    const Meter used = Measure([&] { code = NewPolicy(&failed, &error); }, at);
    EXPECT_EQ(code, HF_RESOURCE_EXHAUSTED);
    EXPECT_EQ(error.reason, HF_R_NO_MEMORY);
    EXPECT_EQ(failed, nullptr);
    EXPECT_EQ(used.live(), 0) << at;
  }
  hf_context* context = nullptr;
  hf_error error{};
  hf_code code = HF_OK;
  const Meter used = Measure([&] { code = Extract(policy, &context, &error); }, /*fail_at=*/1);
  EXPECT_EQ(code, HF_RESOURCE_EXHAUSTED);
  EXPECT_EQ(context, nullptr);
  EXPECT_EQ(used.live(), 0);
  hf_propagation_unref(policy);
}

}  // namespace
