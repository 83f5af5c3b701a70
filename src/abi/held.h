// SPDX-License-Identifier: Apache-2.0
// One reference on a handle, or on none, for as long as its holder lives.
#ifndef HOLDFAST_ABI_HELD_H_
#define HOLDFAST_ABI_HELD_H_

#include "abi/guard.h"

namespace holdfast::abi {

// Where it is destroyed, Handle is complete.
template <typename Handle>
class Held {
 public:
  explicit Held(Handle* handle) : handle_(handle) { Ref(handle_); }
  ~Held() { Unref(handle_); }
  Held(const Held&) = delete;
  Held& operator=(const Held&) = delete;

  Handle* get() const { return handle_; }
  Handle* operator->() const { return handle_; }
  operator Handle*() const { return handle_; }

 private:
  Handle* const handle_;
};

}  // namespace holdfast::abi

#endif  // HOLDFAST_ABI_HELD_H_
