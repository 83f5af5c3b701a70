// SPDX-License-Identifier: Apache-2.0
// ServerCall: one guarded call, as its work sees it; and how its messages become the record's bytes.
#ifndef HOLDFAST_GRPC_SERVER_CALL_H_
#define HOLDFAST_GRPC_SERVER_CALL_H_

#include <absl/status/statusor.h>
#include <google/protobuf/message.h>
#include <grpcpp/server_context.h>
#include <holdfast/clock.h>
#include <holdfast/context.h>
#include <holdfast/grpc/context.h>
#include <holdfast/idempotency.h>
#include <holdfast/store.h>

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <type_traits>
#include <utility>

namespace holdfast::inline v0_5::grpc {

// What the work may ask and say while it runs. Not thread-safe.
class ServerCall {
 public:
  // The caller's, attached to this thread while the work runs; its deadline is this call's.
  const Context& context() const { return received_.context; }
  // Which attempt of the caller's retry loop this is, as it says, from 1.
  std::uint32_t client_attempt() const { return received_.attempt; }
  // Until when an answer is of use, margin taken off. Duration::max() without a deadline, 0 if passed.
  Duration remaining() const {
    const hf_time deadline = context().deadline();
    if (deadline == 0) return Duration::max();
    return Duration{std::max<hf_duration>(0, deadline - clock_->Now())};
  }
  // The record's; null for a call without a key.
  Ticket* ticket() const { return ticket_; }

  // How far the work got, if it fails or throws from here on: HF_EFFECT_FINAL, _NOT_STARTED, _RETRYABLE or
  // _AMBIGUOUS; HF_EFFECT_DERIVE: by its code. NOT_STARTED also tells the caller.
  void SetEffect(hf_effect effect) {
    effect_ = effect;
    if (ticket_ != nullptr) ticket_->SetEffect(effect);
  }
  hf_effect effect() const { return effect_; }

  ServerCall(Received received, Clock* clock) : received_(std::move(received)), clock_(clock) {}
  ServerCall(const ServerCall&) = delete;
  ServerCall& operator=(const ServerCall&) = delete;
  void Attach(Ticket* ticket) { ticket_ = ticket; }  // for drivers

 private:
  const Received received_;
  Clock* const clock_;
  Ticket* ticket_ = nullptr;
  hf_effect effect_ = HF_EFFECT_DERIVE;
};

// What a work(Ticket&, ...) of Guard::HandleWith answered, for runners that take bytes or a status
// (sqlite::RunOnceJoined): the response's bytes, or the refusal by code and message, without details.
absl::StatusOr<std::string> BodyOf(Answer answer);

namespace internal {

// How a flavour of gRPC's API turns request and response into bytes.
class Wire {
 public:
  virtual ~Wire() = default;
  virtual std::string RequestBytes() const = 0;        // the same for the same request
  virtual std::string ResponseBytes() = 0;             // exactly what will be sent
  virtual bool Replay(const std::string& stored) = 0;  // makes `stored` what will be sent
};

// Messages, as the generated blocking services have them.
class MessageWire final : public Wire {
 public:
  MessageWire(const ::google::protobuf::MessageLite& request, ::google::protobuf::Message* response)
      : request_(request), response_(response) {}
  std::string RequestBytes() const override;
  std::string ResponseBytes() override;
  bool Replay(const std::string& stored) override;

 private:
  const ::google::protobuf::MessageLite& request_;
  ::google::protobuf::Message* const response_;
};

std::string DeterministicBytes(const ::google::protobuf::MessageLite& message);

// What goes into the record for a status: the response's bytes, or a StoredRefusal.
Answer AnswerOf(const ::grpc::Status& status, hf_effect effect, Wire& wire);

// RunOnce over the guard's own store.
struct StoreRunner {
  Store* store;
  template <class Work>
  absl::StatusOr<RunOnceResult> operator()(const Key& key, const RunOnceOptions& options,
                                           Work&& work) const {
    return RunOnce(*store, key, options, std::forward<Work>(work));
  }
};

template <class Work, class... More>
::grpc::Status Invoke(Work& work, ServerCall& call, More&&... more) {
  if constexpr (std::is_invocable_v<Work&, ServerCall&, More...>) {
    return work(call, std::forward<More>(more)...);
  } else {
    return work(std::forward<More>(more)...);
  }
}

}  // namespace internal
}  // namespace holdfast::inline v0_5::grpc

#endif  // HOLDFAST_GRPC_SERVER_CALL_H_
