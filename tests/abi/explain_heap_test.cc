// SPDX-License-Identifier: Apache-2.0
// An explanation allocates nothing: it can be asked for while all goes wrong.
#include <gtest/gtest.h>
#include <holdfast/c/hf.h>

#include "abi/heap_meter.h"

namespace {

TEST_F(Heap, ExplainingAPipelineAllocatesNothing) {
  hf_pipeline_options options = HF_INIT(hf_pipeline_options);
  hf_hedge* hedge = nullptr;
  hf_pipeline* pipeline = nullptr;
  ASSERT_EQ(hf_retry_new(nullptr, &options.retry, nullptr), HF_OK);
  ASSERT_EQ(hf_budget_new(nullptr, &options.budget, nullptr), HF_OK);
  ASSERT_EQ(hf_breaker_new(nullptr, &options.breaker, nullptr), HF_OK);
  ASSERT_EQ(hf_bulkhead_new(nullptr, &options.bulkhead, nullptr), HF_OK);
  ASSERT_EQ(hf_throttle_new(nullptr, &options.throttle, nullptr), HF_OK);
  ASSERT_EQ(hf_limiter_new(nullptr, &options.limiter, nullptr), HF_OK);
  ASSERT_EQ(hf_hedge_new(nullptr, &hedge, nullptr), HF_OK);
  ASSERT_EQ(hf_pipeline_new(&options, &pipeline, nullptr), HF_OK);
  ExpectNoHeap([&] {
    hf_explain_options asked = HF_INIT(hf_explain_options);
    asked.latency = HF_MS;
    hf_explanation out;
    out.struct_size = sizeof(out);
    hf_error error;
    WANT(hf_pipeline_explain(pipeline, &asked, &out, &error) == HF_OK);
    WANT(out.warning_count > 0);
    asked.hedge = hedge;
    WANT(hf_pipeline_explain(pipeline, &asked, &out, &error) == HF_OK);
    asked.deadline = -1;
    WANT(hf_pipeline_explain(pipeline, &asked, &out, &error) == HF_INVALID_ARGUMENT);
  });
  hf_pipeline_unref(pipeline);
  hf_hedge_unref(hedge);
  hf_retry_unref(options.retry);
  hf_budget_unref(options.budget);
  hf_breaker_unref(options.breaker);
  hf_bulkhead_unref(options.bulkhead);
  hf_throttle_unref(options.throttle);
  hf_limiter_unref(options.limiter);
}

}  // namespace
