// SPDX-License-Identifier: Apache-2.0
// The blocking gRPC driver plays the generated scripts: with attempts that are a function, and with those
// that go to a real server and back, of which nothing is known but status and trailers.
#include <grpcpp/client_context.h>
#include <gtest/gtest.h>
#include <holdfast/grpc/channel.h>
#include <holdfast/grpc/client.h>

#include <algorithm>
#include <memory>
#include <mutex>
#include <string>

#include "driver/grpc_loopback.h"
#include "driver/player.h"

namespace holdfast::driver_test {
namespace {

// Makes the call with attempts that end by `end(context, attempt, outcome)`.
template <class End>
void PlayUnary(Recording& recording, const End& end) {
  const grpc::UnaryOptions options{.call = recording.Options(),
                                   .context = recording.stage.context()};
  const ::grpc::Status status = grpc::Unary(
      recording.stage.pipeline, options, [&](::grpc::ClientContext& context, Attempt& attempt) {
        return end(context, attempt,
                   recording.Play(Recording::Told::Of(attempt), attempt.stop_token().caller()));
      });
  recording.returned = grpc::RejectionOf(status).value_or(
      Rejection{.code = static_cast<absl::StatusCode>(status.error_code())});
  // A google.rpc.RetryInfo has no word for never.
  if (recording.report.retry_after == Duration::max()) {
    recording.returned->retry_after = recording.report.retry_after;
  }
}

::grpc::Status StatusOf(const hf_outcome& outcome) {
  return ::grpc::Status(static_cast<::grpc::StatusCode>(outcome.code), "scripted");
}

class GrpcUnary final : public Player {
 public:
  void Play(Recording& recording) override {
    PlayUnary(recording, [](::grpc::ClientContext&, Attempt& attempt, const hf_outcome& outcome) {
      attempt.set_outcome(outcome);
      return StatusOf(outcome);
    });
  }
};

INSTANTIATE_TEST_SUITE_P(GrpcUnary, GeneratedScript, EachWith<GrpcUnary>(), NumberOf);

// The same over a connection: the attempt takes its time here, then the server gives its answer.
class GrpcWire final : public Player {
 public:
  GrpcWire()
      : service_([this](auto* context, const auto&, auto*) { return Answer(*context); }),
        loopback_(service_),
        stub_(test::Payment::NewStub(
            grpc::MakeChannel(loopback_.target(), ::grpc::InsecureChannelCredentials()))) {}

  void Play(Recording& recording) override {
    PlayUnary(recording,
              [this](::grpc::ClientContext& context, Attempt& attempt, const hf_outcome& outcome) {
                // A cancelled attempt does not reach the server, and a canned result is not asked of it.
                if (attempt.stop_requested() || attempt.fault() != 0) {
                  attempt.set_outcome(outcome);
                  return StatusOf(outcome);
                }
                {
                  const std::lock_guard lock(mutex_);
                  next_ = outcome;
                }
                test::ChargeReply reply;
                return stub_->Charge(&context, grpc::RequestFor("17"), &reply);
              });
  }

  // Real deadlines are of real time; and what a server says is a status and some trailers.
  static bool CanPlay(const Script& script) {
    const bool hurried = script.attempt_timeout.count() != 0 || script.timeout.count() != 0 ||
                         script.call_timeout.count() != 0 || script.deadline_after.count() != 0;
    return !hurried && std::all_of(script.beats.begin(), script.beats.end(),
                                   [](const Beat& beat) { return CanBeSaid(beat.outcome); });
  }

 private:
  static bool CanBeSaid(const hf_outcome& outcome) {
    const bool not_started = outcome.effect == HF_EFFECT_NOT_STARTED;
    if (outcome.verdict != HF_VERDICT_DERIVE || outcome.retry_after < 0) return false;
    // Who wants to be left alone has spoken for good: that costs no token of a budget.
    if (outcome.retry_after == HF_INFINITE) return false;
    if (outcome.effect != HF_EFFECT_DERIVE && !not_started) return false;
    // gRPC says this one by itself, too, so without advice it is not taken for the server's word.
    return outcome.code != HF_RESOURCE_EXHAUSTED || not_started || outcome.retry_after > 0;
  }

  ::grpc::Status Answer(::grpc::ServerContext& context) {
    const std::lock_guard lock(mutex_);
    const auto say = [&context](std::string_view key, const std::string& value) {
      context.AddTrailingMetadata(std::string(key), value);
    };
    if (next_.effect == HF_EFFECT_NOT_STARTED) say(grpc::kNotStartedTrailer, "draining");
    if (next_.retried != 0) say(grpc::kRetriedTrailer, std::to_string(next_.retried));
    if (next_.retry_after != 0) {
      say(grpc::kRetryAfterTrailer, std::to_string(next_.retry_after / HF_MS));
    }
    return StatusOf(next_);
  }

  std::mutex mutex_;
  hf_outcome next_{};
  grpc::PaymentService service_;
  grpc::Loopback loopback_;
  std::unique_ptr<test::Payment::Stub> stub_;
};

INSTANTIATE_TEST_SUITE_P(GrpcWire, GeneratedScript, EachWith<GrpcWire>(GrpcWire::CanPlay),
                         NumberOf);

TEST(GrpcWireScripts, AreMany) {
  const std::vector<Script>& all = GeneratedScripts();
  EXPECT_GE(std::count_if(all.begin(), all.end(), GrpcWire::CanPlay), 100);
}

}  // namespace
}  // namespace holdfast::driver_test
