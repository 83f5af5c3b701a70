// SPDX-License-Identifier: Apache-2.0
// Which callables may be written in place inside a co_await expression. For drivers only.
//
// GCC 12 destroys twice what a lambda (or a braced struct) written there holds, if that has a destructor,
// and says nothing. So such a callable is refused as an rvalue, wherever the result is something to await: its type
// cannot tell a temporary from std::move of a named one.
#ifndef HOLDFAST_ASIO_SAFE_CALLABLE_H_
#define HOLDFAST_ASIO_SAFE_CALLABLE_H_

#include <holdfast/asio/attempt_result.h>

#include <boost/asio/async_result.hpp>
#include <type_traits>
#include <utility>

#define HOLDFAST_UNSAFE_CALLABLE                                                              \
  "GCC before 13 would destroy the captures of this function twice: give it a name and pass " \
  "that (auto fn = [x] {...}; co_await Call(pipeline, options, fn)), or std::ref of it, or "  \
  "capture by reference"

namespace holdfast::inline v0_2::asio::internal {

#if defined(__GNUC__) && !defined(__clang__) && __GNUC__ < 13
inline constexpr bool kDestroysTwice = true;
#else
inline constexpr bool kDestroysTwice = false;
#endif

template <class Fn>
inline constexpr bool kSafeCallable = !kDestroysTwice || std::is_lvalue_reference_v<Fn> ||
                                      std::is_trivially_destructible_v<std::decay_t<Fn>>;

// Refuses it if the token makes something to await.
template <class Fn, class CompletionToken, class Signature>
constexpr void CheckCallable() {
  using Token = std::decay_t<CompletionToken>;
  using Returned = typename boost::asio::async_result<Token, Signature>::return_type;
  static_assert(kSafeCallable<Fn> || !kIsAwaitable<Returned>, HOLDFAST_UNSAFE_CALLABLE);
}

}  // namespace holdfast::inline v0_2::asio::internal

#endif  // HOLDFAST_ASIO_SAFE_CALLABLE_H_
