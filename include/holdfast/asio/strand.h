// SPDX-License-Identifier: Apache-2.0
// A strand around an executor that carries contexts: it moves inside.
//
// Asio's strand runs its queue under the executor of whoever woke it, so that with a carrying executor inside
// a handler would find the context of the one before it. This specialisation for our own executor keeps
// the strand and the context apart: the queue holds functions that bring their contexts along. A strand around
// a type-erased executor is Asio's own, since nobody can see what is inside (docs/primitives/asio.md).
#ifndef HOLDFAST_ASIO_STRAND_H_
#define HOLDFAST_ASIO_STRAND_H_

#include <holdfast/asio/context.h>

#include <boost/asio/strand.hpp>

namespace boost::asio {

// Made by make_strand, as any strand. Thread-safe.
template <class Inner>
class strand<holdfast::asio::ContextExecutor<Inner>>
    : public holdfast::asio::ContextExecutor<strand<Inner>> {
  using Base = holdfast::asio::ContextExecutor<strand<Inner>>;

 public:
  using inner_executor_type = holdfast::asio::ContextExecutor<Inner>;

  explicit strand(const inner_executor_type& executor)
      : Base(executor.Around(strand<Inner>(executor.get_inner_executor()))),
        executor_(executor),
        impl_(Base::get_inner_executor().impl_) {}

  inner_executor_type get_inner_executor() const noexcept { return executor_; }

  bool running_in_this_thread() const noexcept {
    return Base::get_inner_executor().running_in_this_thread();
  }

  // Named as Asio's own and public as there: what a strand of another executor type is converted from.
  inner_executor_type executor_;
  decltype(strand<Inner>::impl_) impl_;
};

}  // namespace boost::asio

#endif  // HOLDFAST_ASIO_STRAND_H_
