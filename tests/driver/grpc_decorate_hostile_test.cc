// SPDX-License-Identifier: Apache-2.0
// Bytes that gRPC aborts the process for, from every side: metadata that comes in, and headers, trailers,
// messages and details that user code adds. The process lives, and the legal part arrives.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <holdfast/grpc/server_metadata.h>
#include <holdfast/grpc/status.h>
#include <holdfast/memory/store.h>

#include "driver/ledger.h"

namespace holdfast::grpc {
namespace {

using ::grpc::StatusCode;

const std::pair<const char*, std::string> kIllegal[] = {
    {"X-Upper", "a"},
    {"newline", "a\nb"},
    {"utf8", "caf\xc3\xa9"},
    {"tab", "a\tb"},
    {"nul", std::string(1, '\0')},
    {"sp ace", "a"},
    {"", "empty key"},
    {"k\xc3\xa9y", "a"},
    {"del", "\x7f"},
    {"colon:", "a"},
    {":path", "/other"},
    {"grpc-timeout", "1S"},
    {"grpclb_client_stats", "a"},
};

// A server like Loopback's, with the interceptor.
class LegalServer {
 public:
  explicit LegalServer(::grpc::Service& service) {
    ::grpc::ServerBuilder builder;
    builder.AddListeningPort("127.0.0.1:0", ::grpc::InsecureServerCredentials(), &port_);
    builder.RegisterService(&service);
    KeepMetadataLegal(builder);
    server_ = builder.BuildAndStart();
  }
  ~LegalServer() { server_->Shutdown(std::chrono::system_clock::now()); }
  std::shared_ptr<::grpc::Channel> Open() const {
    return ::grpc::CreateChannel("127.0.0.1:" + std::to_string(port_),
                                 ::grpc::InsecureChannelCredentials());
  }

 private:
  int port_ = 0;
  std::unique_ptr<::grpc::Server> server_;
};

class GrpcDecorateHostile : public ::testing::TestWithParam<Api> {};

TEST_P(GrpcDecorateHostile, WhatAMethodAddsCannotAbortTheProcess) {
  LedgerScript script;
  for (const bool fails : {false, true}) {
    script.enter = [fails](Kind, ::grpc::ServerContextBase& context) {
      for (const auto& [key, value] : kIllegal) {
        context.AddInitialMetadata(key, value);
        context.AddTrailingMetadata(key, value);
      }
      context.AddTrailingMetadata("legal", "yes");
      context.AddTrailingMetadata("bytes-bin", std::string("\0\xff\n", 3));
      if (!fails) return ::grpc::Status::OK;
      return ::grpc::Status(StatusCode::FAILED_PRECONDITION, "l\xc3\xb6\ns\t\x01", "\0\xff\n");
    };
    const Guard guard = *Guard::Create({});
    BlockingLedger blocking(script);
    CallbackLedger callback(script);
    test::LedgerDecorated blocking_guarded(blocking, guard);
    test::LedgerCallbackDecorated callback_guarded(callback, guard);
    const bool is_blocking = GetParam() == Api::kBlocking;
    LegalServer server(is_blocking ? static_cast<::grpc::Service&>(blocking_guarded)
                                   : static_cast<::grpc::Service&>(callback_guarded));
    for (const Kind kind : kKinds) {
      SCOPED_TRACE(FullName(kind));
      const LedgerAnswer answer = CallLedger(server.Open(), kind);
      EXPECT_EQ(answer.status.error_code(),
                fails ? StatusCode::FAILED_PRECONDITION : StatusCode::OK);
      EXPECT_EQ(answer.status.error_message(), fails ? "l\xc3\xb6\ns\t\x01" : "");
      EXPECT_EQ(answer.Get("legal"), "yes");
      EXPECT_EQ(answer.Get("bytes-bin"), std::string("\0\xff\n", 3));
      EXPECT_EQ(answer.Get("holdfast-dropped-metadata"), std::to_string(2 * std::size(kIllegal)));
    }
  }
}

TEST_P(GrpcDecorateHostile, WhatACallerSendsIsReadOrIgnoredAndNeverAnError) {
  const auto store = *memory::Store::Create();
  const Guard guard = *Guard::Create({.store = store.get(), .require_key = false});
  LedgerScript script;
  GuardedLedger ledger(GetParam(), script, guard);
  const std::string long_value(1500, 'x');
  for (const auto& key : {"traceparent", "x-correlation-id", "x-causation-id", "holdfast-attempt",
                          "holdfast-retries", "holdfast-criticality"}) {
    for (const std::string& value : {std::string(), std::string("00-!-~"), long_value,
                                     std::string("-1"), std::string("99999999999999999999")}) {
      for (const Kind kind : kKinds) {
        EXPECT_TRUE(CallLedger(ledger.Open(), kind, {{key, value}, {key, value}}).status.ok())
            << key << ": " << value;
      }
    }
  }
}

TEST_P(GrpcDecorateHostile, AKeyOfAnyBytesWorks) {
  const auto store = *memory::Store::Create();
  const Guard guard = *Guard::Create({.store = store.get()});
  LedgerScript script;
  GuardedLedger ledger(GetParam(), script, guard);
  const Headers key = {{"idempotency-key-bin", std::string("\0\n\xff{}\xc3\xa9", 7)}};
  EXPECT_FALSE(CallLedger(ledger.Open(), Kind::kUnary, key).Has("holdfast-replayed"));
  EXPECT_TRUE(CallLedger(ledger.Open(), Kind::kUnary, key).Has("holdfast-replayed"));
  EXPECT_EQ(script.total(), 1);
}

INSTANTIATE_TEST_SUITE_P(Apis, GrpcDecorateHostile, ::testing::ValuesIn(Apis()), ApiName);

}  // namespace
}  // namespace holdfast::grpc
