// SPDX-License-Identifier: Apache-2.0
// A partner allows 5 calls a second per account, to all processes of ours together. Run several of these at once,
// with a Redis on 127.0.0.1:6379: together they get 5 a second, whoever asks.
#include <holdfast/call.h>
#include <holdfast/redis/limited.h>
#include <holdfast/redis/limiter.h>

#include <chrono>
#include <iostream>

namespace {

using namespace std::chrono_literals;
namespace redis = holdfast::redis;

absl::Status CallPartner(holdfast::Attempt& attempt) {
  std::cout << "attempt " << attempt.number() << " goes out\n";
  return absl::OkStatus();
}

}  // namespace

int main() {
  const auto limiter = redis::Limiter::Open({.name = "partner-api", .permits = 5, .burst = 2});
  const auto retry = holdfast::RetryPolicy::Create({.max_attempts = 10});
  if (!limiter.ok() || !retry.ok()) return 1;
  const auto pipeline = holdfast::Pipeline::Create({.retry = *retry});
  if (!pipeline.ok()) return 1;

  for (int i = 0; i < 10; ++i) {
    // A refused attempt waits for its tokens, as long as the call has time.
    const absl::Status called = holdfast::Call(
        *pipeline, {.timeout = 3s}, redis::Limited(**limiter, {.key = "account-7"}, CallPartner));
    if (!called.ok()) std::cout << called << "\n";
  }

  const redis::LimiterStats stats = (*limiter)->stats();
  std::cout << stats.admitted << " admitted, " << stats.refused << " refused by the server, "
            << stats.refused_here << " without asking it, " << stats.refused_unasked
            << " while it was not there\n";
}
