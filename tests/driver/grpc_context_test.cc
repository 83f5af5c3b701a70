// SPDX-License-Identifier: Apache-2.0
// The context over the wire: read from hostile peers, and carried through a chain of services.
#include <gtest/gtest.h>
#include <holdfast/grpc/channel.h>
#include <holdfast/grpc/client.h>
#include <holdfast/grpc/context.h>
#include <holdfast/grpc/metadata.h>
#include <holdfast/grpc/server.h>
#include <holdfast/memory/store.h>

#include <mutex>
#include <random>
#include <string>
#include <utility>
#include <vector>

#include "driver/grpc_loopback.h"

namespace holdfast::grpc {
namespace {

constexpr char kTraceparent[] = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01";
constexpr char kTraceId[] = "0af7651916cd43dd8448eb211c80319c";

Received Extract(const Headers& headers, hf_time deadline = 0) {
  ServerMetadata metadata;
  for (const auto& [key, value] : headers) metadata.emplace(key, value);
  return ExtractContext(metadata, deadline);
}

TEST(GrpcContext, WhatWasSentIsWhatIsRead) {
  const Received received = Extract({{"traceparent", kTraceparent},
                                     {"x-correlation-id", "story-1"},
                                     {"x-causation-id", "step-0"},
                                     {"holdfast-attempt", "3"}},
                                    77);
  EXPECT_EQ(FormatTraceparent(received.context.trace()), kTraceparent);
  EXPECT_FALSE(received.trace_restarted);
  EXPECT_EQ(received.context.correlation_id(), "story-1");
  EXPECT_EQ(received.context.causation_id(), "step-0");
  EXPECT_EQ(received.context.deadline(), 77);
  EXPECT_EQ(received.attempt, 3u);
}

TEST(GrpcContext, AnUnusableTraceparentBeginsANewTrace) {
  const std::vector<Headers> cases = {
      {},
      {{"traceparent", ""}},
      {{"traceparent", "garbage"}},
      {{"traceparent", std::string(100000, '0')}},
      {{"traceparent", "00-0AF7651916CD43DD8448EB211C80319C-b7ad6b7169203331-01"}},
      {{"traceparent", "ff-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"}},
      {{"traceparent", "00-00000000000000000000000000000000-b7ad6b7169203331-01"}},
      {{"traceparent", kTraceparent}, {"traceparent", kTraceparent}},
      {{"traceparent", std::string(kTraceparent) + "," + kTraceparent}},
      {{"trace-parent", kTraceparent}},
  };
  for (const Headers& headers : cases) {
    const Received received = Extract(headers);
    EXPECT_TRUE(received.trace_restarted);
    const std::string fresh = FormatTraceparent(received.context.trace());
    ASSERT_EQ(fresh.size(), 55u);
    EXPECT_NE(fresh.substr(3, 32), kTraceId);
    EXPECT_EQ(received.context.correlation_id(), fresh.substr(3, 32));
  }
}

TEST(GrpcContext, UnusableIdsAreLeftOut) {
  for (const std::string& id :
       {std::string(), std::string(129, 'x'), std::string("two words"), std::string("\x7F"),
        std::string("caf\xC3\xA9"), std::string(1 << 20, 'x')}) {
    const Received received =
        Extract({{"traceparent", kTraceparent}, {"x-correlation-id", id}, {"x-causation-id", id}});
    EXPECT_EQ(received.context.correlation_id(), kTraceId);
    EXPECT_EQ(received.context.causation_id(), "");
  }
  const Received twice = Extract({{"x-correlation-id", "a"}, {"x-correlation-id", "b"}});
  EXPECT_NE(twice.context.correlation_id(), "a");
  EXPECT_NE(twice.context.correlation_id(), "b");
}

TEST(GrpcContext, AnAbsurdAttemptIsBounded) {
  const std::pair<const char*, std::uint32_t> cases[] = {
      {"0", 1},          {"-1", 1},      {"", 1},
      {"x", 1},          {"2 ", 2},      {"7", 7},
      {"1000", 1000},    {"1001", 1000}, {"4294967295", 1000},
      {"99999999999", 1}};
  for (const auto& [value, attempt] : cases) {
    EXPECT_EQ(Extract({{"holdfast-attempt", value}}).attempt, attempt) << value;
  }
}

TEST(GrpcContext, AnyBytesGiveAContextThatCanBeSentOn) {
  std::mt19937 random(11);
  for (int round = 0; round < 2000; ++round) {
    Headers headers;
    for (const char* key : {"traceparent", "tracestate", "baggage", "x-correlation-id",
                            "x-causation-id", "x-request-id", "holdfast-tenant"}) {
      std::string value = random() % 2 == 0 ? kTraceparent : "";
      value.resize(random() % 140, 'a');
      if (!value.empty()) value[random() % value.size()] = static_cast<char>(random());
      headers.emplace_back(key, value);
    }
    const auto step = NextStep(Extract(headers).context);
    ASSERT_TRUE(step.ok());
    const auto entries = ContextEntries(*step);
    EXPECT_GE(entries.size(), 3u);
    for (const auto& [key, value] : entries) EXPECT_TRUE(CheckMetadata(key, value).ok());
  }
}

Headers Entries(const Context& context) {
  Headers headers;
  for (const auto& [key, value] : ContextEntries(context)) headers.emplace_back(key, value);
  return headers;
}

TEST(GrpcContext, CarriesEverythingAndReadsItBack) {
  const Context sent = *Context::Create({.correlation_id = "story-1",
                                         .causation_id = "step-0",
                                         .trace = *ParseTraceparent(kTraceparent),
                                         .tracestate = "us=1,them=2",
                                         .baggage = "user=Am%C3%A9lie,email=x;holdfast-pii",
                                         .request_id = "req-1",
                                         .tenant = "acme",
                                         .principal = "ann",
                                         .criticality = Criticality::kSheddable});
  const Received received = Extract(Entries(sent));
  EXPECT_EQ(FormatTraceparent(received.context.trace()), kTraceparent);
  EXPECT_EQ(received.context.tracestate(), "us=1,them=2");
  EXPECT_EQ(received.context.baggage(), "user=Am%C3%A9lie") << "nothing private";
  EXPECT_EQ(received.context.request_id(), "req-1");
  EXPECT_EQ(received.context.tenant(), "acme");
  EXPECT_EQ(received.context.principal(), "ann");
  EXPECT_EQ(received.context.criticality(), Criticality::kSheddable);
  EXPECT_EQ(received.report.malformed | received.report.untrusted, 0u);
}

TEST(GrpcContext, AStoryBegunForACallKeepsWhatItsContextHas) {
  const Context bare = *Context::Create({.baggage = "k=v", .request_id = "r", .tenant = "acme"});
  const Context story = *StoryOf(bare);
  EXPECT_TRUE(HasTrace(story.trace()));
  EXPECT_EQ(story.baggage(), "k=v");
  EXPECT_EQ(story.request_id(), "r");
  EXPECT_EQ(story.tenant(), "acme");
}

TEST(GrpcContext, TheLargestLegalBaggageLeavesRoomForTheCall) {
  const std::string baggage = "a=1,k=" + std::string(HF_BAGGAGE_MAX - 6, 'v');
  const Context full =
      *Context::Create({.trace = *ParseTraceparent(kTraceparent), .baggage = baggage});
  const Headers entries = Entries(full);
  std::size_t bytes = 0;
  for (const auto& [key, value] : entries) {
    bytes += key.size() + value.size() + 32;
    EXPECT_TRUE(CheckMetadata(key, value).ok()) << key;
  }
  EXPECT_LE(bytes, kContextBudget);
  EXPECT_EQ(Extract(entries).context.baggage(), "a=1") << "whole members only";
}

TEST(GrpcContext, AServerOfStrangersBelievesLess) {
  const Propagator edge =
      *Propagator::Create({.transport = Transport::kGrpc, .left_out = HF_FIELD_DEADLINE});
  ServerMetadata metadata;
  for (const auto& [key, value] : std::initializer_list<std::pair<const char*, const char*>>{
           {"traceparent", kTraceparent}, {"holdfast-tenant", "acme"}, {"baggage", "role=admin"}}) {
    metadata.emplace(key, value);
  }
  const Received received = ExtractContext(metadata, 0, edge);
  EXPECT_EQ(FormatTraceparent(received.context.trace()), kTraceparent);
  EXPECT_EQ(received.context.tenant(), "");
  EXPECT_EQ(received.context.baggage(), "");
  EXPECT_EQ(received.report.untrusted, HF_FIELD_TENANT | HF_FIELD_BAGGAGE);
}

TEST(GrpcContext, AKeyTravelsAsItIs) {
  EXPECT_EQ(HeaderOfKey("order-17"), kIdempotencyKey);
  EXPECT_EQ(HeaderOfKey("a b"), kIdempotencyKey);
  const std::string binary[] = {" a", "a ", "\xC3\xA9", "a\nb", std::string("\0", 1)};
  for (const std::string& key : binary) {
    EXPECT_EQ(HeaderOfKey(key), kIdempotencyKeyBin);
  }
}

// One service: guarded, and calling the next one down, if any.
class Hop {
 public:
  explicit Hop(Hop* next)
      : guard_(*Guard::Create({.store = store_.get()})),
        pipeline_(*Pipeline::Create()),
        next_(next == nullptr ? nullptr : next->NewStub()),
        service_([this](auto* context, const auto& request, auto* reply) {
          return guard_.Handle(context, request, reply, "charge",
                               [&](ServerCall& call) { return Serve(call, request, reply); });
        }),
        loopback_(service_) {}

  std::unique_ptr<test::Payment::Stub> NewStub() const {
    return test::Payment::NewStub(
        MakeChannel(loopback_.target(), ::grpc::InsecureChannelCredentials()));
  }

  Context seen() const {
    const std::lock_guard lock(mutex_);
    return seen_;
  }

 private:
  ::grpc::Status Serve(ServerCall& call, const test::ChargeRequest& request,
                       test::ChargeReply* reply) {
    {
      const std::lock_guard lock(mutex_);
      seen_ = Context::Current();
    }
    if (next_ == nullptr) return ::grpc::Status::OK;
    return Unary(
        pipeline_, {.idempotency_key = call.ticket()->DownstreamKey("next")},
        [&](::grpc::ClientContext& context) { return next_->Charge(&context, request, reply); });
  }

  const std::unique_ptr<memory::Store> store_ = *memory::Store::Create();
  const Guard guard_;
  const Pipeline pipeline_;
  mutable std::mutex mutex_;
  Context seen_;
  const std::unique_ptr<test::Payment::Stub> next_;
  PaymentService service_;
  Loopback loopback_;
};

std::string Span(const Context& context) {
  return FormatTraceparent(context.trace()).substr(36, 16);
}

TEST(GrpcContext, OneStoryRunsThroughThreeServices) {
  Hop last(nullptr), middle(&last), first(&middle);
  const auto stub = first.NewStub();
  const Context story = *Context::Start({.correlation_id = "order-17",
                                         .deadline = Clock::Steady().Now() + 500 * HF_S,
                                         .baggage = "region=eu",
                                         .request_id = "req-17",
                                         .tenant = "acme"});
  const ScopedContext attached(story);
  test::ChargeReply reply;
  const ::grpc::Status status =
      Unary(*Pipeline::Create(), {.idempotency_key = "k"}, [&](::grpc::ClientContext& context) {
        return stub->Charge(&context, RequestFor("17"), &reply);
      });
  ASSERT_TRUE(status.ok()) << status.error_message();
  const Context steps[] = {story, first.seen(), middle.seen(), last.seen()};
  for (int i = 1; i < 4; ++i) {
    EXPECT_EQ(steps[i].correlation_id(), "order-17");
    EXPECT_EQ(steps[i].baggage(), "region=eu");
    EXPECT_EQ(steps[i].request_id(), "req-17");
    EXPECT_EQ(steps[i].tenant(), "acme");
    EXPECT_EQ(steps[i].causation_id(), Span(steps[i - 1]));
    EXPECT_NE(Span(steps[i]), Span(steps[i - 1]));
    EXPECT_EQ(FormatTraceparent(steps[i].trace()).substr(3, 32),
              FormatTraceparent(story.trace()).substr(3, 32));
    // Rounded by gRPC at each hop, up to three digits.
    EXPECT_LE(steps[i].deadline(), story.deadline() + i * 5 * HF_S);
    EXPECT_GT(steps[i].deadline(), story.deadline() - 60 * HF_S);
  }
}

}  // namespace
}  // namespace holdfast::grpc
