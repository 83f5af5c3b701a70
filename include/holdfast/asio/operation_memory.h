// SPDX-License-Identifier: Apache-2.0
// Memory of an operation in flight: from its handler's associated allocator, or Asio's own recycled blocks.
// For drivers only.
#ifndef HOLDFAST_ASIO_OPERATION_MEMORY_H_
#define HOLDFAST_ASIO_OPERATION_MEMORY_H_

#include <boost/asio/associated_allocator.hpp>
#include <boost/asio/recycling_allocator.hpp>
#include <memory>
#include <utility>

namespace holdfast::inline v0_5::asio::internal {

template <class Handler>
auto AllocatorOf(const Handler& handler) {
  return boost::asio::get_associated_allocator(handler, boost::asio::recycling_allocator<void>());
}
template <class Handler>
using AllocatorFor = decltype(AllocatorOf(std::declval<const Handler&>()));

// An operation that holds the handler.
template <class Operation, class Handler, class... Args>
Operation* NewOperation(Handler&& handler, Args&&... args) {
  using Allocator = typename std::allocator_traits<
      AllocatorFor<std::decay_t<Handler>>>::template rebind_alloc<Operation>;
  Allocator allocator(AllocatorOf(handler));
  Operation* const memory = std::allocator_traits<Allocator>::allocate(allocator, 1);
  try {
    return ::new (static_cast<void*>(memory))
        Operation(std::forward<Handler>(handler), std::forward<Args>(args)...);
  } catch (...) {
    std::allocator_traits<Allocator>::deallocate(allocator, memory, 1);
    throw;
  }
}

// `allocator` is a copy: the operation's own goes with it.
template <class Operation, class Allocator>
void DeleteOperation(Operation* operation, const Allocator& allocator) {
  using Rebound = typename std::allocator_traits<Allocator>::template rebind_alloc<Operation>;
  Rebound rebound(allocator);
  operation->~Operation();
  std::allocator_traits<Rebound>::deallocate(rebound, operation, 1);
}

// An object in one of Asio's recycled blocks, which are for up to 1020 bytes. Move-only.
template <class T>
class Recycled {
 public:
  template <class... Args>
  explicit Recycled(std::in_place_t, Args&&... args) : object_(Memory().allocate(1)) {
    try {
      ::new (static_cast<void*>(object_)) T(std::forward<Args>(args)...);
    } catch (...) {
      Memory().deallocate(object_, 1);
      throw;
    }
  }
  Recycled(Recycled&& other) noexcept : object_(std::exchange(other.object_, nullptr)) {}
  Recycled& operator=(Recycled&&) = delete;
  ~Recycled() {
    if (object_ == nullptr) return;
    object_->~T();
    Memory().deallocate(object_, 1);
  }

  T* operator->() const { return object_; }

 private:
  using Memory = boost::asio::recycling_allocator<T>;

  T* object_;
};

// The one owner of an operation in flight, inside whatever will call it. One that goes away without having
// called abandons the operation.
template <class Operation>
class Owner {
 public:
  explicit Owner(Operation& operation) : operation_(&operation) {}
  Owner(Owner&& other) noexcept : operation_(std::exchange(other.operation_, nullptr)) {}
  Owner& operator=(Owner&&) = delete;
  ~Owner() {
    if (operation_ != nullptr) operation_->Abandon();
  }

  Operation& operator*() const { return *operation_; }
  Operation* operator->() const { return operation_; }
  // From here on the operation owns itself.
  Operation& Release() { return *std::exchange(operation_, nullptr); }

 private:
  Operation* operation_;
};

}  // namespace holdfast::inline v0_5::asio::internal

#endif  // HOLDFAST_ASIO_OPERATION_MEMORY_H_
