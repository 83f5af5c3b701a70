// SPDX-License-Identifier: Apache-2.0
// Handle: a regular value over a reference-counted hf_x*.
//
// Copying adds a reference, destroying drops one, moving leaves the source empty. An empty handle may
// only be assigned, destroyed or tested. As thread-safe as a shared_ptr: the object may be used from any
// thread, one handle from one thread at a time.
#ifndef HOLDFAST_HANDLE_H_
#define HOLDFAST_HANDLE_H_

#include <utility>

namespace holdfast::inline v0_5 {

namespace internal {
// registry.h: what it needs of a kind of handle that it keeps by key.
template <class T>
struct Keyed;
}  // namespace internal

template <class T, void (*Ref)(T*) noexcept, void (*Unref)(T*) noexcept>
class Handle {
 public:
  Handle() = default;

  // Takes over one reference that the caller owns.
  static Handle Adopt(T* owned) {
    Handle handle;
    handle.raw_ = owned;
    return handle;
  }

  // Adds a reference to a borrowed pointer; null gives an empty handle.
  static Handle Share(T* borrowed) {
    if (borrowed != nullptr) Ref(borrowed);
    return Adopt(borrowed);
  }

  Handle(const Handle& other) noexcept : raw_(other.raw_) {
    if (raw_ != nullptr) Ref(raw_);
  }
  Handle(Handle&& other) noexcept : raw_(std::exchange(other.raw_, nullptr)) {}
  Handle& operator=(Handle other) noexcept {
    std::swap(raw_, other.raw_);
    return *this;
  }
  ~Handle() {
    if (raw_ != nullptr) Unref(raw_);
  }

  // The reference goes to the caller; this handle is empty afterwards.
  T* Release() { return std::exchange(raw_, nullptr); }

  // The C object, borrowed.
  T* get() const { return raw_; }
  explicit operator bool() const { return raw_ != nullptr; }
  friend bool operator==(const Handle& a, const Handle& b) { return a.raw_ == b.raw_; }

 private:
  T* raw_ = nullptr;
};

}  // namespace holdfast::inline v0_5

#endif  // HOLDFAST_HANDLE_H_
