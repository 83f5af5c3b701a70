// SPDX-License-Identifier: Apache-2.0
// Decorated callback services: decorate.h for services of reactors.
//
//   pay::PaymentCallbackDecorated guarded(payments, guard, executor);
//
// gRPC has few threads for callbacks and they must not block. So without an executor nothing waits in the
// bulkhead's queue (a full one refuses at once), and a store is asked on gRPC's thread: right for a memory
// store only. With one, the steps before a unary method, the method itself and the record of its answer run
// there wherever they may block. Streams never wait in the queue.
// What the inner method throws becomes UNKNOWN, and no reactor (nullptr) UNIMPLEMENTED.
#ifndef HOLDFAST_GRPC_DECORATE_CALLBACK_H_
#define HOLDFAST_GRPC_DECORATE_CALLBACK_H_

#include <google/protobuf/message.h>
#include <grpcpp/server_context.h>
#include <grpcpp/support/server_callback.h>
#include <holdfast/grpc/callback_stream.h>
#include <holdfast/grpc/callback_unary.h>
#include <holdfast/grpc/decorate.h>
#include <holdfast/grpc/executor.h>

#include <type_traits>
#include <utility>

namespace holdfast::inline v0_5::grpc::decorated {

// What generated code calls. `start` calls the inner method and returns its reactor.
template <class Request, class Response, class Start>
::grpc::ServerUnaryReactor* Unary(const GuardedMethod& method, const Executor& executor,
                                  ::grpc::CallbackServerContext* context, const Request* request,
                                  Response* response, Start start) {
  static_assert(std::is_base_of_v<::google::protobuf::Message, Response>,
                "a replay needs the full protobuf runtime, not optimize_for = LITE_RUNTIME");
  auto* const call =
      new internal::StartedUnary<Start>(method, *context, *request, response, std::move(start));
  call->Begin(executor);  // deletes itself when gRPC is done
  return call;
}

template <class Response, class Start>
::grpc::ServerWriteReactor<Response>* ServerStream(const GuardedMethod& method,
                                                   ::grpc::CallbackServerContext* context,
                                                   Start start) {
  auto* const call = new internal::WriteStream<Response>(method, *context);
  call->Begin(start);
  return call;
}

template <class Request, class Start>
::grpc::ServerReadReactor<Request>* ClientStream(const GuardedMethod& method,
                                                 ::grpc::CallbackServerContext* context,
                                                 Start start) {
  auto* const call = new internal::ReadStream<Request>(method, *context);
  call->Begin(start);
  return call;
}

template <class Request, class Response, class Start>
::grpc::ServerBidiReactor<Request, Response>* BidiStream(const GuardedMethod& method,
                                                         ::grpc::CallbackServerContext* context,
                                                         Start start) {
  auto* const call = new internal::BidiStream<Request, Response>(method, *context);
  call->Begin(start);
  return call;
}

}  // namespace holdfast::inline v0_5::grpc::decorated

#endif  // HOLDFAST_GRPC_DECORATE_CALLBACK_H_
