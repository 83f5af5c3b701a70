// SPDX-License-Identifier: Apache-2.0
// The service: reads a context from each request, and gives each call it makes a child of it.
//
//   connection   reading a header -> reading a body -> calling -> answering -> reading a header ...
//
// One thread; each connection is a coroutine. What a peer does wrong it is told with a 4xx and a JSON object
// {"error": ...}, then the connection ends. Whoever is slow, or one too many, is told that too.
#ifndef HOLDFAST_EXAMPLES_HTTP_ECHO_SERVER_H_
#define HOLDFAST_EXAMPLES_HTTP_ECHO_SERVER_H_

#include <absl/status/status.h>
#include <holdfast/propagation.h>

#include <cstdint>
#include <functional>
#include <string>

#include "step.h"

namespace http_echo {

struct ServerOptions {
  std::string address = "127.0.0.1";
  uint16_t port = 0;  // 0: any free one
  Additions additions;
  bool log = false;  // one line per request to stderr
};

// Serves until SIGINT or SIGTERM, then lets what is under way end, for a few seconds. `listening` is told the
// port. Errors: what stood in the way of listening, for people.
absl::Status Serve(const holdfast::Propagator& propagator, const ServerOptions& options,
                   const std::function<void(uint16_t)>& listening);

}  // namespace http_echo

#endif  // HOLDFAST_EXAMPLES_HTTP_ECHO_SERVER_H_
