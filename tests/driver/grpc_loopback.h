// SPDX-License-Identifier: Apache-2.0
// A real server on the loopback interface, on a port of the system's choosing, for the gRPC tests; and
// calls that keep what a typed stub hides: the bytes of the answer and its trailers.
#ifndef HOLDFAST_TESTS_DRIVER_GRPC_LOOPBACK_H_
#define HOLDFAST_TESTS_DRIVER_GRPC_LOOPBACK_H_

#include <grpcpp/create_channel.h>
#include <grpcpp/impl/client_unary_call.h>
#include <grpcpp/security/credentials.h>
#include <grpcpp/security/server_credentials.h>
#include <grpcpp/server.h>
#include <grpcpp/server_builder.h>
#include <grpcpp/support/byte_buffer.h>
#include <gtest/gtest.h>
#include <payment.grpc.pb.h>

#include <atomic>
#include <chrono>
#include <functional>
#include <map>
#include <memory>
#include <string>
#include <utility>
#include <vector>

namespace holdfast::grpc {

class Loopback {
 public:
  explicit Loopback(::grpc::Service& service) {
    ::grpc::ServerBuilder builder;
    builder.AddListeningPort("127.0.0.1:0", ::grpc::InsecureServerCredentials(), &port_);
    builder.RegisterService(&service);
    server_ = builder.BuildAndStart();
    EXPECT_NE(server_, nullptr);
  }
  ~Loopback() { Stop(); }

  void Stop() {
    if (server_ == nullptr) return;
    server_->Shutdown(std::chrono::system_clock::now());
    server_->Wait();
    server_.reset();
  }

  std::string target() const { return "127.0.0.1:" + std::to_string(port_); }

  // A plain channel: nothing of holdfast in it, and a connection of its own.
  std::shared_ptr<::grpc::Channel> Open(::grpc::ChannelArguments arguments = {}) const {
    arguments.SetInt(GRPC_ARG_USE_LOCAL_SUBCHANNEL_POOL, 1);
    return ::grpc::CreateCustomChannel(target(), ::grpc::InsecureChannelCredentials(), arguments);
  }

 private:
  int port_ = 0;
  std::unique_ptr<::grpc::Server> server_;
};

// A blocking service whose method is a function, and which counts.
class PaymentService final : public test::Payment::Service {
 public:
  using Method = std::function<::grpc::Status(::grpc::ServerContext*, const test::ChargeRequest&,
                                              test::ChargeReply*)>;
  explicit PaymentService(Method method) : method_(std::move(method)) {}

  ::grpc::Status Charge(::grpc::ServerContext* context, const test::ChargeRequest* request,
                        test::ChargeReply* reply) override {
    calls_.fetch_add(1);
    return method_(context, *request, reply);
  }

  int calls() const { return calls_.load(); }

 private:
  const Method method_;
  std::atomic<int> calls_{0};
};

struct RawAnswer {
  ::grpc::Status status;
  std::string bytes;
  std::multimap<std::string, std::string> trailers;

  bool Has(const std::string& trailer) const { return trailers.count(trailer) > 0; }
  std::string Get(const std::string& trailer) const {
    const auto found = trailers.find(trailer);
    return found == trailers.end() ? "" : found->second;
  }
};

using Headers = std::vector<std::pair<std::string, std::string>>;

// Calls a unary method with these bytes and headers. Bounded: by 30 s, unless `timeout` says otherwise.
inline RawAnswer CallBytes(const std::shared_ptr<::grpc::Channel>& channel, const char* method_name,
                           const std::string& request, const Headers& headers = {},
                           std::chrono::milliseconds timeout = std::chrono::seconds(30)) {
  ::grpc::ClientContext context;
  for (const auto& [key, value] : headers) context.AddMetadata(key, value);
  context.set_deadline(std::chrono::system_clock::now() + timeout);
  context.set_wait_for_ready(true);
  const ::grpc::Slice slice(request);
  const ::grpc::ByteBuffer sent(&slice, 1);
  ::grpc::ByteBuffer received;
  // Blocking, on this thread alone: ThreadSanitizer cannot follow gRPC's own callbacks.
  const ::grpc::internal::RpcMethod method(method_name, ::grpc::internal::RpcMethod::NORMAL_RPC);
  RawAnswer answer;
  answer.status = ::grpc::internal::BlockingUnaryCall<::grpc::ByteBuffer, ::grpc::ByteBuffer>(
      channel.get(), method, &context, sent, &received);
  for (const auto& [key, value] : context.GetServerTrailingMetadata()) {
    answer.trailers.emplace(std::string(key.data(), key.size()),
                            std::string(value.data(), value.size()));
  }
  std::vector<::grpc::Slice> slices;
  if (received.Valid() && received.Dump(&slices).ok()) {
    for (const ::grpc::Slice& part : slices) {
      answer.bytes.append(reinterpret_cast<const char*>(part.begin()), part.size());
    }
  }
  return answer;
}

inline RawAnswer ChargeBytes(const std::shared_ptr<::grpc::Channel>& channel,
                             const std::string& request, const Headers& headers = {},
                             std::chrono::milliseconds timeout = std::chrono::seconds(30)) {
  return CallBytes(channel, "/holdfast.test.Payment/Charge", request, headers, timeout);
}

inline RawAnswer Charge(const std::shared_ptr<::grpc::Channel>& channel,
                        const test::ChargeRequest& request, const Headers& headers = {},
                        std::chrono::milliseconds timeout = std::chrono::seconds(30)) {
  return ChargeBytes(channel, request.SerializeAsString(), headers, timeout);
}

inline test::ChargeRequest RequestFor(const std::string& order, int amount = 100) {
  test::ChargeRequest request;
  request.set_order(order);
  request.set_amount(amount);
  return request;
}

}  // namespace holdfast::grpc

#endif  // HOLDFAST_TESTS_DRIVER_GRPC_LOOPBACK_H_
