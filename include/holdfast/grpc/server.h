// SPDX-License-Identifier: Apache-2.0
// Guard: what stands between a gRPC method and its work.
//
//   ::grpc::Status Charge(::grpc::ServerContext* context, const Request* request, Reply* reply) override {
//     return guard_.Handle(context, *request, reply, "payment.Charge",
//                          [&](holdfast::grpc::ServerCall& call) { return DoCharge(*request, reply); });
//   }
//
// In order: the deadline, the key, the bulkhead, the record, the work. Whoever refuses does so before the
// work, and says so by trailer (status.h):
//   deadline passed, or within the margin   DEADLINE_EXCEEDED, not started
//   key missing, malformed, doubled         INVALID_ARGUMENT
//   bulkhead full                           RESOURCE_EXHAUSTED, not started, retry-after
//   waited in its queue in vain             DEADLINE_EXCEEDED, not started, retry-after
//   store down, full, locked                its code, not started
//   the key is at work elsewhere            ABORTED, retry-after
//   the key came with another request       INVALID_ARGUMENT
//   the key failed before, too soon         UNAVAILABLE, retry-after
//   may have happened                       FAILED_PRECONDITION
// A duplicate gets the stored answer, the same bytes and code, with the trailer holdfast-replayed; a
// refusal of the work's own (card declined) is such an answer, with message and details. What the work
// throws passes through; permit and record are settled first.
//
// For the callback API see raw_unary.h. Interceptors of gRPC 1.51 cannot do this: they can neither refuse
// nor replay.
#ifndef HOLDFAST_GRPC_SERVER_H_
#define HOLDFAST_GRPC_SERVER_H_

#include <absl/status/statusor.h>
#include <google/protobuf/message.h>
#include <grpcpp/server_context.h>
#include <holdfast/bulkhead.h>
#include <holdfast/clock.h>
#include <holdfast/context.h>
#include <holdfast/grpc/server_call.h>
#include <holdfast/idempotency.h>
#include <holdfast/store.h>

#include <chrono>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <type_traits>
#include <utility>

namespace holdfast::inline v0_2::grpc {

// Zero is the default, everywhere.
struct GuardOptions {
  Bulkhead bulkhead = {};  // empty: no limit. With a queue, a call waits in it on its server thread
  Store* store = nullptr;  // must outlive the guard; null: duplicates run again
  bool require_key =
      true;  // with a store: a call without a key is refused; false: it runs unguarded
  std::string space = {};  // of the keys: the service; up to 256 bytes
  // Whose keys these are, from who the caller has proved to be, never from what it says; up to 256 bytes.
  // Null: all callers share one space.
  std::function<std::string(const ::grpc::ServerContextBase&)> tenant = {};

  OnExpiry on_expiry = OnExpiry::kInDoubt;
  Duration lease{0};  // these as in RunOnceOptions
  Duration ttl{0};
  Duration max_wait{0};
  std::uint32_t max_attempts = 0;
  std::uint32_t max_body = 0;

  Duration deadline_margin{0};  // time for the way back: the work gets that much less
  Duration retry_after = std::chrono::milliseconds(50);  // what a full bulkhead tells the caller
  Clock* clock = nullptr;                                // default Clock::Steady()
};

// A cheap handle over shared, immutable state. Thread-safe.
class Guard {
 public:
  using Options = GuardOptions;

  // Errors: INVALID_ARGUMENT HF_R_OUT_OF_RANGE naming the field.
  static absl::StatusOr<Guard> Create(Options options);

  // Guards one unary call. `operation` (up to 256 bytes) is part of the key's identity: never reuse it
  // for another method. `work` fills *response; it is callable with (ServerCall&) or with nothing, and
  // returns ::grpc::Status. The request's deterministic bytes are the fingerprint.
  template <class Work>
  ::grpc::Status Handle(::grpc::ServerContextBase* context,
                        const ::google::protobuf::MessageLite& request,
                        ::google::protobuf::Message* response, std::string_view operation,
                        Work&& work) const {
    internal::MessageWire wire(request, response);
    return Serve(runner(), *context, wire, operation, work);
  }

  // As Handle, with a RunOnce of your own, such as one that joins the work's transaction:
  //   runner(const Key&, const RunOnceOptions&, work) -> absl::StatusOr<RunOnceResult>
  // where work(Ticket&, more...) returns an Answer (see BodyOf), to be called at most once; your `work` is
  // then called with (ServerCall&, more...) or (more...). Every call needs a key. Options::store is not
  // used. The runner may call work on another thread, if it waits for it.
  template <class Runner, class Work>
  ::grpc::Status HandleWith(Runner&& runner, ::grpc::ServerContextBase* context,
                            const ::google::protobuf::MessageLite& request,
                            ::google::protobuf::Message* response, std::string_view operation,
                            Work&& work) const {
    internal::MessageWire wire(request, response);
    return Serve(std::forward<Runner>(runner), *context, wire, operation, work);
  }

  // The part that all flavours share, and its own runner. For those who write one.
  template <class Runner, class Work>
  ::grpc::Status Serve(Runner&& runner, ::grpc::ServerContextBase& context, internal::Wire& wire,
                       std::string_view operation, Work& work) const {
    constexpr bool kOwnRunner = !std::is_same_v<std::decay_t<Runner>, internal::StoreRunner>;
    internal::Admission admission(*options_, context, operation, kOwnRunner);
    if (!admission.admitted()) return admission.refusal();
    ServerCall& call = admission.call();
    const ScopedContext attached(call.context());
    if constexpr (!kOwnRunner) {
      if (!admission.keyed()) return admission.Settle(internal::Invoke(work, call));
    }
    std::optional<::grpc::Status> own;
    RunOnceReport report;
    const std::string request_bytes = wire.RequestBytes();
    const absl::StatusOr<RunOnceResult> result =
        runner(admission.key(), admission.RunOptions(request_bytes, &report),
               [&](Ticket& ticket, auto&&... more) {
                 call.Attach(&ticket);
                 own = internal::Invoke(work, call, std::forward<decltype(more)>(more)...);
                 call.Attach(nullptr);
                 return internal::AnswerOf(*own, call.effect(), wire);
               });
    return admission.Conclude(own, result, report, wire);
  }

  internal::StoreRunner runner() const { return {options_->store}; }

 private:
  explicit Guard(std::shared_ptr<const Options> options) : options_(std::move(options)) {}

  std::shared_ptr<const Options> options_;
};

}  // namespace holdfast::inline v0_2::grpc

#endif  // HOLDFAST_GRPC_SERVER_H_
