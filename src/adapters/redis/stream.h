// SPDX-License-Identifier: Apache-2.0
// Stream: one socket, plain or TLS, behind the same few functions. On one thread.
#ifndef HOLDFAST_ADAPTERS_REDIS_STREAM_H_
#define HOLDFAST_ADAPTERS_REDIS_STREAM_H_

#include <absl/status/statusor.h>
#include <holdfast/redis/server.h>

#include <boost/asio/buffer.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <cstddef>
#include <functional>
#include <memory>
#include <string>

namespace boost::asio::ssl {
class context;
}

namespace holdfast::inline v0_5::redis {

using TlsContext = std::shared_ptr<boost::asio::ssl::context>;

// Reads the files. Errors: INVALID_ARGUMENT HF_R_BAD_OPTIONS naming the option. Null if TLS is off.
absl::StatusOr<TlsContext> MakeTlsContext(const Tls& tls);

// What went wrong, "" for nothing. Never holds a secret.
using StreamDone = std::function<void(const std::string& error)>;

class Stream {
 public:
  using Transferred = std::function<void(const boost::system::error_code&, size_t)>;

  static std::shared_ptr<Stream> Make(boost::asio::io_context& io, const Server& server,
                                      const TlsContext& tls);
  virtual ~Stream() = default;

  // Looks up the name, connects to the first address that answers, shakes hands. Close ends it early.
  virtual void Connect(StreamDone done) = 0;
  virtual void ReadSome(boost::asio::mutable_buffer into, Transferred done) = 0;
  virtual void WriteAll(boost::asio::const_buffer from, Transferred done) = 0;
  // What is under way fails.
  virtual void Close() = 0;
};

}  // namespace holdfast::inline v0_5::redis

#endif  // HOLDFAST_ADAPTERS_REDIS_STREAM_H_
