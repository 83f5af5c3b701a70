// SPDX-License-Identifier: Apache-2.0
// The client interceptor, and gRPC's own retries, switched off.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <holdfast/clock.h>
#include <holdfast/grpc/channel.h>
#include <holdfast/grpc/client.h>
#include <holdfast/grpc/status.h>

#include <atomic>
#include <latch>
#include <mutex>
#include <optional>
#include <string>
#include <vector>

#include "driver/grpc_loopback.h"

// gRPC's callback objects are inline in its headers and thus instrumented here, while the queue that hands
// them from thread to thread is in its library and is not. These frames are gRPC's own; no method of a
// service runs below them.
extern "C" const char* __tsan_default_suppressions() {
  return "race:grpc::internal::CallbackWithStatusTag\n"
         "race:grpc::internal::CallbackWithSuccessTag\n";
}

namespace holdfast::grpc {
namespace {

using ::grpc::StatusCode;
using ::testing::HasSubstr;

class GrpcChannel : public ::testing::Test {
 protected:
  // The values of `key` in the last request.
  std::vector<std::string> Received(const std::string& key) const {
    const std::lock_guard lock(mutex_);
    std::vector<std::string> values;
    const auto [first, last] = headers_.equal_range(key);
    for (auto entry = first; entry != last; ++entry) values.push_back(entry->second);
    return values;
  }

  ::grpc::Status Call(::grpc::ClientContext& context) {
    test::ChargeReply reply;
    return test::Payment::NewStub(channel_)->Charge(&context, RequestFor("1"), &reply);
  }

 private:
  mutable std::mutex mutex_;
  std::multimap<std::string, std::string> headers_;

 protected:
  PaymentService service_{[this](::grpc::ServerContext* context, const auto&, auto*) {
    const std::lock_guard lock(mutex_);
    headers_.clear();
    for (const auto& [key, value] : context->client_metadata()) {
      headers_.emplace(std::string(key.data(), key.size()),
                       std::string(value.data(), value.size()));
    }
    return ::grpc::Status::OK;
  }};
  Loopback loopback_{service_};
  const std::shared_ptr<::grpc::Channel> channel_ =
      MakeChannel(loopback_.target(), ::grpc::InsecureChannelCredentials());
};

TEST_F(GrpcChannel, APlainStubCarriesTheCurrentContext) {
  const ScopedContext attached(*Context::Start({.correlation_id = "story-1"}));
  const std::string here = FormatTraceparent(Context::Current().trace());
  std::vector<std::string> spans;
  for (int i = 0; i < 2; ++i) {
    ::grpc::ClientContext context;
    ASSERT_TRUE(Call(context).ok());
    ASSERT_EQ(Received("traceparent").size(), 1u);
    const std::string sent = Received("traceparent")[0];
    EXPECT_EQ(sent.substr(0, 36), here.substr(0, 36));
    spans.push_back(sent.substr(36, 16));
    EXPECT_EQ(Received("x-correlation-id"), std::vector<std::string>{"story-1"});
    EXPECT_EQ(Received("x-causation-id"), std::vector<std::string>{here.substr(36, 16)});
  }
  EXPECT_NE(spans[0], spans[1]);
}

TEST_F(GrpcChannel, UnderUnaryNothingIsSentTwice) {
  const ScopedContext attached(*Context::Start({.correlation_id = "story-1"}));
  const Pipeline pipeline = *Pipeline::Create();
  EXPECT_TRUE(
      Unary(pipeline, {}, [&](::grpc::ClientContext& context) { return Call(context); }).ok());
  for (const char* key : {"traceparent", "x-correlation-id", "x-causation-id"}) {
    EXPECT_EQ(Received(key).size(), 1u) << key;
  }
}

TEST_F(GrpcChannel, IllegalMetadataFailsTheCallInsteadOfTheProcess) {
  const std::pair<std::string, std::string> cases[] = {
      {"X-Upper", "v"}, {"k", "a\nb"}, {"k", "Am\xC3\xA9lie"}, {"", "v"}, {"k ", "v"}};
  for (const auto& [key, value] : cases) {
    ::grpc::ClientContext context;
    context.AddMetadata(key, value);
    const ::grpc::Status status = Call(context);
    EXPECT_EQ(status.error_code(), StatusCode::INVALID_ARGUMENT) << key;
    EXPECT_EQ(RejectionOf(status)->reason, HF_R_MALFORMED);
  }
  EXPECT_EQ(service_.calls(), 0);
}

TEST_F(GrpcChannel, IllegalMetadataFailsACallbackCallToo) {
  ::grpc::ClientContext context;
  context.AddMetadata("k", "a\nb");
  const test::ChargeRequest request = RequestFor("1");
  test::ChargeReply reply;
  std::latch done(1);
  StatusCode code = StatusCode::OK;
  const auto stub = test::Payment::NewStub(channel_);
  stub->async()->Charge(&context, &request, &reply, [&](const ::grpc::Status& status) {
    code = status.error_code();
    done.count_down();
  });
  done.wait();
  EXPECT_EQ(code, StatusCode::INVALID_ARGUMENT);
  EXPECT_EQ(service_.calls(), 0);
}

TEST_F(GrpcChannel, IllegalMetadataFailsAQueuedCallToo) {
  ::grpc::ClientContext context;
  context.AddMetadata("K", "v");
  ::grpc::CompletionQueue queue;
  test::ChargeReply reply;
  ::grpc::Status status;
  const auto stub = test::Payment::NewStub(channel_);
  const auto call = stub->AsyncCharge(&context, RequestFor("1"), &queue);
  int tag = 0;
  call->Finish(&reply, &status, &tag);
  void* got = nullptr;
  bool ok = false;
  ASSERT_TRUE(queue.Next(&got, &ok));
  EXPECT_EQ(got, &tag);
  EXPECT_EQ(status.error_code(), StatusCode::INVALID_ARGUMENT);
  queue.Shutdown();
  while (queue.Next(&got, &ok)) {
  }
}

TEST_F(GrpcChannel, AContextOutOfTimeSendsNothing) {
  const ScopedContext attached(*Context::Start({.deadline = Clock::Steady().Now()}));
  ::grpc::ClientContext context;
  const ::grpc::Status status = Call(context);
  EXPECT_EQ(status.error_code(), StatusCode::DEADLINE_EXCEEDED);
  EXPECT_EQ(RejectionOf(status)->reason, HF_R_DEADLINE);
  EXPECT_EQ(service_.calls(), 0);
}

// A service config that asks gRPC for four attempts.
void AskForRetries(::grpc::ChannelArguments& arguments) {
  arguments.SetServiceConfigJSON(R"({"methodConfig": [{"name": [{}], "retryPolicy": {
    "maxAttempts": 4, "initialBackoff": "0.001s", "maxBackoff": "0.001s",
    "backoffMultiplier": 1, "retryableStatusCodes": ["UNAVAILABLE"]}}]})");
}

int RequestsOfOneCall(::grpc::ChannelArguments arguments) {
  PaymentService service([](auto&&...) { return ::grpc::Status(StatusCode::UNAVAILABLE, "gone"); });
  Loopback loopback(service);
  AskForRetries(arguments);
  EXPECT_EQ(Charge(loopback.Open(arguments), RequestFor("1")).status.error_code(),
            StatusCode::UNAVAILABLE);
  return service.calls();
}

TEST(GrpcRetries, AServiceConfigMultipliesUnlessSwitchedOff) {
  EXPECT_EQ(RequestsOfOneCall({}), 4);
  EXPECT_EQ(RequestsOfOneCall(MakeChannelArguments()), 1);
}

TEST(GrpcRetries, TheWarningTellsWhichArgumentsRetry) {
  EXPECT_TRUE(CheckRetriesOff(MakeChannelArguments()).ok());
  const absl::Status warning = CheckRetriesOff(::grpc::ChannelArguments());
  EXPECT_EQ(warning.code(), absl::StatusCode::kFailedPrecondition);
  EXPECT_THAT(std::string(warning.message()), HasSubstr("grpc.enable_retries"));
  // What the warning believes of an argument given twice is what gRPC does.
  for (const auto& [first, second] : {std::pair{0, 1}, std::pair{1, 0}}) {
    ::grpc::ChannelArguments arguments;
    arguments.SetInt(GRPC_ARG_ENABLE_RETRIES, first);
    arguments.SetInt(GRPC_ARG_ENABLE_RETRIES, second);
    EXPECT_EQ(CheckRetriesOff(arguments).ok(), RequestsOfOneCall(arguments) == 1) << first;
  }
}

// The integer argument `key` as gRPC will see it.
std::optional<int> IntegerIn(const ::grpc::ChannelArguments& arguments, std::string_view key) {
  const grpc_channel_args raw = arguments.c_channel_args();
  for (std::size_t i = 0; i < raw.num_args; ++i) {
    if (raw.args[i].key == key) return raw.args[i].value.integer;
  }
  return std::nullopt;
}

TEST(GrpcReconnect, PausesAreGrpcsOwnUnlessTold) {
  const ::grpc::ChannelArguments own = MakeChannelArguments({.reconnect_min = Duration{-1}});
  const ::grpc::ChannelArguments told =
      MakeChannelArguments({.reconnect_initial = Duration{1},  // rounded up: 0 would be no pause
                            .reconnect_max = std::chrono::seconds(2),
                            .reconnect_min = Duration::max()});
  const std::pair<const char*, int> expected[] = {{GRPC_ARG_INITIAL_RECONNECT_BACKOFF_MS, 1},
                                                  {GRPC_ARG_MAX_RECONNECT_BACKOFF_MS, 2000},
                                                  {GRPC_ARG_MIN_RECONNECT_BACKOFF_MS, INT32_MAX}};
  for (const auto& [key, value] : expected) {
    EXPECT_EQ(IntegerIn(own, key), std::nullopt) << key;
    EXPECT_EQ(IntegerIn(told, key), value) << key;
  }
}

TEST(GrpcRetries, SizesAreBounded) {
  PaymentService service([](auto*, const auto& request, test::ChargeReply* reply) {
    reply->set_payment(request.padding());
    return ::grpc::Status::OK;
  });
  Loopback loopback(service);
  test::ChargeRequest request;
  request.set_padding(std::string(5000, 'p'));
  EXPECT_TRUE(Charge(loopback.Open(MakeChannelArguments()), request).status.ok());
  EXPECT_EQ(Charge(loopback.Open(MakeChannelArguments({.max_receive_bytes = 1000})), request)
                .status.error_code(),
            StatusCode::RESOURCE_EXHAUSTED);
  EXPECT_EQ(Charge(loopback.Open(MakeChannelArguments({.max_send_bytes = 1000})), request)
                .status.error_code(),
            StatusCode::RESOURCE_EXHAUSTED);
}

}  // namespace
}  // namespace holdfast::grpc
