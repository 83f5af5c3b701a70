// SPDX-License-Identifier: Apache-2.0
// The Redis store from the installed package, with no server to talk to: it says so, and nothing else happens.
#include <holdfast/redis/store.h>
#include <holdfast/redis/url.h>

#include <cstdio>

int main() {
  auto options = holdfast::redis::ParseUrl("redis://127.0.0.1:1");  // nobody listens there
  if (!options.ok()) return 1;
  const auto store = holdfast::redis::Store::Open(*std::move(options));
  std::printf("%s\n", std::string(store.status().message()).c_str());
  return store.status().code() == absl::StatusCode::kUnavailable ? 0 : 1;
}
