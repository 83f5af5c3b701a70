// SPDX-License-Identifier: Apache-2.0
// The Asio drivers play the generated scripts: the coroutine and the callback, each with attempts that are
// awaitables and with those that are deferred operations.
#include <absl/status/status.h>
#include <gtest/gtest.h>
#include <holdfast/asio/call.h>
#include <holdfast/asio/sleep.h>
#include <holdfast/testing/virtual_timers.h>

#include <boost/asio.hpp>
#include <exception>
#include <memory>
#include <optional>
#include <stop_token>
#include <type_traits>
#include <utility>

#include "driver/player.h"

namespace holdfast::driver_test {
namespace {

using boost::asio::awaitable;
using boost::asio::bind_cancellation_slot;
using boost::asio::bind_executor;
using boost::asio::cancellation_signal;
using boost::asio::cancellation_type;
using boost::asio::deferred;
using boost::asio::use_awaitable;

// An io_context in virtual time, with one call in it.
class AsioCall {
 public:
  explicit AsioCall(Recording& recording) : recording_(recording), timers_(clock()) {}

  // `start` begins the call with the options and a handler, which it calls once.
  template <class Start>
  void Run(const Start& start) {
    cancellation_signal cancel;
    start(io_, Options(),
          bind_cancellation_slot(cancel.slot(), [this](std::exception_ptr thrown,
                                                       absl::Status status) {
            EXPECT_FALSE(thrown);
            EXPECT_FALSE(done_) << "completed twice";
            done_ = true;
            recording_.returned = RejectionOf(status).value_or(Rejection{.code = status.code()});
          }));
    const std::stop_callback on_stop(recording_.stop.get_token(),
                                     [&] { cancel.emit(cancellation_type::terminal); });
    while (Poll(), !done_ && clock().RunNext()) {
    }
    EXPECT_TRUE(done_) << "it waits for ever";
    EXPECT_EQ(timers_.size(), 0u) << "an alarm is left behind";
  }

  // An attempt, as a composed operation; its slot is how the driver cancels it.
  template <class CompletionToken>
  auto Play(Attempt& attempt, CompletionToken&& token) {
    return boost::asio::async_initiate<CompletionToken, void(absl::Status)>(
        [this, &attempt](auto&& handler) {
          this->Begin(attempt, std::make_shared<Playing<std::decay_t<decltype(handler)>>>(
                                   std::move(handler)));
        },
        token);
  }

 private:
  template <class Handler>
  struct Playing {
    explicit Playing(Handler&& its) : handler(std::move(its)) {}
    Handler handler;
    cancellation_signal stop;
  };

  testing::VirtualClock& clock() { return recording_.stage.clock; }

  void Poll() {
    io_.restart();
    io_.poll();
  }

  asio::CallOptions Options() {
    const CallOptions asked = recording_.Options();
    return {.timeout = asked.timeout,
            .deadline = asked.deadline,
            .idempotent = asked.idempotent,
            .context = asked.context,
            .facts = asked.facts,
            .request = asked.request,
            .cost = asked.cost,
            .report = asked.report,
            .observer = asked.observer,
            .clock = asked.clock,
            .timers = &timers_,
            .seed = asked.seed};
  }

  template <class Handler>
  void Begin(Attempt& attempt, const std::shared_ptr<Playing<Handler>>& playing) {
    const Recording::Told told = Recording::Told::Of(attempt);
    const hf_time end = recording_.Begin(told);
    auto slot = boost::asio::get_associated_cancellation_slot(playing->handler);
    if (slot.is_connected()) {
      slot.assign([this, told, stop = &playing->stop](cancellation_type) {
        const bool time_is_up = clock().Now() >= told.until;
        if (time_is_up ? recording_.minds_time() : recording_.heeds_cancel())
          stop->emit(cancellation_type::terminal);
      });
    }
    const auto executor =
        boost::asio::get_associated_executor(playing->handler, io_.get_executor());
    asio::SleepUntil(
        end, &timers_,
        bind_executor(executor, bind_cancellation_slot(
                                    playing->stop.slot(),
                                    [this, told, &attempt, playing](boost::system::error_code cut) {
                                      auto slot = boost::asio::get_associated_cancellation_slot(
                                          playing->handler);
                                      if (slot.is_connected()) slot.clear();
                                      std::move(playing->handler)(End(told, attempt, cut));
                                    })));
  }

  absl::Status End(const Recording::Told& told, Attempt& attempt, boost::system::error_code cut) {
    if (cut) {
      // Only the driver knows who it was that cancelled it.
      recording_.End(clock().Now() >= told.until ? Recording::By::kItsTime
                                                 : Recording::By::kCancellation);
      return absl::CancelledError("cut off");
    }
    const hf_outcome outcome = recording_.End(Recording::By::kItself);
    attempt.set_outcome(outcome);
    return MakeStatus(outcome.code, HF_R_NONE, "scripted");
  }

  Recording& recording_;
  testing::VirtualTimers timers_;
  boost::asio::io_context io_;
  bool done_ = false;
};

// What attempts are.
struct AsAwaitable {
  AsioCall& call;
  awaitable<absl::Status> operator()(Attempt& attempt) const {
    co_return co_await call.Play(attempt, use_awaitable);
  }
};
struct AsDeferred {
  AsioCall& call;
  auto operator()(Attempt& attempt) const { return call.Play(attempt, deferred); }
};

// An operation cannot be cancelled before it begins, and its first attempt may be part of that.
bool IsNotCancelledBeforeItsFirstAttempt(const Script& script) {
  if (script.cancelled_after != Duration{0}) return true;
  Recording recording(script);
  Reference reference(recording);
  reference.Play();
  return reference.actions().front().kind != HF_DO_ATTEMPT;
}

class AsioPlayer : public Player {
 public:
  bool ResultsCarryReasons() const final { return true; }
};

// A coroutine can: this one may be cancelled before it gets to its call.
class CoroutineOfAwaitables final : public AsioPlayer {
 public:
  void Play(Recording& recording) override {
    AsioCall call(recording);
    call.Run([&](auto& io, const asio::CallOptions& options, auto handler) {
      boost::asio::co_spawn(io, Make(recording.stage.pipeline, options, AsAwaitable{call}),
                            std::move(handler));
    });
  }

 private:
  static awaitable<absl::Status> Make(const Pipeline& pipeline, asio::CallOptions options,
                                      AsAwaitable attempts) {
    co_await boost::asio::this_coro::throw_if_cancelled(false);
    co_await boost::asio::post(use_awaitable);
    co_return co_await asio::Call(pipeline, options, attempts);
  }
};

class CoroutineOfOperations final : public AsioPlayer {
 public:
  void Play(Recording& recording) override {
    AsioCall call(recording);
    call.Run([&](auto& io, const asio::CallOptions& options, auto handler) {
      boost::asio::co_spawn(io, asio::Call(recording.stage.pipeline, options, AsDeferred{call}),
                            std::move(handler));
    });
  }
};

template <class Attempts>
class CallbackOf final : public AsioPlayer {
 public:
  void Play(Recording& recording) override {
    AsioCall call(recording);
    call.Run([&](auto& io, const asio::CallOptions& options, auto handler) {
      asio::Call(io.get_executor(), recording.stage.pipeline, options, Attempts{call},
                 std::move(handler));
    });
  }
};

using CallbackOfAwaitables = CallbackOf<AsAwaitable>;
using CallbackOfOperations = CallbackOf<AsDeferred>;

INSTANTIATE_TEST_SUITE_P(AsioCoroutine, GeneratedScript, EachWith<CoroutineOfAwaitables>(),
                         NumberOf);
INSTANTIATE_TEST_SUITE_P(AsioCoroutineOfOperations, GeneratedScript,
                         EachWith<CoroutineOfOperations>(IsNotCancelledBeforeItsFirstAttempt),
                         NumberOf);
INSTANTIATE_TEST_SUITE_P(AsioCallback, GeneratedScript,
                         EachWith<CallbackOfAwaitables>(IsNotCancelledBeforeItsFirstAttempt),
                         NumberOf);
INSTANTIATE_TEST_SUITE_P(AsioCallbackOfOperations, GeneratedScript,
                         EachWith<CallbackOfOperations>(IsNotCancelledBeforeItsFirstAttempt),
                         NumberOf);

}  // namespace
}  // namespace holdfast::driver_test
