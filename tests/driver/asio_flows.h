// SPDX-License-Identifier: Apache-2.0
// What the tests of carried contexts share: contexts by name, and whether anybody still holds one.
#ifndef HOLDFAST_TESTS_DRIVER_ASIO_FLOWS_H_
#define HOLDFAST_TESTS_DRIVER_ASIO_FLOWS_H_

#include <holdfast/asio/context.h>

#include <boost/asio/io_context.hpp>
#include <string>
#include <string_view>
#include <thread>
#include <vector>

#include "abi/context.h"

namespace holdfast {

namespace net = ::boost::asio;

inline Context Named(std::string_view name) {
  return Context::Create({.correlation_id = name}).value();
}

// The name of the thread's current context; empty if there is none.
inline std::string Here() { return std::string(Context::Current().correlation_id()); }

// Whether the caller's is the only reference.
inline bool OnlyMine(const Context& context) {
  const bool last = context.raw()->DropRef();
  context.raw()->AddRef();
  return last;
}

#if defined(__has_feature)
#if __has_feature(thread_sanitizer)
#define HOLDFAST_TSAN_CALL_STACK 1
extern "C" void __tsan_func_entry(void* caller);
#endif
#endif

// ThreadSanitizer keeps a call stack of its own per thread. A stackful coroutine that begins on one thread and ends on
// another takes its frames off the wrong one, and below that one's first frame is memory of somebody else: so a
// thread that may get one begins with frames to spare.
inline void SpareFrames() {
#ifdef HOLDFAST_TSAN_CALL_STACK
  for (int i = 0; i < 1024; ++i) __tsan_func_entry(__builtin_return_address(0));
#endif
}

// Runs until there is nothing left to do, on several threads, each of which must be left without a context.
inline int RunOn(net::io_context& io, int threads) {
  std::vector<int> left(static_cast<std::size_t>(threads), 0);
  std::vector<std::thread> running;
  for (int& mine : left) {
    running.emplace_back([&io, &mine] {
      SpareFrames();
      io.run();
      mine = Context::Current() || hf_context_flow() != 0 ? 1 : 0;
    });
  }
  int sum = 0;
  for (std::thread& thread : running) thread.join();
  for (const int mine : left) sum += mine;
  return sum;
}

}  // namespace holdfast

#endif  // HOLDFAST_TESTS_DRIVER_ASIO_FLOWS_H_
