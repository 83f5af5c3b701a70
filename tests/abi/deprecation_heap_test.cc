// SPDX-License-Identifier: Apache-2.0
// Deprecation and Sunset have no memory of their own, whether they are read, written or refused.
#include <gtest/gtest.h>
#include <holdfast/c/hf.h>

#include <string_view>

#include "abi/heap_meter.h"

namespace {

using namespace std::string_view_literals;

TEST_F(Heap, DatesCostNothing) {
  const Meter used = Measure([] {
    for (const std::string_view text :
         {"@1688169599"sv, "true"sv, "Sun, 06 Nov 1994 08:49:37 GMT"sv, "soon"sv}) {
      std::int64_t seconds = 0;
      std::size_t size = 0;
      char out[HF_SUNSET_SIZE];
      hf_deprecation_parse(text.data(), text.size(), &seconds);
      hf_deprecation_format(seconds, out, &size);
      hf_sunset_parse(text.data(), text.size(), &seconds);
      hf_sunset_format(seconds, out);
    }
  });
  EXPECT_EQ(used.allocations, 0);
}

}  // namespace
