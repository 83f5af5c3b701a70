// SPDX-License-Identifier: Apache-2.0
// Admission: the guard's steps before and after the work, for those who write a driver of it.
//
// One call, whatever its kind and API:
//
//   state      on                    next
//   asking     construction          admitted, or refused (by whom: server.h)
//   admitted   the work's status     concluded: Settle, or Conclude if a record was kept
//   refused    -                     refusal() is the answer; the work must not run
//
// Invariants: a refusal before the work carries the not-started trailer only where its code may be
// retried at all. A stored answer leaves byte for byte as it was stored, or not at all. Everything that is
// held (place, permit) is given back by the destructor, so an exception of the work gives it back too; how
// the call went is told to the bulkhead then.
#ifndef HOLDFAST_GRPC_ADMISSION_H_
#define HOLDFAST_GRPC_ADMISSION_H_

#include <absl/status/statusor.h>
#include <grpcpp/server_context.h>
#include <holdfast/grpc/drain.h>
#include <holdfast/grpc/guard_options.h>
#include <holdfast/grpc/server_call.h>

#include <atomic>
#include <functional>
#include <mutex>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <utility>

namespace holdfast::inline v0_5::grpc::internal {

// What all copies of a guard share.
struct GuardState {
  explicit GuardState(GuardOptions given) : options(std::move(given)) {}

  const GuardOptions options;
  DrainGate gate;
  std::atomic<hf_duration> drain_retry_after{0};
  std::mutex claims_mutex;
  std::set<std::string, std::less<>> claims;  // methods of decorated services
};

// One method of a guard. Borrowed: the name from its owner, the policy from the state.
struct MethodRef {
  std::string_view name;  // the operation
  const MethodPolicy* policy = nullptr;
  KeyRule key = KeyRule::kAsGuard;  // never kAsGuard once found
  bool unfit = false;               // the inner service has no such method of this API
};

// `no_side_effects`: as the .proto says, which settles what kAsGuard means.
MethodRef FindMethod(const GuardState& guard, std::string_view name, bool no_side_effects);

enum class Waiting { kMay, kMustNot };  // in the bulkhead's queue

class Admission {
 public:
  Admission(GuardState& guard, const MethodRef& method, ::grpc::ServerContextBase& context,
            Waiting waiting = Waiting::kMay);
  ~Admission();
  Admission(const Admission&) = delete;
  Admission& operator=(const Admission&) = delete;

  bool admitted() const { return refusal_.ok(); }
  const ::grpc::Status& refusal() const { return refusal_; }
  bool keyed() const { return key_.has_value(); }
  Key key() const {
    return {guard_.options.space, tenant_, method_.name, key_.value_or(std::string_view{})};
  }
  ServerCall& call() { return call_; }
  RunOnceOptions RunOptions(std::string_view request, RunOnceReport* report) const;

  // The answer of work that ran without a record.
  ::grpc::Status Settle(::grpc::Status own);
  // The answer of work that ran, was replayed, or was refused. `own` is what it returned, if it ran here.
  ::grpc::Status Conclude(const std::optional<::grpc::Status>& own,
                          const absl::StatusOr<RunOnceResult>& result, const RunOnceReport& report,
                          Wire& wire);

 private:
  ::grpc::Status Ask(Waiting waiting);
  void Leave();
  ::grpc::Status AskForKey();
  ::grpc::Status AskForPlace(Waiting waiting);
  hf_time ReceivedDeadline() const;
  Criticality CallsCriticality() const;
  Duration OwnRetryAfter() const;
  ::grpc::Status Refuse(const Rejection& rejection, std::string_view text, bool not_started);
  ::grpc::Status RefuseAs(const absl::Status& refusal, std::string_view text);
  ::grpc::Status Replayed(const absl::StatusOr<RunOnceResult>& result, Wire& wire);
  void Advise(Duration retry_after);
  void SayNotStarted(std::string_view reason);
  void SayRetried();

  GuardState& guard_;
  const MethodRef method_;
  ::grpc::ServerContextBase& context_;
  Clock& clock_;
  const hf_time now_;  // when the call came in
  bool entered_ = false;
  hf_verdict verdict_ = HF_VERDICT_IGNORED;
  std::string tenant_;
  std::optional<std::string_view> key_;
  std::optional<BulkheadPermit> permit_;
  ServerCall call_;
  ::grpc::Status refusal_;
};

}  // namespace holdfast::inline v0_5::grpc::internal

#endif  // HOLDFAST_GRPC_ADMISSION_H_
