// SPDX-License-Identifier: Apache-2.0
// The driver of hf_hedge_call_*: does what the machine says, with several attempts in flight. Included by hedge.h.
//
//   state        means                                             left by
//   driving_     Drive is on the stack                             what comes meanwhile is noted for it
//   paused_      waiting for the machine's next time               the alarm (OnResume), or Drive
//   in_flight_   attempts that have been started and not ended     OnAttempt; at 0, and FINISH: the end
//
// Everything happens on one strand. Attempts, pause, start and notices of cancellation each hold a reference; with
// the last one the operation goes, and if it is finished calls its handler. A context that goes drops
// them in any order.
#ifndef HOLDFAST_ASIO_HEDGE_OPERATION_H_
#define HOLDFAST_ASIO_HEDGE_OPERATION_H_

#include <absl/status/status.h>
#include <holdfast/asio/attempt_result.h>
#include <holdfast/asio/attempt_start.h>
#include <holdfast/asio/completion.h>
#include <holdfast/asio/hedge_lane.h>
#include <holdfast/asio/hedge_options.h>
#include <holdfast/asio/operation_memory.h>
#include <holdfast/asio/pause.h>
#include <holdfast/asio/timers.h>
#include <holdfast/attempt.h>
#include <holdfast/hedge.h>
#include <holdfast/pipeline.h>

#include <algorithm>
#include <array>
#include <atomic>
#include <boost/asio/cancellation_type.hpp>
#include <boost/asio/dispatch.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/strand.hpp>
#include <cstdint>
#include <exception>
#include <optional>
#include <utility>

namespace holdfast::inline v0_5::asio::internal {

template <class Handler, class IoExecutor, class Fn>
class HedgeOperation final : public Continuation {
 public:
  using Inner = TrackedExecutor<Handler, IoExecutor>;
  using Executor = boost::asio::strand<Inner>;
  using Kind = AttemptKind<AttemptResult<Fn>>;
  using Result = typename Kind::Result;

  HedgeOperation(Handler&& handler, const IoExecutor& executor, const HedgePolicy& policy,
                 const Pipeline& pipeline, const HedgeCallOptions& options, Fn&& fn)
      : handler_(std::move(handler)),
        executor_(TrackedExecutorOf(handler_, executor)),
        strand_(executor_),
        options_(options),
        clock_(options.clock != nullptr ? *options.clock : Clock::Steady()),
        timers_(options.timers != nullptr ? *options.timers : TimersOf(executor_)),
        fn_(std::move(fn)),
        call_(policy, pipeline,
              {.deadline = Deadline(), .idempotent = options.idempotent, .facts = options.facts},
              clock_.Now()) {}

  void Start() {
    AssignSlot(handler_, [this](boost::asio::cancellation_type) {
      ++references_;
      boost::asio::dispatch(strand_, [self = Owner<HedgeOperation>(*this)] { self->OnCancel(); });
    });
    GoOn();
  }

  auto get_allocator() const { return AllocatorOf(handler_); }
  void GoOn() override { boost::asio::post(strand_, Resume<HedgeOperation>(*this)); }
  void Drop() override { Abandon(); }

  // A reference is gone.
  void Abandon() {
    if (--references_ > 0) return;
    if (!finished_.has_value()) return DeleteOperation(this, get_allocator());
    const Inner executor = std::move(executor_);
    Handler handler = std::move(handler_);
    Result result = *std::move(finished_);
    std::exception_ptr thrown = std::move(thrown_);
    DeleteOperation(this, AllocatorOf(handler));
    CallHandler(executor, /*post=*/false, std::move(handler), std::move(thrown), std::move(result));
  }

  void OnResume() {
    const Owner<HedgeOperation> self(*this);
    // The first time it is the start, and the machine waits for nothing yet.
    if (std::exchange(paused_, false)) call_.OnTime(clock_.Now()).IgnoreError();
    Drive();
  }

 private:
  using Lane = HedgeLane<Result>;
  friend class HedgeAttemptHandler<HedgeOperation>;
  using AttemptHandler = HedgeAttemptHandler<HedgeOperation>;
  friend class AttemptHandlerOf<HedgeOperation>;
  Executor get_executor() const { return strand_; }

  hf_time Deadline() const {
    if (options_.timeout.count() == 0) return options_.deadline;
    const hf_time end = std::max<hf_time>(1, AddTime(clock_.Now(), options_.timeout));
    return options_.deadline == 0 ? end : std::min(end, options_.deadline);
  }

  // On with it as far as it goes.
  void Drive() {
    if (driving_ || finished_.has_value()) return;
    if (paused_) {
      if (!pause_.Withdraw()) return;  // it comes back here by itself
      paused_ = false;
      Abandon();  // not the last reference: the caller has one
    }
    driving_ = true;
    while (Step()) {
    }
    driving_ = false;
    if (call_.IsOver()) {
      if (in_flight_ == 0) Finish();
      return;
    }
    paused_ = true;
    ++references_;
    const hf_time until = call_.next().until;
    pause_.Begin(timers_, until == 0 ? HF_INFINITE : until, *this);
  }

  // True if there may be more to do at once.
  bool Step() {
    if ((cancelled_ || thrown_) && !call_.IsOver()) call_.Abort(clock_.Now());
    if (cancelled_ || thrown_) Tell(~uint32_t{0});
    Tell(call_.next().cancel);
    if (call_.next().kind == HF_DO_ATTEMPT) {
      Launch(call_.next());
      // An attempt that could not be started has ended the call in the next step.
      if (!thrown_) call_.OnTime(clock_.Now()).IgnoreError();
      return true;
    }
    const auto news = std::find_if(lanes_.begin(), lanes_.end(), [](auto& l) { return l.news; });
    if (news == lanes_.end()) return false;
    news->news = false;
    const Cut cut{.caller = news->stop.told};
    call_
        .OnOutcome(static_cast<uint32_t>(news - lanes_.begin()) + 1,
                   news->ended.Judge(news->attempt->outcome(), cut), clock_.Now())
        .IgnoreError();  // what comes after the end changes nothing
    return true;
  }

  void Tell(uint32_t who) {
    for (size_t i = 0; i < lanes_.size(); ++i) {
      Lane& lane = lanes_[i];
      if ((who >> i & 1) == 0 || !lane.in_flight || lane.stop.told) continue;
      lane.stop.Tell(boost::asio::cancellation_type::all);
    }
  }

  void Launch(const hf_hedge_action& next) {
    Lane& lane = lanes_[next.attempt - 1];
    hf_action action{};
    action.kind = HF_DO_ATTEMPT;
    action.attempt = next.attempt;
    action.until = next.until;
    lane.attempt.emplace(action, clock_, kNoStopToken);
    lane.in_flight = true;
    ++in_flight_;
    ++references_;
    AttemptHandler handler(*this, lane);
    try {
      Kind::Start(RunAttempt(fn_, *lane.attempt), std::move(handler));
    } catch (...) {
      thrown_ = std::current_exception();
      lane.in_flight = false;
      --in_flight_;
    }
  }

  template <class... Args>
  void OnAttempt(Lane& lane, Args&&... args) {
    const Cut cut{.caller = lane.stop.told};
    try {
      lane.ended.Set(Kind::Of(lane.attempt->outcome(), std::forward<Args>(args)...));
      lane.news = true;
    } catch (...) {
      lane.news = lane.ended.Catch(std::current_exception(), cut);
      if (!lane.news && !lane.stop.told && !thrown_) thrown_ = std::current_exception();
    }
    lane.in_flight = false;
    --in_flight_;
    lane.stop.signal.slot().clear();
    Drive();
  }

  void OnCancel() {
    cancelled_ = true;
    Drive();
  }

  // All have ended. The handler is called with the last reference.
  void Finish() {
    const hf_hedge_action& end = call_.next();
    const Rejection why{.code = static_cast<absl::StatusCode>(end.code),
                        .reason = end.reason,
                        .retry_after = Duration{end.retry_after}};
    if (thrown_) {
      finished_.emplace(OutcomeTraits<Result>::FromRejection(why));
      return;
    }
    const uint32_t decisive = end.attempt;
    Ended<Result> nobodys;
    if (decisive == 0 && end.attempts > 0) nobodys.CutOff(end.code);
    Ended<Result>& ended = decisive != 0 ? lanes_[decisive - 1].ended : nobodys;
    finished_.emplace(ended.Finish(why));
    if (options_.report != nullptr) {
      *options_.report = CallReport{.code = why.code,
                                    .reason = why.reason,
                                    .retry_after = why.retry_after,
                                    .attempts = end.attempts,
                                    .events = end.events};
    }
  }

  Handler handler_;
  Inner executor_;
  const Executor strand_;
  const HedgeCallOptions options_;
  Clock& clock_;
  Timers& timers_;
  Fn fn_;
  std::atomic<uint32_t> references_{1};
  Pause pause_;
  std::array<Lane, 8> lanes_;
  uint32_t in_flight_ = 0;
  bool driving_ = false;
  bool paused_ = false;
  bool cancelled_ = false;
  std::exception_ptr thrown_;
  std::optional<Result> finished_;
  HedgeCall call_;
};

}  // namespace holdfast::inline v0_5::asio::internal

#endif  // HOLDFAST_ASIO_HEDGE_OPERATION_H_
