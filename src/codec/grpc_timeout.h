// SPDX-License-Identifier: Apache-2.0
//
// grpc-timeout, gRPC over HTTP/2: 1*8DIGIT and one of H M S m u n <-> nanoseconds.
//
// Written in the finest unit that 8 digits can say, rounded down, so that no hop makes a deadline later:
// what was read is never more than what was meant, and less by one part in 10^5 at most up to a year.
#ifndef HOLDFAST_CODEC_GRPC_TIMEOUT_H_
#define HOLDFAST_CODEC_GRPC_TIMEOUT_H_

#include <holdfast/c/base.h>

#include <cstddef>
#include <string_view>

namespace holdfast::codec {

inline constexpr std::size_t kGrpcTimeoutSize = 9;

// What exceeds HF_INFINITE - 1 reads as that. False, and *out as it was, for anything malformed.
bool ParseGrpcTimeout(std::string_view value, hf_duration* out);

// `timeout` is not negative. Returns how many bytes of `out` were written, kGrpcTimeoutSize at most.
std::size_t FormatGrpcTimeout(hf_duration timeout, char* out);

}  // namespace holdfast::codec

#endif  // HOLDFAST_CODEC_GRPC_TIMEOUT_H_
