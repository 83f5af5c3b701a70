// SPDX-License-Identifier: Apache-2.0
// RawUnary: the guard for the callback API, on bytes: a stored answer is sent as it is, never parsed.
//
//   class Payments : public pay::Payment::WithRawCallbackMethod_Charge<pay::Payment::Service> {
//     ::grpc::ServerUnaryReactor* Charge(::grpc::CallbackServerContext* context,
//                                        const ::grpc::ByteBuffer* request,
//                                        ::grpc::ByteBuffer* response) override {
//       return holdfast::grpc::RawUnary<pay::ChargeRequest, pay::ChargeReply>(
//           guard_, context, request, response, "payment.Charge",
//           [this](holdfast::grpc::ServerCall& call, const pay::ChargeRequest& in,
//                  pay::ChargeReply& out) { return DoCharge(in, out); });
//     }
//   };
//
// The request is parsed before the claim, and its deterministic bytes are the fingerprint, as with
// Guard::Handle: a service may change from one flavour to the other under the same keys.
// Store and work block. gRPC has few threads for callbacks, so give an executor where either is slow.
#ifndef HOLDFAST_GRPC_RAW_UNARY_H_
#define HOLDFAST_GRPC_RAW_UNARY_H_

#include <grpcpp/impl/codegen/proto_utils.h>
#include <grpcpp/server_context.h>
#include <grpcpp/support/byte_buffer.h>
#include <grpcpp/support/server_callback.h>
#include <holdfast/grpc/executor.h>
#include <holdfast/grpc/server.h>

#include <memory>
#include <string>
#include <string_view>
#include <utility>

namespace holdfast::inline v0_5::grpc {

namespace internal {

::grpc::ByteBuffer BufferOf(const std::string& bytes);

class RawWire final : public Wire {
 public:
  RawWire(const ::google::protobuf::MessageLite& request,
          const ::google::protobuf::MessageLite& response, ::grpc::ByteBuffer* sent)
      : request_(request), response_(response), sent_(sent) {}
  std::string RequestBytes() const override { return DeterministicBytes(request_); }
  std::string ResponseBytes() override;
  bool Replay(const std::string& stored) override;
  // Work that ran without a record: its response is still to be put into the buffer.
  void Complete() {
    if (!filled_) ResponseBytes();
  }

 private:
  const ::google::protobuf::MessageLite& request_;
  const ::google::protobuf::MessageLite& response_;
  ::grpc::ByteBuffer* const sent_;
  bool filled_ = false;
};

// One call; settles the reactor whatever happens.
template <class Request, class Response, class Runner, class Work>
void RunRaw(const Guard& guard, Runner& runner, ::grpc::CallbackServerContext* context,
            const ::grpc::ByteBuffer& request_bytes, ::grpc::ByteBuffer* response_bytes,
            std::string_view operation, Work& work, ::grpc::ServerUnaryReactor* reactor) {
  ::grpc::Status status;
  try {
    Request request;
    Response response;
    ::grpc::ByteBuffer bytes = request_bytes;  // shares the slices
    status = ::grpc::SerializationTraits<Request>::Deserialize(&bytes, &request);
    if (status.ok()) {
      RawWire wire(request, response, response_bytes);
      auto typed = [&](ServerCall& call, auto&&... more) {
        return work(call, std::as_const(request), response, std::forward<decltype(more)>(more)...);
      };
      status = guard.Serve(runner, *context, wire, operation, typed);
      if (status.ok()) wire.Complete();
    }
  } catch (...) {
    // As gRPC answers for its blocking services; permit and record are settled by now.
    status = ::grpc::Status(::grpc::StatusCode::UNKNOWN, "Unexpected error in RPC handling");
  }
  reactor->Finish(status);
}

}  // namespace internal

// Guards one unary call; see the top. work(ServerCall&, const Request&, Response&) -> ::grpc::Status.
// What it throws becomes UNKNOWN. `executor` null: runs on the calling thread. guard and work are copied
// as far as they are needed after the return.
template <class Request, class Response, class Work>
::grpc::ServerUnaryReactor* RawUnary(const Guard& guard, ::grpc::CallbackServerContext* context,
                                     const ::grpc::ByteBuffer* request,
                                     ::grpc::ByteBuffer* response, std::string_view operation,
                                     Work work, const Executor& executor = nullptr) {
  ::grpc::ServerUnaryReactor* const reactor = context->DefaultReactor();
  internal::StoreRunner runner = guard.runner();
  if (!executor) {
    internal::RunRaw<Request, Response>(guard, runner, context, *request, response, operation, work,
                                        reactor);
    return reactor;
  }
  try {
    executor([guard, runner, context, request, response, operation = std::string(operation),
              work = std::make_shared<Work>(std::move(work)), reactor]() mutable {
      internal::RunRaw<Request, Response>(guard, runner, context, *request, response, operation,
                                          *work, reactor);
    });
  } catch (...) {
    reactor->Finish(internal::NotTaken(*context));
  }
  return reactor;
}

}  // namespace holdfast::inline v0_5::grpc

#endif  // HOLDFAST_GRPC_RAW_UNARY_H_
