// SPDX-License-Identifier: Apache-2.0
// Whatever a user puts in, by whatever door, the process lives and the call says what was wrong. gRPC alone would
// abort at most of these.
#include <gmock/gmock.h>
#include <grpcpp/security/credentials.h>
#include <grpcpp/security/server_credentials.h>
#include <gtest/gtest.h>
#include <holdfast/grpc/channel.h>

#include <atomic>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "driver/grpc_feed_calls.h"
#include "driver/grpc_loopback.h"

namespace holdfast::grpc {
namespace {

namespace experimental = ::grpc::experimental;
using ::grpc::ClientContext;
using ::grpc::CompletionQueue;
using ::grpc::StatusCode;
using ::testing::HasSubstr;
using Factories = std::vector<std::unique_ptr<experimental::ClientInterceptorFactoryInterface>>;

struct Entry {
  std::string key;
  std::string value;
};

const std::vector<Entry>& IllegalEntries() {
  static const auto& entries = *new std::vector<Entry>{{"X-Upper", "v"},
                                                       {"k", "line\nfeed"},
                                                       {"k", "tab\t"},
                                                       {"k", "Am\xC3\xA9lie"},
                                                       {"k", std::string(1, 0)},
                                                       {"k\n", "v"},
                                                       {"", "v"},
                                                       {":path", "/x"},
                                                       {"grpclb_client_stats", "v"},
                                                       {"grpc-timeout", "1S"},
                                                       {"k k", "v"}};
  return entries;
}

// Adds an entry to each call, behind holdfast's back.
class Adder final : public experimental::Interceptor {
 public:
  explicit Adder(const Entry& entry) : entry_(entry) {}
  void Intercept(experimental::InterceptorBatchMethods* methods) override {
    if (methods->QueryInterceptionHookPoint(
            experimental::InterceptionHookPoints::PRE_SEND_INITIAL_METADATA)) {
      methods->GetSendInitialMetadata()->emplace(entry_.key, entry_.value);
    }
    methods->Proceed();
  }

 private:
  const Entry entry_;
};

class AdderFactory final : public experimental::ClientInterceptorFactoryInterface {
 public:
  explicit AdderFactory(Entry entry) : entry_(std::move(entry)) {}
  experimental::Interceptor* CreateClientInterceptor(experimental::ClientRpcInfo*) override {
    return new Adder(entry_);
  }

 private:
  const Entry entry_;
};

class GrpcIllegalMetadata : public ::testing::Test {
 protected:
  static void ExpectRefused(const ::grpc::Status& status, const Entry& entry) {
    EXPECT_EQ(status.error_code(), StatusCode::INVALID_ARGUMENT)
        << entry.key << ": " << status.error_message();
    EXPECT_THAT(status.error_message(), HasSubstr("metadata key"));
  }

  FeedWorld world_{[](int) { return Fault::kNone; }};
  FeedServer server_{world_};
  const Pipeline pipeline_ =
      *Pipeline::Create({.retry = *RetryPolicy::Create({.max_attempts = 3})});
};

// The user's function adds to the context it was given, of each kind and by each API.
TEST_F(GrpcIllegalMetadata, InTheContextOfAnyCall) {
  const auto stub =
      test::Feed::NewStub(MakeChannel(server_.target(), ::grpc::InsecureChannelCredentials()));
  auto* const async = stub->async();
  const Item request = FeedRequest();
  for (const Entry& entry : IllegalEntries()) {
    Item reply;
    const auto add = [&](ClientContext& context) { context.AddMetadata(entry.key, entry.value); };
    ExpectRefused(Unary(pipeline_, {},
                        [&](ClientContext& context) {
                          add(context);
                          return stub->Put(&context, request, &reply);
                        }),
                  entry);
    ExpectRefused(Stream(
                      pipeline_, {},
                      [&](ClientContext& context) {
                        add(context);
                        return stub->Watch(&context, request);
                      },
                      [&](auto& stream) {
                        while (stream.Read(&reply)) {
                        }
                      }),
                  entry);
    ExpectRefused(Stream(
                      pipeline_, {},
                      [&](ClientContext& context) {
                        add(context);
                        return stub->Load(&context, &reply);
                      },
                      [&](auto& stream) { stream.Write(request); }),
                  entry);
    ExpectRefused(Stream(
                      pipeline_, {},
                      [&](ClientContext& context) {
                        add(context);
                        return stub->Trade(&context);
                      },
                      [&](auto& stream) {
                        while (stream.Read(&reply)) {
                        }
                      }),
                  entry);
    {
      Ending ending;
      UnaryAsync(
          pipeline_, {},
          [&](ClientContext& context, Attempt&, auto done) {
            add(context);
            async->Put(&context, &request, &reply, std::move(done));
          },
          [&](::grpc::Status status) { ending.Set(std::move(status)); });
      ExpectRefused(ending.Await(), entry);
    }
    {
      Ending ending;
      Trader<Item, Item> trader(request, ending);
      StreamAsync(pipeline_, {.resend = true}, trader, [&](ClientContext& context, auto* wire) {
        add(context);
        async->Trade(&context, wire);
      });
      ExpectRefused(ending.Await(), entry);
    }
    {
      Ending ending;
      DrivenQueue queue;
      Trader<void, Item> trader(request, ending);
      StreamOnQueue(pipeline_, {}, queue.get(), trader,
                    [&](ClientContext& context, CompletionQueue* on) {
                      add(context);
                      return stub->PrepareAsyncWatch(&context, request, on);
                    });
      ExpectRefused(ending.Await(), entry);
    }
  }
  EXPECT_EQ(world_.requests(), 0);
}

TEST_F(GrpcIllegalMetadata, AddedByAnotherInterceptor) {
  const ClientOptions options;
  for (const Entry& entry : IllegalEntries()) {
    Factories more;
    more.push_back(std::make_unique<AdderFactory>(entry));
    const auto stub = test::Feed::NewStub(
        MakeChannel(server_.target(), ::grpc::InsecureChannelCredentials(), {}, std::move(more)));
    for (const Api api : {Api::kSync, Api::kCallback, Api::kQueue}) {
      for (const Kind kind : {Kind::kUnary, Kind::kRead, Kind::kWrite, Kind::kBidi}) {
        ExpectRefused(Make({*stub, pipeline_, options}, api, kind).status, entry);
      }
    }
  }
  EXPECT_EQ(world_.requests(), 0);
}

TEST_F(GrpcIllegalMetadata, InTheOptionsOfAnyCall) {
  const auto stub =
      test::Feed::NewStub(MakeChannel(server_.target(), ::grpc::InsecureChannelCredentials()));
  for (const Entry& entry : IllegalEntries()) {
    const MetadataEntry given{entry.key, entry.value};
    const ClientOptions options{.metadata = {&given, 1}};
    for (const Api api : {Api::kSync, Api::kCallback, Api::kQueue}) {
      for (const Kind kind : {Kind::kUnary, Kind::kRead, Kind::kWrite, Kind::kBidi}) {
        ExpectRefused(Make({*stub, pipeline_, options}, api, kind).status, entry);
      }
    }
  }
  EXPECT_EQ(world_.requests(), 0);
}

// gRPC looks at what a plugin gives by itself: the call fails, and nothing is sent.
class Plugin final : public ::grpc::MetadataCredentialsPlugin {
 public:
  // Borrowed for ever: gRPC drops a plugin when and where it likes.
  explicit Plugin(const Entry& entry) : entry_(entry) { made_.store(true); }
  ::grpc::Status GetMetadata(::grpc::string_ref, ::grpc::string_ref, const ::grpc::AuthContext&,
                             std::multimap<::grpc::string, ::grpc::string>* metadata) override {
    (void)made_.load();  // gRPC's own order, in words that ThreadSanitizer knows
    metadata->emplace(entry_.key, entry_.value);
    return ::grpc::Status::OK;
  }

 private:
  const Entry& entry_;
  std::atomic<bool> made_{false};
};

TEST_F(GrpcIllegalMetadata, FromACredentialsPlugin) {
  FeedService service(world_);
  int port = 0;
  ::grpc::ServerBuilder builder;
  builder.AddListeningPort("127.0.0.1:0", experimental::LocalServerCredentials(LOCAL_TCP), &port);
  builder.RegisterService(&service);
  const std::unique_ptr<::grpc::Server> server = builder.BuildAndStart();
  const auto stub = test::Feed::NewStub(
      MakeChannel("127.0.0.1:" + std::to_string(port), experimental::LocalCredentials(LOCAL_TCP)));
  const auto call = [&](const Entry& entry) {
    Item reply;
    return Unary(pipeline_, {}, [&](ClientContext& context) {
      context.set_credentials(experimental::MetadataCredentialsFromPlugin(
          std::make_unique<Plugin>(entry), GRPC_SECURITY_NONE));
      return stub->Put(&context, FeedRequest(), &reply);
    });
  };
  static const Entry& legal = *new Entry{"authorization", "Bearer x"};
  EXPECT_TRUE(call(legal).ok());
  EXPECT_EQ(world_.requests(), 1);
  for (const Entry& entry : IllegalEntries()) {
    // A plugin's entries are added below every interceptor: gRPC checks their bytes, and aborts for its own keys.
    if (entry.key.starts_with("grpc")) continue;
    EXPECT_FALSE(call(entry).ok()) << entry.key;
  }
  EXPECT_EQ(world_.requests(), 1);
  server->Shutdown(std::chrono::system_clock::now());
}

TEST_F(GrpcIllegalMetadata, InTheAuthorityOrTheMethod) {
  const auto channel = MakeChannel(server_.target(), ::grpc::InsecureChannelCredentials());
  const auto stub = test::Feed::NewStub(channel);
  for (const std::string text : {"a\nb", "a b", "\xC3\xA9", ""}) {
    Item reply;
    (void)Unary(pipeline_, {.call = {.timeout = std::chrono::seconds(5)}},
                [&](ClientContext& context) {
                  context.set_authority(text);
                  return stub->Put(&context, FeedRequest(), &reply);
                });
    const std::string path = "/" + text;
    const ::grpc::internal::RpcMethod method(path.c_str(), ::grpc::internal::RpcMethod::NORMAL_RPC);
    const ::grpc::Status status = Unary(
        pipeline_, {.call = {.timeout = std::chrono::seconds(5)}}, [&](ClientContext& context) {
          return ::grpc::internal::BlockingUnaryCall<Item, Item>(channel.get(), method, &context,
                                                                 FeedRequest(), &reply);
        });
    EXPECT_FALSE(status.ok());
  }
}

// Answers with one status.
class EchoService final : public test::Feed::Service {
 public:
  explicit EchoService(::grpc::Status status) : status_(std::move(status)) {}
  ::grpc::Status Put(::grpc::ServerContext*, const Item*, Item*) override { return status_; }

 private:
  const ::grpc::Status status_;
};

// Texts and details of a status may hold any bytes; they travel encoded, and come back as text or details.
TEST_F(GrpcIllegalMetadata, InTheTextsAndDetailsOfAStatus) {
  const std::string texts[] = {"line\nfeed", std::string("nul\0.", 5), "Am\xC3\xA9lie", "\xFF\xFE",
                               std::string(3000, '\n')};
  for (const std::string& text : texts) {
    const ::grpc::Status statuses[] = {
        FromAbsl(absl::UnavailableError(text)),
        RefusalStatus({absl::StatusCode::kUnavailable, HF_R_DRAINING}, text),
        DetailedStatus(StatusCode::UNAVAILABLE, text,
                       {.domain = text, .reason = text, .metadata = {{text, text}}}),
        ::grpc::Status(StatusCode::UNAVAILABLE, text, text)};
    for (const ::grpc::Status& status : statuses) {
      EchoService service(status);
      Loopback loopback(service);
      const auto stub =
          test::Feed::NewStub(MakeChannel(loopback.target(), ::grpc::InsecureChannelCredentials()));
      Item reply;
      const ::grpc::Status back = Unary(pipeline_, {}, [&](ClientContext& context) {
        return stub->Put(&context, FeedRequest(), &reply);
      });
      EXPECT_FALSE(back.ok());
      (void)RejectionOf(back);
      (void)DetailOf(back);
    }
  }
}

}  // namespace
}  // namespace holdfast::grpc
