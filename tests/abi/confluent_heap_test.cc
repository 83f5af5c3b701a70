// SPDX-License-Identifier: Apache-2.0
// Confluent's framing has no memory of its own, whether it reads, writes or refuses.
#include <gtest/gtest.h>
#include <holdfast/c/hf.h>

#include <string_view>

#include "abi/heap_meter.h"

namespace {

using namespace std::string_view_literals;

TEST_F(Heap, FramesCostNothing) {
  const Meter used = Measure([] {
    for (const std::string_view bytes :
         {"\0\0\0\0\1\4\2\0"sv, "\0\0\0\0\1\1\0"sv, "{}"sv, "\1"sv}) {
      hf_confluent frame{};
      hf_error error{};
      std::size_t size = 0;
      char out[HF_CONFLUENT_MAX];
      hf_confluent_read(bytes.data(), bytes.size(), HF_CONFLUENT_PROTOBUF, &frame, &size, &error);
      hf_confluent_write(&frame, out, &size, &error);
    }
  });
  EXPECT_EQ(used.allocations, 0);
}

}  // namespace
