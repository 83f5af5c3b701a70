// SPDX-License-Identifier: Apache-2.0
//
// Any bytes: what is accepted is written as something that reads as no more, and as itself from then on.
#include <cstdint>
#include <cstdlib>
#include <string_view>

#include "codec/grpc_timeout.h"

namespace {

void Require(bool holds) {
  if (!holds) std::abort();
}

hf_duration ThereAndBack(hf_duration timeout) {
  char text[holdfast::codec::kGrpcTimeoutSize];
  const std::size_t size = holdfast::codec::FormatGrpcTimeout(timeout, text);
  hf_duration back = -1;
  Require(size <= sizeof text && holdfast::codec::ParseGrpcTimeout({text, size}, &back));
  return back;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  hf_duration timeout = -1;
  if (!holdfast::codec::ParseGrpcTimeout({reinterpret_cast<const char*>(data), size}, &timeout)) {
    Require(timeout == -1);
    return 0;
  }
  Require(timeout >= 0 && timeout < HF_INFINITE);
  const hf_duration once = ThereAndBack(timeout);
  Require(once <= timeout && ThereAndBack(once) == once);
  return 0;
}
