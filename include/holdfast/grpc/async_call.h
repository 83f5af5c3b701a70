// SPDX-License-Identifier: Apache-2.0
// AsyncCall: a guarded call that no thread waits for; what the callback API and completion queues share.
// For drivers only.
//
//   state    what is awaited                                   ends by
//   attempt  the holders of the attempt: whoever starts it,    the last of them to let go: it settles the
//            its end, and each Cancel that is under way        attempt and goes on
//   pause    one ring: of time, or of a hurry                  the ring: it goes on
//   over     -                                                 Deliver, once; never within Begin
//
// Invariants: one thread at a time goes on; it is the one that ended the state, and nothing touches the call
// afterwards on behalf of that state. A pause rings exactly once: a wake-up or Cancel moves the ring to now,
// and what comes before the pause leaves a mark that the pause looks at. No lock is held while code of a user,
// gRPC or the session runs. An attempt that ends before it is quite started does not recurse.
// The object lives while it runs, and while handles to it do.
#ifndef HOLDFAST_GRPC_ASYNC_CALL_H_
#define HOLDFAST_GRPC_ASYNC_CALL_H_

#include <grpcpp/client_context.h>
#include <grpcpp/support/status.h>
#include <holdfast/attempt.h>
#include <holdfast/call_session.h>
#include <holdfast/grpc/client_options.h>
#include <holdfast/grpc/context_factory.h>
#include <holdfast/pipeline.h>
#include <holdfast/timers.h>

#include <atomic>
#include <cstdint>
#include <mutex>
#include <optional>
#include <stop_token>
#include <string>
#include <utility>
#include <vector>

namespace holdfast::inline v0_5::grpc {

namespace internal {

// Options whose text is the call's own: the caller's may be gone before the call is over.
class KeptOptions {
 public:
  explicit KeptOptions(const ClientOptions& options);
  KeptOptions(const KeptOptions&) = delete;
  KeptOptions& operator=(const KeptOptions&) = delete;

  const ClientOptions& get() const { return options_; }

 private:
  ClientOptions options_;
  std::string key_;
  std::vector<std::pair<std::string, std::string>> texts_;
  std::vector<MetadataEntry> metadata_;
};

// What a CallHandle holds. Begins with one reference, which is the call's own.
class Cancellable {
 public:
  Cancellable(const Cancellable&) = delete;
  Cancellable& operator=(const Cancellable&) = delete;

  // Ends pauses, cancels what is under way and begins nothing more. Any thread, any time.
  virtual void Cancel() = 0;

  void Ref() { references_.fetch_add(1, std::memory_order_relaxed); }
  void Unref() {
    if (references_.fetch_sub(1, std::memory_order_acq_rel) == 1) delete this;
  }

 protected:
  Cancellable() = default;
  virtual ~Cancellable() = default;

 private:
  std::atomic<uint32_t> references_{1};
};

class AsyncCall : public Cancellable, private Alarm {
 public:
  void Cancel() final;

 protected:
  // Its own reference goes after Deliver.
  AsyncCall(const Pipeline& pipeline, const ClientOptions& options);

  // Once. Deliver comes later, from another stack, and from another thread if need be.
  void Begin();
  // The attempt is over. Once for each StartAttempt, from any thread, also before that has returned.
  void End(::grpc::Status status);

  const ClientOptions& options() const { return options_.get(); }
  Clock& clock() const { return session_.clock(); }
  // What code of the user is to run under.
  const Context& story() const { return factory_.context(); }
  // Of the attempt under way.
  ::grpc::ClientContext& context() { return *context_; }
  Attempt& attempt() { return *attempt_; }
  // What one thread has done for the call is seen by the next: gRPC's own order, in our words.
  void Publish() { steps_.fetch_add(1, std::memory_order_acq_rel); }
  // The pause is over. Once for each ArmPause.
  void Ring();

  // Rings at `until`, HF_INFINITE: only if hurried. Not within.
  virtual void ArmPause(hf_time until);
  // Rings now, unless it rings already. Not within.
  virtual void HurryPause();

 private:
  struct Canceller {
    AsyncCall* call;
    void operator()() const { call->Cancel(); }
  };

  virtual void StartAttempt(::grpc::ClientContext& context, Attempt& attempt) = 0;
  virtual void Deliver(::grpc::Status status) = 0;
  // The attempt is over, as `outcome` says; the last word on it.
  virtual hf_outcome Judge(const hf_outcome& outcome) { return outcome; }
  // Whether StartAttempt looks at Attempt::fault().
  virtual bool GivesCannedResults() const { return false; }
  void OnTime() final { Ring(); }
  void OnEnd() final;
  static void OnWake(void* data);

  // True: go on in this thread. False: somebody else does, or did already.
  bool RunAttempt();
  bool Pass();
  bool LetGo() { return holders_.fetch_sub(1, std::memory_order_acq_rel) == 1; }
  bool Hold();

  void Advance();
  void SettleAttempt();
  void Later();
  void Hurry();
  void Finish();

  std::atomic<uint32_t> holders_{0};  // of the attempt under way
  std::atomic<uint32_t> steps_{0};
  std::atomic<bool> cancelled_{false};

  std::mutex mutex_;  // guards the next three, and is held over ArmPause and HurryPause
  bool paused_ = false;
  bool hurried_ = false;
  bool woken_ = false;

  // The rest belongs to the thread that goes on.
  bool beginning_ = true;  // it is the one that called Begin, and within
  const Pipeline pipeline_;
  const KeptOptions options_;
  const ContextFactory factory_;
  holdfast::internal::CallSession<CallOptions> session_;
  std::optional<::grpc::ClientContext> context_;
  std::optional<Attempt> attempt_;
  std::optional<::grpc::Status> last_;
  std::optional<std::stop_callback<Canceller>> on_stop_;
};

}  // namespace internal

// To cancel an asynchronous call by; empty, or of one call. Cheap to copy, thread-safe. Dropping it does not
// cancel the call; the call's memory stays until the last one is gone.
class CallHandle {
 public:
  CallHandle() = default;
  explicit CallHandle(internal::Cancellable* call) : call_(call) { call_->Ref(); }
  CallHandle(const CallHandle& other) : call_(other.call_) {
    if (call_ != nullptr) call_->Ref();
  }
  CallHandle(CallHandle&& other) noexcept : call_(std::exchange(other.call_, nullptr)) {}
  CallHandle& operator=(CallHandle other) noexcept {
    std::swap(call_, other.call_);
    return *this;
  }
  ~CallHandle() {
    if (call_ != nullptr) call_->Unref();
  }

  // The attempt under way is cancelled, a pause ends, no attempt follows. The call still tells its user how
  // it ended, later: CANCELLED, or what came before. Too late, it does nothing.
  void Cancel() const {
    if (call_ != nullptr) call_->Cancel();
  }

 private:
  internal::Cancellable* call_ = nullptr;
};

}  // namespace holdfast::inline v0_5::grpc

#endif  // HOLDFAST_GRPC_ASYNC_CALL_H_
