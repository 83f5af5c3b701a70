// SPDX-License-Identifier: Apache-2.0
// See stream.h.
#include "adapters/redis/stream.h"

#include <boost/asio/connect.hpp>
#include <boost/asio/ssl.hpp>
#include <boost/asio/write.hpp>
#include <string_view>
#include <utility>

namespace holdfast::inline v0_5::redis {
namespace {

namespace net = boost::asio;
namespace ssl = boost::asio::ssl;
using boost::system::error_code;
using net::ip::tcp;

absl::Status BadTls(std::string_view option, const error_code& error) {
  return MakeStatus(HF_INVALID_ARGUMENT, HF_R_BAD_OPTIONS,
                    "tls." + std::string(option) + ": " + error.message());
}

// Looking up and connecting, the same for both.
class SocketStream : public Stream, public std::enable_shared_from_this<SocketStream> {
 public:
  SocketStream(net::io_context& io, const Server& server)
      : resolver_(io), host_(server.host), port_(server.port) {}

  void Connect(StreamDone done) override {
    resolver_.async_resolve(
        host_, std::to_string(port_),
        [self = shared_from_this(), done = std::move(done)](
            const error_code& error, const tcp::resolver::results_type& found) mutable {
          if (error) return done("looking up " + self->host_ + ": " + error.message());
          self->ConnectTo(found, std::move(done));
        });
  }

  void Close() override {
    resolver_.cancel();
    error_code ignored;
    socket().close(ignored);
  }

 protected:
  virtual tcp::socket& socket() = 0;
  virtual void OnConnected(StreamDone done) { done(""); }
  const std::string& host() const { return host_; }

 private:
  void ConnectTo(const tcp::resolver::results_type& found, StreamDone done) {
    net::async_connect(socket(), found,
                       [self = shared_from_this(), done = std::move(done)](
                           const error_code& error, const tcp::endpoint&) mutable {
                         if (error) {
                           return done("connecting to " + self->host_ + ":" +
                                       std::to_string(self->port_) + ": " + error.message());
                         }
                         error_code ignored;
                         self->socket().set_option(tcp::no_delay(true), ignored);
                         self->socket().set_option(net::socket_base::keep_alive(true), ignored);
                         self->OnConnected(std::move(done));
                       });
  }

  tcp::resolver resolver_;
  const std::string host_;
  const uint16_t port_;
};

class PlainStream final : public SocketStream {
 public:
  PlainStream(net::io_context& io, const Server& server) : SocketStream(io, server), socket_(io) {}

  void ReadSome(net::mutable_buffer into, Transferred done) override {
    socket_.async_read_some(into, std::move(done));
  }
  void WriteAll(net::const_buffer from, Transferred done) override {
    net::async_write(socket_, from, std::move(done));
  }

 private:
  tcp::socket& socket() override { return socket_; }

  tcp::socket socket_;
};

class TlsStream final : public SocketStream {
 public:
  TlsStream(net::io_context& io, const Server& server, TlsContext context)
      : SocketStream(io, server),
        context_(std::move(context)),
        stream_(io, *context_),
        name_(server.tls.server_name.empty() ? server.host : server.tls.server_name),
        verify_(!server.tls.allow_any_certificate) {}

  void ReadSome(net::mutable_buffer into, Transferred done) override {
    stream_.async_read_some(into, std::move(done));
  }
  void WriteAll(net::const_buffer from, Transferred done) override {
    net::async_write(stream_, from, std::move(done));
  }

 private:
  tcp::socket& socket() override { return stream_.next_layer(); }

  void OnConnected(StreamDone done) override {
    error_code error;
    stream_.set_verify_mode(verify_ ? ssl::verify_peer : ssl::verify_none, error);
    if (!error && verify_) stream_.set_verify_callback(ssl::host_name_verification(name_), error);
    if (error) return done("TLS: " + error.message());
    net::ip::make_address(name_, error);
    if (error)
      SSL_set_tlsext_host_name(stream_.native_handle(), name_.c_str());  // a name: ask for it
    stream_.async_handshake(
        ssl::stream_base::client,
        [self = shared_from_this(), this, done = std::move(done)](const error_code& failed) {
          if (failed) return done("TLS with " + name_ + ": " + failed.message());
          done("");
        });
  }

  const TlsContext context_;
  ssl::stream<tcp::socket> stream_;
  const std::string name_;
  const bool verify_;
};

}  // namespace

absl::StatusOr<TlsContext> MakeTlsContext(const Tls& tls) {
  if (!tls.enabled) {
    const bool meant = !tls.ca_file.empty() || !tls.cert_file.empty() || !tls.key_file.empty() ||
                       !tls.server_name.empty() || tls.allow_any_certificate;
    if (!meant) return TlsContext();
    return MakeStatus(HF_INVALID_ARGUMENT, HF_R_BAD_OPTIONS,
                      "tls: its other options without tls.enabled (rediss:// in a URL)");
  }
  if (tls.cert_file.empty() != tls.key_file.empty()) {
    return MakeStatus(HF_INVALID_ARGUMENT, HF_R_BAD_OPTIONS,
                      "tls.cert_file and tls.key_file: one without the other");
  }
  auto context = std::make_shared<ssl::context>(ssl::context::tls_client);
  error_code error;
  context->set_options(ssl::context::default_workarounds | ssl::context::no_sslv2 |
                           ssl::context::no_sslv3 | ssl::context::no_tlsv1 |
                           ssl::context::no_tlsv1_1,
                       error);
  if (!error && tls.ca_file.empty()) context->set_default_verify_paths(error);
  if (error) return BadTls("ca_file", error);
  if (!tls.ca_file.empty()) context->load_verify_file(tls.ca_file, error);
  if (error) return BadTls("ca_file", error);
  if (!tls.cert_file.empty()) context->use_certificate_chain_file(tls.cert_file, error);
  if (error) return BadTls("cert_file", error);
  if (!tls.key_file.empty()) context->use_private_key_file(tls.key_file, ssl::context::pem, error);
  if (error) return BadTls("key_file", error);
  return context;
}

std::shared_ptr<Stream> Stream::Make(net::io_context& io, const Server& server,
                                     const TlsContext& tls) {
  if (tls == nullptr) return std::make_shared<PlainStream>(io, server);
  return std::make_shared<TlsStream>(io, server, tls);
}

}  // namespace holdfast::inline v0_5::redis
