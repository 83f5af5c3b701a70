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

namespace holdfast::inline v0_5::asio::internal {

#if defined(__GNUC__) && !defined(__clang__) && __GNUC__ < 13
inline constexpr bool kDestroysTwice = true;
#else
inline constexpr bool kDestroysTwice = false;
#endif

template <class Fn>
inline constexpr bool kSafeCallable = !kDestroysTwice || std::is_lvalue_reference_v<Fn> ||
                                      std::is_trivially_destructible_v<std::decay_t<Fn>>;

template <class T>
inline constexpr bool kIsAwaited = kIsAwaitable<T> || boost::asio::is_async_operation<T>::value;

// boost::asio::async_initiate for an operation that takes a callable, which is refused if it is not safe
// where the token's result goes.
template <class Fn, class CompletionToken, class Signature, class Initiation, class... Args>
auto Initiate(std::remove_reference_t<CompletionToken>& token, Initiation initiation,
              Args&&... args) {
  using Returned = decltype(boost::asio::async_initiate<CompletionToken, Signature>(
      std::move(initiation), token, std::forward<Args>(args)...));
  static_assert(kSafeCallable<Fn> || !kIsAwaited<Returned>, HOLDFAST_UNSAFE_CALLABLE);
  return boost::asio::async_initiate<CompletionToken, Signature>(std::move(initiation), token,
                                                                 std::forward<Args>(args)...);
}

}  // namespace holdfast::inline v0_5::asio::internal

#endif  // HOLDFAST_ASIO_SAFE_CALLABLE_H_
