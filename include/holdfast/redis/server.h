// SPDX-License-Identifier: Apache-2.0
// Server: which Redis to talk to, as whom, and how patiently.
#ifndef HOLDFAST_REDIS_SERVER_H_
#define HOLDFAST_REDIS_SERVER_H_

#include <holdfast/status.h>

#include <cstddef>
#include <cstdint>
#include <string>

namespace holdfast::inline v0_5::redis {

// Who we are. Never shown in an error or in guarantee().
struct Credentials {
  std::string username = {};  // empty: Redis' "default" user
  std::string password = {};
  // Read anew before each connection, so that a rotated password needs no restart; one trailing line break is
  // not part of it. At most one of password and password_file.
  std::string password_file = {};
};

// TLS 1.2 or newer. The server's certificate and name are verified unless that is switched off by name.
struct Tls {
  bool enabled = false;
  std::string ca_file = {};    // PEM; empty: the system's authorities
  std::string cert_file = {};  // PEM, ours; with key_file, or neither
  std::string key_file = {};
  std::string server_name = {};  // to verify, and to ask for; empty: the host
  bool allow_any_certificate = false;
};

// Zero means the default, everywhere.
struct Server {
  std::string host = {};  // a name or an address without brackets; default 127.0.0.1
  uint16_t port = 0;      // default 6379
  uint32_t database = 0;
  Credentials credentials = {};
  Tls tls = {};
  std::string client_name =
      {};  // for CLIENT LIST; printable ASCII without spaces; default "holdfast"

  Duration connect_timeout{0};  // name look-up to the last reply of the greeting; default 2 s
  // The longest that a server may leave a request unanswered; then the connection is given up, and all that is
  // under way on it is INDETERMINATE. Default 5 s.
  Duration round_trip_timeout{0};
  // Between attempts to connect: full jitter below this, doubling up to reconnect_cap. Defaults 50 ms, 2 s.
  Duration reconnect_base{0};
  Duration reconnect_cap{0};

  uint32_t max_queue =
      0;  // requests of one connection on their way, then OVERLOADED; default 16384
  size_t max_queue_bytes = 0;  // and their bytes; default 64 MiB
  size_t max_reply_bytes = 0;  // of one reply, then the connection is given up; default 16 MiB
};

}  // namespace holdfast::inline v0_5::redis

#endif  // HOLDFAST_REDIS_SERVER_H_
