// SPDX-License-Identifier: Apache-2.0
// CallbackUnary: one unary call of a decorated callback service, between gRPC and the inner reactor.
//
// To gRPC it is the reactor; to the inner reactor it is the call (gRPC offers both as API), so it sees the
// inner Finish and decides what gRPC gets to see.
//
//   state      on                              next
//   asking     Begin, perhaps on the executor  refused: finished; replayed: finished; else started
//   started    the inner method returned its   joined, once both have come, in any order and on any
//              reactor and that was bound;     threads
//              the inner reactor's Finish
//   joined     the record is settled, perhaps  finished
//              on the executor
//   finished   OnDone of gRPC                  the inner OnDone, then deleted
//
// Invariants: gRPC's Finish is called once, last, and nothing is touched after it, for OnDone may have run
// by then. The inner reactor is bound before gRPC can know of its end: binding holds its lock. It hears
// OnCancel once, after it is bound and before gRPC's OnDone; OnDone last of all, with the caller's context
// attached. Place and permit are given back, and the record is settled, before the answer leaves.
// Every step of another thread is seen through `flags_` and `missing_`, not through gRPC's own locks.
#ifndef HOLDFAST_GRPC_CALLBACK_UNARY_H_
#define HOLDFAST_GRPC_CALLBACK_UNARY_H_

#include <google/protobuf/message.h>
#include <grpcpp/server_context.h>
#include <grpcpp/support/server_callback.h>
#include <holdfast/context.h>
#include <holdfast/grpc/admission.h>
#include <holdfast/grpc/decorate.h>
#include <holdfast/grpc/executor.h>

#include <atomic>
#include <memory>
#include <optional>
#include <utility>

namespace holdfast::inline v0_5::grpc::internal {

class CallbackUnary : public ::grpc::ServerUnaryReactor {
 public:
  // Asks, and starts the inner method if admitted. `executor` must last as long as the service.
  void Begin(const Executor& executor);

 protected:
  CallbackUnary(const GuardedMethod& method, ::grpc::CallbackServerContext& context,
                const ::google::protobuf::MessageLite& request,
                ::google::protobuf::Message* response);
  ~CallbackUnary() override;

  virtual ::grpc::ServerUnaryReactor* StartInner() = 0;

 private:
  class Record;  // the claim and what came of it

  // The call, as the inner reactor sees it.
  class InnerCall final : public ::grpc::ServerCallbackUnary {
   public:
    explicit InnerCall(CallbackUnary& outer) : outer_(outer) {}
    void Bind(::grpc::ServerUnaryReactor* reactor) { BindReactor(reactor); }
    void Finish(::grpc::Status status) override { outer_.InnerFinished(std::move(status)); }
    void SendInitialMetadata() override { outer_.StartSendInitialMetadata(); }

   private:
    ::grpc::internal::ServerReactor* reactor() override { return outer_.inner_; }
    void CallOnDone() override {}  // OnDone is the outer reactor's to pass on
    CallbackUnary& outer_;
  };

  void OnSendInitialMetadataDone(bool ok) override;
  void OnCancel() override;
  void OnDone() override;

  void Ask(Waiting waiting);
  void Start();
  void InnerFinished(::grpc::Status status);
  void Arrive();  // one of the two that a joined call needs
  void Settle();
  void Close(const ::grpc::Status& status);

  const GuardedMethod& method_;
  ::grpc::CallbackServerContext& context_;
  MessageWire wire_;
  InnerCall inner_call_{*this};
  const Executor* executor_ = nullptr;
  std::optional<Admission> admission_;
  Context story_;  // outlives the admission, for the inner reactions
  std::unique_ptr<Record> record_;
  ::grpc::ServerUnaryReactor* inner_ = nullptr;
  std::optional<::grpc::Status> own_;  // what the inner method said
  std::atomic<int> missing_{2};
  std::atomic<unsigned> flags_{0};
};

template <class StartFn>
class StartedUnary final : public CallbackUnary {
 public:
  StartedUnary(const GuardedMethod& method, ::grpc::CallbackServerContext& context,
               const ::google::protobuf::MessageLite& request,
               ::google::protobuf::Message* response, StartFn start)
      : CallbackUnary(method, context, request, response), start_(std::move(start)) {}

 private:
  ::grpc::ServerUnaryReactor* StartInner() override { return start_(); }
  StartFn start_;
};

}  // namespace holdfast::inline v0_5::grpc::internal

#endif  // HOLDFAST_GRPC_CALLBACK_UNARY_H_
