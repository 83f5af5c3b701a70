// SPDX-License-Identifier: Apache-2.0
// ScopedContext: a context as the current one of this thread, until the end of the scope.
//
//   the scope ends                                             the slot
//   where it began, or where its flow goes on (see below)      gets back what it held before
//   anywhere else                                              is left alone: it is somebody else's
//
// Scopes nest and end in reverse order, on the thread that opened them. In a coroutine that runs on an
// executor which carries contexts (asio/context.h) a scope may span a co_await: the operation that was
// started in it brings its context along to wherever the coroutine goes on. A coroutine frame that is
// destroyed instead, with its io_context say, ends its scopes "anywhere else".
//
// Invariant: this scope owns one reference of what the slot held before, the slot one of what it holds; so
// no context dies while it is the current one of a thread, or will be again.
#ifndef HOLDFAST_SCOPED_CONTEXT_H_
#define HOLDFAST_SCOPED_CONTEXT_H_

#include <holdfast/c/context.h>
#include <holdfast/context.h>

#include <cassert>
#include <cstdint>

namespace holdfast::inline v0_5 {

// Not thread-safe. Costs two moves, and two counts if the context is copied in.
class [[nodiscard]] ScopedContext {
 public:
  // An empty context detaches the thread until the end of the scope.
  explicit ScopedContext(Context context)
      : ours_(context.raw()),
        flow_(hf_context_flow()),
        previous_(hf_context_swap(context.Release())) {}

  ~ScopedContext() {
    const bool here = hf_context_flow() == flow_ && hf_context_current() == ours_;
    assert((here || flow_ != 0) && "scopes must end in reverse order, on their own thread");
    hf_context_unref(here ? hf_context_swap(previous_) : previous_);
  }

  ScopedContext(const ScopedContext&) = delete;
  ScopedContext& operator=(const ScopedContext&) = delete;

 private:
  const hf_context* const ours_;  // to compare only: it is the slot's
  const std::uint64_t flow_;
  hf_context* const previous_;
};

}  // namespace holdfast::inline v0_5

#endif  // HOLDFAST_SCOPED_CONTEXT_H_
