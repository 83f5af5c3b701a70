// SPDX-License-Identifier: Apache-2.0
// Context over Boost.Asio: an executor that carries the current context to wherever the work goes on.
//
//   co_spawn(holdfast::asio::WithContext(io.get_executor(), story), Handle(...), ...);
//
// All that is started on such an executor is one flow. What is current when an operation is started is
// current when its handler runs: after posts, timers, composed operations and co_await, on any thread of the
// inner executor, also under a ScopedContext that is open meanwhile. Branches of a flow (operator||, spawned
// children) start with the context they were started under and do not see each other's scopes.
//
// How: Asio asks the executor of a handler for outstanding_work.tracked when it starts an operation, in the
// code that starts it, and calls execute() on that executor once the operation is done.
//
//   an executor  made by               if this thread runs its flow        else
//   bound        WithContext           execute: what is current now        execute: its own context
//   pinned       preferring tracked    execute: its own context            execute: its own context
//   either       when tracked is       pinned to what is current now       pinned to its own context
//                asked of it
//
// Invariants: a handler finds the context in the slot that its operation was started under, and the thread
// gets back what it had, whatever the handler left there and however it ended. An executor never changes:
// there is no cell that two branches could write. A context lives as long as an operation that carries it.
//
// Cost: one atomic increment and decrement per hop, no allocation, no lock. Strands: strand.h.
#ifndef HOLDFAST_ASIO_CONTEXT_H_
#define HOLDFAST_ASIO_CONTEXT_H_

#include <holdfast/c/context.h>
#include <holdfast/context.h>

#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/execution.hpp>
#include <boost/asio/execution_context.hpp>
#include <boost/asio/prefer.hpp>
#include <boost/asio/query.hpp>
#include <boost/asio/require.hpp>
#include <concepts>
#include <cstdint>
#include <type_traits>
#include <utility>

namespace holdfast::inline v0_5::asio {

template <class Inner>
class ContextExecutor;

namespace internal {

// A thread runs a part of a flow, under a context.
class FlowRun {
 public:
  FlowRun(Context&& context, std::uint64_t flow)
      : previous_flow_(hf_context_flow_swap(flow)), previous_(hf_context_swap(context.Release())) {}
  ~FlowRun() {
    hf_context_unref(hf_context_swap(previous_));
    hf_context_flow_swap(previous_flow_);
  }
  FlowRun(const FlowRun&) = delete;
  FlowRun& operator=(const FlowRun&) = delete;

 private:
  const std::uint64_t previous_flow_;
  hf_context* const previous_;
};

// A function on its way, with its context.
template <class Function>
class Carried {
 public:
  template <class F>
  Carried(F&& function, Context&& context, std::uint64_t flow)
      : function_(std::forward<F>(function)), context_(std::move(context)), flow_(flow) {}

  void operator()() {
    const FlowRun run(std::move(context_), flow_);
    function_();
  }

 private:
  Function function_;
  Context context_;
  std::uint64_t flow_;
};

template <class Executor>
struct IsContextExecutor : std::false_type {};
template <class Inner>
struct IsContextExecutor<ContextExecutor<Inner>> : std::true_type {};

// Asking for Property pins the executor.
template <class Property>
inline constexpr bool kPins =
    std::is_convertible_v<Property, ::boost::asio::execution::outstanding_work_t::tracked_t>;
template <class Property>  // the form in which any_io_executor asks
inline constexpr bool kPins<::boost::asio::execution::prefer_only<Property>> = kPins<Property>;

}  // namespace internal

// A regular executor around another: converts to any_io_executor and any_completion_executor, goes into
// strands, work guards, sockets and timers, and has all properties of the inner one. Cheap to copy.
// Thread-safe, as the inner one is.
template <class Inner>
class ContextExecutor {
 public:
  using inner_executor_type = Inner;

  // A new flow, under a context; an empty one is a context too: nothing is current.
  ContextExecutor(Inner inner, Context context)
      : inner_(std::move(inner)), context_(std::move(context)), flow_(hf_context_flow_new()) {}

  // The same flow on an inner executor of another type.
  template <class Other>
    requires(!std::same_as<Other, Inner> && std::convertible_to<Other, Inner>)
  ContextExecutor(ContextExecutor<Other> other) noexcept  // NOLINT(google-explicit-constructor)
      : inner_(std::move(other.inner_)), context_(std::move(other.context_)), flow_(other.flow_) {}

  Inner get_inner_executor() const noexcept { return inner_; }

  // The context it was made with, or is pinned to.
  const Context& own_context() const noexcept { return context_; }

  // The same flow and context on another inner executor.
  template <class Other>
  ContextExecutor<Other> Around(Other other) const noexcept {
    return {std::move(other), Context(context_), flow_};
  }

  template <class Property>
    requires ::boost::asio::can_query<const Inner&, Property>::value
  typename ::boost::asio::query_result<const Inner&, Property>::type query(const Property& property)
      const noexcept(::boost::asio::is_nothrow_query<const Inner&, Property>::value) {
    return ::boost::asio::query(inner_, property);
  }

  template <class Property>
    requires ::boost::asio::can_require<const Inner&, Property>::value
  auto require(const Property& property) const& -> ContextExecutor<
      std::decay_t<typename ::boost::asio::require_result<const Inner&, Property>::type>> {
    return {::boost::asio::require(inner_, property), ToKeep<Property>(), FlowWith<Property>()};
  }
  template <class Property>
    requires ::boost::asio::can_require<Inner, Property>::value
  auto require(const Property& property) && -> ContextExecutor<
      std::decay_t<typename ::boost::asio::require_result<Inner, Property>::type>> {
    return {::boost::asio::require(std::move(inner_), property),
            std::move(*this).template ToKeep<Property>(), FlowWith<Property>()};
  }

  template <class Property>
    requires ::boost::asio::can_prefer<const Inner&, Property>::value
  auto prefer(const Property& property) const& -> ContextExecutor<
      std::decay_t<typename ::boost::asio::prefer_result<const Inner&, Property>::type>> {
    return {::boost::asio::prefer(inner_, property), ToKeep<Property>(), FlowWith<Property>()};
  }
  template <class Property>
    requires ::boost::asio::can_prefer<Inner, Property>::value
  auto prefer(const Property& property) && -> ContextExecutor<
      std::decay_t<typename ::boost::asio::prefer_result<Inner, Property>::type>> {
    return {::boost::asio::prefer(std::move(inner_), property),
            std::move(*this).template ToKeep<Property>(), FlowWith<Property>()};
  }

  // Runs the function as the inner executor does, under its context.
  template <class Function>
  void execute(Function&& function) const& {
    inner_.execute(internal::Carried<std::decay_t<Function>>(std::forward<Function>(function),
                                                             ToRun(), Flow()));
  }
  template <class Function>
  void execute(Function&& function) && {
    std::move(inner_).execute(internal::Carried<std::decay_t<Function>>(
        std::forward<Function>(function), std::move(*this).ToRun(), Flow()));
  }

  // The same flow and context, on equal inner executors.
  friend bool operator==(const ContextExecutor& a, const ContextExecutor& b) noexcept {
    return a.flow_ == b.flow_ && a.context_ == b.context_ && a.inner_ == b.inner_;
  }
  friend bool operator!=(const ContextExecutor& a, const ContextExecutor& b) noexcept {
    return !(a == b);
  }

 private:
  template <class>
  friend class ContextExecutor;

  static constexpr std::uint64_t kPinned = 1;  // flows are even

  ContextExecutor(Inner inner, Context&& context, std::uint64_t flow)
      : inner_(std::move(inner)), context_(std::move(context)), flow_(flow) {}

  std::uint64_t Flow() const { return flow_ & ~kPinned; }
  // Whether an operation that is started now takes along something else than its own context.
  bool Differs() const {
    return hf_context_flow() == Flow() && hf_context_current() != context_.raw();
  }

  Context ToRun() const& {
    return (flow_ & kPinned) == 0 && Differs() ? Context::Current() : context_;
  }
  Context ToRun() && {
    return (flow_ & kPinned) == 0 && Differs() ? Context::Current() : std::move(context_);
  }

  template <class Property>
  Context ToKeep() const& {
    return internal::kPins<Property> && Differs() ? Context::Current() : context_;
  }
  template <class Property>
  Context ToKeep() && {
    return internal::kPins<Property> && Differs() ? Context::Current() : std::move(context_);
  }
  template <class Property>
  std::uint64_t FlowWith() const {
    return internal::kPins<Property> ? flow_ | kPinned : flow_;
  }

  Inner inner_;
  Context context_;
  std::uint64_t flow_;  // and whether pinned
};

// A new flow on an executor, under a context. On one that carries already, the new context replaces the
// old: the outermost wins. Throws nothing.
template <class Executor>
auto WithContext(const Executor& executor, Context context) {
  if constexpr (internal::IsContextExecutor<Executor>::value) {
    return WithContext(executor.get_inner_executor(), std::move(context));
  } else {
    return ContextExecutor<Executor>(executor, std::move(context));
  }
}

// The same for an execution context, such as an io_context or a thread_pool.
template <std::derived_from<::boost::asio::execution_context> ExecutionContext>
auto WithContext(ExecutionContext& where, Context context) {
  return WithContext(where.get_executor(), std::move(context));
}

// A new flow under what is current on this thread now.
template <class Where>
auto WithCurrentContext(Where&& where) {
  return WithContext(std::forward<Where>(where), Context::Current());
}

}  // namespace holdfast::inline v0_5::asio

#include <holdfast/asio/strand.h>  // at the end: it needs ContextExecutor

#endif  // HOLDFAST_ASIO_CONTEXT_H_
