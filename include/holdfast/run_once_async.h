// SPDX-License-Identifier: Apache-2.0
// RunOnceAsync: run-once with callbacks, for who has neither a thread to block nor Asio.
//
//   auto timers = holdfast::SteadyTimers::Create().value();   // or those of your event loop
//   holdfast::RunOnceAsync(
//       store, *timers, {.operation = "charge", .key = id}, {.request = bytes},
//       [&](holdfast::AsyncTicket& ticket, holdfast::FinishWork finish) {
//         client.Charge(ticket.DownstreamKey("card"), [finish](auto reply) { finish(reply.id); });
//       },
//       [](absl::StatusOr<holdfast::RunOnceResult> result) { ... });
//
// As RunOnce (idempotency.h): keys, results, effects and errors. No thread is blocked: the store is asked with
// Store::Submit, a wait is an alarm. Callbacks come in whatever thread brought the news (the store's, the
// timers', that of another call that freed the key, or inside RunOnceAsync), with the caller's Context, and hold it
// up: they must not block or throw.
#ifndef HOLDFAST_RUN_ONCE_ASYNC_H_
#define HOLDFAST_RUN_ONCE_ASYNC_H_

#include <absl/status/status.h>
#include <absl/status/statusor.h>
#include <holdfast/async_run.h>
#include <holdfast/async_ticket.h>
#include <holdfast/context.h>
#include <holdfast/finding.h>
#include <holdfast/run_once_options.h>
#include <holdfast/run_once_result.h>
#include <holdfast/scoped_context.h>
#include <holdfast/store.h>
#include <holdfast/timers.h>

#include <functional>
#include <memory>
#include <string>
#include <type_traits>
#include <utility>

namespace holdfast::inline v0_5 {

// To be called once with what became of the work, in any thread; later calls are ignored. If all copies go without
// a call, the work ended without a word: UNKNOWN, settled as SetEffect says, ambiguous by default.
class FinishWork {
 public:
  void operator()(absl::StatusOr<std::string> result) const {
    shot_->Fire(internal::AnswerOfWork(std::move(result)));
  }
  void operator()(const absl::Status& status) const { shot_->Fire(internal::AnswerOfWork(status)); }

  // For drivers.
  explicit FinishWork(std::shared_ptr<internal::AsyncShot> shot) : shot_(std::move(shot)) {}

 private:
  std::shared_ptr<internal::AsyncShot> shot_;
};

// Likewise, for work whose result is an Answer; see RunOnceResult::code.
class FinishAnswer {
 public:
  void operator()(Answer answer) const { shot_->Fire(std::move(answer)); }

  explicit FinishAnswer(std::shared_ptr<internal::AsyncShot> shot) : shot_(std::move(shot)) {}

 private:
  std::shared_ptr<internal::AsyncShot> shot_;
};

// Likewise for a reconciler. Without a word the record is left to whoever comes next.
class FinishReconcile {
 public:
  void operator()(Finding finding) const { shot_->Fire(finding.TakeAnswer()); }

  explicit FinishReconcile(std::shared_ptr<internal::AsyncShot> shot) : shot_(std::move(shot)) {}

 private:
  std::shared_ptr<internal::AsyncShot> shot_;
};

// In place of RunOnceOptions::reconcile, which blocks; see there. Must not throw.
using AsyncReconcile = std::function<void(AsyncTicket&, FinishReconcile)>;

// Of a call that may be under way. Copies are of the same call.
class AsyncCall {
 public:
  // Thread-safe. Before the work: the claim is given back, CANCELLED HF_R_ABORTED. In the work: ticket.stop_requested()
  // is true from now on, and what it then says is settled as always. After it: nothing.
  void Cancel() const { run_->Cancel(); }

  explicit AsyncCall(std::shared_ptr<internal::AsyncRun> run) : run_(std::move(run)) {}

 private:
  std::shared_ptr<internal::AsyncRun> run_;
};

namespace internal {

template <class Work, class Done>
class AsyncRunOf final : public AsyncRun {
 public:
  AsyncRunOf(Store& store, Timers& timers, const Key& key, const RunOnceOptions& options,
             AsyncReconcile reconcile, Work work, Done done)
      : AsyncRun(store, timers, key, options,
                 {.reconciles = reconcile != nullptr, .answers = kAnswers}),
        reconcile_(std::move(reconcile)),
        work_(std::move(work)),
        done_(std::move(done)) {}

 private:
  static constexpr bool kAnswers = !std::is_invocable_v<Work&, AsyncTicket&, FinishWork>;
  using Finish = std::conditional_t<kAnswers, FinishAnswer, FinishWork>;

  void StartWork(AsyncTicket& ticket, std::shared_ptr<AsyncShot> shot) override {
    const ScopedContext attached(context_);
    work_(ticket, Finish(std::move(shot)));
  }
  void StartReconcile(AsyncTicket& ticket, std::shared_ptr<AsyncShot> shot) override {
    const ScopedContext attached(context_);
    reconcile_(ticket, FinishReconcile(std::move(shot)));
  }
  void Deliver(absl::StatusOr<RunOnceResult> result) override {
    const ScopedContext attached(context_);
    done_(std::move(result));
  }

  const Context context_ = Context::Current();
  AsyncReconcile reconcile_;
  Work work_;
  Done done_;
};

}  // namespace internal

// Key and options are read before this returns; store, timers, and what the options point to must outlive the call.
// work(AsyncTicket&, FinishWork or FinishAnswer) is called at most once, done(absl::StatusOr<RunOnceResult>) exactly once, but not at
// all if the timers end while it waits: what the store is still owed is then asked in the thread that ends them.
// Errors besides those of RunOnce: INVALID_ARGUMENT HF_R_BAD_OPTIONS for a store that blocks and has no Submit, and for
// options.reconcile and options.spill, which block. An exception of `work` is as if it ended without a word.
template <class Work, class Done>
AsyncCall RunOnceAsync(Store& store, Timers& timers, const Key& key, const RunOnceOptions& options,
                       Work work, Done done, AsyncReconcile reconcile = nullptr) {
  auto run = std::make_shared<internal::AsyncRunOf<Work, Done>>(
      store, timers, key, options, std::move(reconcile), std::move(work), std::move(done));
  run->Start(run);
  return AsyncCall(std::move(run));
}

}  // namespace holdfast::inline v0_5

#endif  // HOLDFAST_RUN_ONCE_ASYNC_H_
