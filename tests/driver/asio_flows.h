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

// Runs until there is nothing left to do, on several threads, each of which must be left without a context.
inline int RunOn(net::io_context& io, int threads) {
  std::vector<int> left(static_cast<std::size_t>(threads), 0);
  std::vector<std::thread> running;
  for (int& mine : left) {
    running.emplace_back([&io, &mine] {
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
