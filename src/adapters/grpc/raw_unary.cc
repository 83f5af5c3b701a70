// SPDX-License-Identifier: Apache-2.0
// The byte side of the callback flavour: what is stored is what is sent.
#include <grpcpp/support/slice.h>
#include <holdfast/grpc/metadata.h>
#include <holdfast/grpc/raw_unary.h>
#include <holdfast/grpc/status.h>

namespace holdfast::inline v0_5::grpc::internal {

::grpc::ByteBuffer BufferOf(const std::string& bytes) {
  const ::grpc::Slice slice(bytes);  // copies
  return ::grpc::ByteBuffer(&slice, 1);
}

std::string RawWire::ResponseBytes() {
  std::string bytes = response_.SerializePartialAsString();
  *sent_ = BufferOf(bytes);
  filled_ = true;
  return bytes;
}

bool RawWire::Replay(const std::string& stored) {
  *sent_ = BufferOf(stored);
  filled_ = true;
  return true;
}

::grpc::Status NotTaken(::grpc::CallbackServerContext& context) {
  (void)AddTrailer(context, kNotStartedTrailer, "executor");
  return ::grpc::Status(::grpc::StatusCode::UNAVAILABLE, "the executor did not take the call");
}

}  // namespace holdfast::inline v0_5::grpc::internal
