// SPDX-License-Identifier: Apache-2.0
// AttemptScope: gives the attempt that a coroutine awaits a cancellation of its own, without a coroutine of
// its own. For the coroutine driver only.
//
//   outside      the caller's cancellation reaches what the coroutine awaits, as ever
//   inside       it reaches `signal`, and `signal` reaches what the coroutine awaits
//
// Asio offers this only by co_spawn, at 0.4 us and an allocation a time. So Enter and Leave swap the slot and
// the state of the coroutine's thread, which Asio keeps in its detail namespace: this is the one place
// that reaches there, through a specialisation of a class that is a friend. Tried with Boost 1.81.
#ifndef HOLDFAST_ASIO_ATTEMPT_SCOPE_H_
#define HOLDFAST_ASIO_ATTEMPT_SCOPE_H_

#include <boost/asio/awaitable.hpp>
#include <boost/asio/cancellation_signal.hpp>
#include <boost/asio/cancellation_state.hpp>
#include <boost/asio/this_coro.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <utility>

namespace holdfast::inline v0_5::asio::internal {
struct ThreadAccess;
}

namespace boost::asio::detail {

template <typename Executor>
class awaitable_handler_base<Executor, holdfast::asio::internal::ThreadAccess> {
 public:
  static void Swap(awaitable_frame_base<Executor>* frame, bool switched, cancellation_slot& parent,
                   cancellation_state& state) {
    awaitable_thread<Executor>* const thread = frame->detach_thread();
    auto* const entry = thread->entry_point();
    entry->has_context_switched_ = switched;  // detaching says that it has, and it has not
    std::swap(entry->parent_cancellation_slot_, parent);
    std::swap(entry->cancellation_state_, state);
    frame->attach_thread(thread);
  }
};

}  // namespace boost::asio::detail

namespace holdfast::inline v0_5::asio::internal {

// co_await ContextSwitched: a reference to whether the coroutine has left the thread that started it.
inline constexpr boost::asio::detail::awaitable_thread_has_context_switched kContextSwitched{};

// In the coroutine's frame, for as long as the attempt runs. Pinned.
template <class Executor>
class AttemptScope {
 public:
  using Frame = boost::asio::detail::awaitable_frame_base<Executor>;

  explicit AttemptScope(boost::asio::cancellation_signal& signal)
      : signal_(signal), slot_(signal.slot()) {}
  AttemptScope(const AttemptScope&) = delete;
  AttemptScope& operator=(const AttemptScope&) = delete;

  // co_await scope.Enter(co_await kContextSwitched);  Never suspends for long.
  auto Enter(bool switched) {
    return [this, switched](Frame* frame) {
      // Whatever the caller's own filter has let through, and the timeout, goes through here too.
      state_ = boost::asio::cancellation_state(slot_, boost::asio::enable_total_cancellation());
      Swap(frame, switched);
      // What was the coroutine's state is held here now, and passes on what comes from the caller.
      boost::asio::cancellation_slot outer = state_.slot();
      if (outer.is_connected()) {
        outer.assign(
            [&signal = signal_](boost::asio::cancellation_type type) { signal.emit(type); });
      }
      return static_cast<boost::asio::detail::awaitable_thread<Executor>*>(nullptr);
    };
  }

  // co_await scope.Leave(co_await kContextSwitched);
  auto Leave(bool switched) {
    return [this, switched](Frame* frame) {
      boost::asio::cancellation_slot outer = state_.slot();
      if (outer.is_connected()) outer.clear();
      Swap(frame, switched);
      slot_.clear();
      return static_cast<boost::asio::detail::awaitable_thread<Executor>*>(nullptr);
    };
  }

 private:
  void Swap(Frame* frame, bool switched) {
    using Access = boost::asio::detail::awaitable_handler_base<Executor, ThreadAccess>;
    Access::Swap(frame, switched, slot_, state_);
  }

  boost::asio::cancellation_signal& signal_;
  boost::asio::cancellation_slot slot_;
  boost::asio::cancellation_state state_;
};

}  // namespace holdfast::inline v0_5::asio::internal

#endif  // HOLDFAST_ASIO_ATTEMPT_SCOPE_H_
