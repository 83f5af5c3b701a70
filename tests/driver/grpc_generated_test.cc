// SPDX-License-Identifier: Apache-2.0
// The blocking gRPC driver plays the generated scripts.
#include <grpcpp/client_context.h>
#include <gtest/gtest.h>
#include <holdfast/grpc/client.h>

#include "driver/player.h"

namespace holdfast::driver_test {
namespace {

class GrpcUnary final : public Player {
 public:
  void Play(Recording& recording) override {
    const grpc::UnaryOptions options{.call = recording.Options(),
                                     .context = recording.stage.context()};
    const ::grpc::Status status = grpc::Unary(
        recording.stage.pipeline, options, [&](::grpc::ClientContext&, Attempt& attempt) {
          const hf_outcome outcome =
              recording.Play(Recording::Told::Of(attempt), attempt.stop_token().caller());
          attempt.set_outcome(outcome);
          return ::grpc::Status(static_cast<::grpc::StatusCode>(outcome.code), "scripted");
        });
    recording.returned = grpc::RejectionOf(status).value_or(
        Rejection{.code = static_cast<absl::StatusCode>(status.error_code())});
    // A google.rpc.RetryInfo has no word for never.
    if (recording.report.retry_after == Duration::max()) {
      recording.returned->retry_after = recording.report.retry_after;
    }
  }
};

INSTANTIATE_TEST_SUITE_P(GrpcUnary, GeneratedScript, EachWith<GrpcUnary>(), NumberOf);

}  // namespace
}  // namespace holdfast::driver_test
