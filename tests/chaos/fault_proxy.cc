// SPDX-License-Identifier: Apache-2.0
// See fault_proxy.h. A Link is one accepted connection and the one made for it; it has two Ways, each a loop of
// read, draw a fault, write. All run on one thread; a Link lives as long as something of it is under way.
#include "chaos/fault_proxy.h"

#include <atomic>
#include <boost/asio.hpp>
#include <functional>
#include <random>
#include <set>
#include <thread>
#include <utility>
#include <vector>

namespace holdfast::chaos {
namespace {

namespace net = boost::asio;
using net::ip::tcp;
using Error = boost::system::error_code;

constexpr uint32_t kParts = 10'000;
constexpr std::chrono::milliseconds kPartitionCheck{2};

}  // namespace

std::string_view FaultName(Fault fault) {
  static constexpr std::array<std::string_view, kFaults> kNames = {
      "drop request", "drop reply", "delay", "reset", "half-close", "short write", "partition"};
  return kNames[static_cast<size_t>(fault)];
}

class FaultProxy::Impl {
 public:
  explicit Impl(const Options& options)
      : target_(options.target_port), rates_(options.rates), random_(options.seed) {}
  ~Impl() {
    io_.stop();
    if (thread_.joinable()) thread_.join();
  }

  Error Listen(uint16_t port) {
    Error error;
    acceptor_.open(tcp::v4(), error);
    if (!error) acceptor_.set_option(tcp::acceptor::reuse_address(true), error);
    if (!error) acceptor_.bind({net::ip::address_v4::loopback(), port}, error);
    if (!error) acceptor_.listen(net::socket_base::max_listen_connections, error);
    if (!error) port_ = acceptor_.local_endpoint(error).port();
    return error;
  }
  void Run() {
    Accept();
    thread_ = std::thread([this] { io_.run(); });
  }

  template <class Fn>
  void OnThread(Fn fn) {
    net::post(io_, std::move(fn));
  }

  void SetTarget(uint16_t port) { target_ = port; }
  void SetRates(const FaultRates& rates) {
    OnThread([this, rates] { rates_ = rates; });
  }
  void SetPartition(bool partitioned) {
    if (partitioned && !partitioned_.exchange(true)) Count(Fault::kPartition);
    if (!partitioned) partitioned_ = false;
  }
  void ResetAll();

  uint16_t port() const { return port_; }
  std::array<uint64_t, kFaults> Struck() const {
    std::array<uint64_t, kFaults> struck{};
    for (size_t i = 0; i < kFaults; ++i) struck[i] = struck_[i].load();
    return struck;
  }

 private:
  class Link;
  friend class Link;

  void Accept();
  void Count(Fault fault) { ++struck_[static_cast<size_t>(fault)]; }
  uint64_t Draw(uint64_t sides) { return random_() % std::max<uint64_t>(1, sides); }
  std::chrono::milliseconds Upto(std::chrono::milliseconds limit) {
    return std::chrono::milliseconds(1 + Draw(static_cast<uint64_t>(limit.count())));
  }

  std::set<Link*> links_;  // before io_, whose end destroys the last of them
  net::io_context io_{1};
  tcp::acceptor acceptor_{io_};
  uint16_t port_ = 0;
  std::atomic<uint16_t> target_;
  std::atomic<bool> partitioned_{false};
  FaultRates rates_;
  std::mt19937_64 random_;
  std::array<std::atomic<uint64_t>, kFaults> struck_{};
  std::thread thread_;
};

class FaultProxy::Impl::Link : public std::enable_shared_from_this<Link> {
 public:
  Link(Impl& proxy, tcp::socket client)
      : proxy_(proxy), client_(std::move(client)), server_(proxy.io_), timer_(proxy.io_) {
    proxy_.links_.insert(this);
  }
  ~Link() { proxy_.links_.erase(this); }

  void Connect() {
    if (proxy_.partitioned_) {
      return After(timer_, kPartitionCheck, [self = shared_from_this()] { self->Connect(); });
    }
    server_.async_connect({net::ip::address_v4::loopback(), proxy_.target_},
                          [self = shared_from_this()](Error error) {
                            if (error) return self->Reset();
                            Error ignored;
                            self->client_.set_option(tcp::no_delay(true), ignored);
                            self->server_.set_option(tcp::no_delay(true), ignored);
                            self->Read(self->up_);
                            self->Read(self->down_);
                          });
  }

  void Reset() {
    Error ignored;
    for (tcp::socket* socket : {&client_, &server_}) {
      socket->set_option(net::socket_base::linger(true, 0), ignored);
      socket->close(ignored);
    }
    for (net::steady_timer* timer : {&timer_, &up_.timer, &down_.timer}) timer->cancel();
  }

 private:
  struct Way {
    Way(tcp::socket& from_socket, tcp::socket& to_socket, bool is_up, net::io_context& io)
        : from(from_socket), to(to_socket), up(is_up), timer(io), bytes(64 * 1024) {}
    tcp::socket& from;
    tcp::socket& to;
    const bool up;
    net::steady_timer timer;
    std::vector<char> bytes;
    size_t size = 0;
    size_t sent = 0;
  };

  void After(net::steady_timer& timer, std::chrono::milliseconds delay,
             std::function<void()> then) {
    timer.expires_after(delay);
    timer.async_wait([then = std::move(then), self = shared_from_this()](Error error) {
      if (!error) then();
    });
  }

  void Read(Way& way) {
    way.from.async_read_some(net::buffer(way.bytes),
                             [this, &way, self = shared_from_this()](Error error, size_t size) {
                               if (error == net::error::eof) return Finish(way);
                               if (error) return Reset();
                               way.size = size;
                               way.sent = 0;
                               Strike(way);
                             });
  }

  void Strike(Way& way) {
    if (proxy_.partitioned_) {
      return After(way.timer, kPartitionCheck, [this, &way] { Strike(way); });
    }
    const FaultRates& rates = proxy_.rates_;
    uint64_t dice = proxy_.Draw(kParts);
    const auto falls = [&](uint32_t rate) {
      if (dice < rate) return true;
      dice -= rate;
      return false;
    };
    if (falls(way.up ? rates.drop_request : rates.drop_reply)) {
      proxy_.Count(way.up ? Fault::kDropRequest : Fault::kDropReply);
      return After(way.timer, proxy_.Upto(rates.silence), [this] { Reset(); });
    }
    if (falls(rates.reset)) {
      proxy_.Count(Fault::kReset);
      return Reset();
    }
    if (falls(rates.half_close)) {
      proxy_.Count(Fault::kHalfClose);
      return Finish(way);
    }
    if (falls(rates.short_write)) {
      proxy_.Count(Fault::kShortWrite);
      return Write(way, 1 + proxy_.Draw(7));
    }
    if (falls(rates.delay)) {
      proxy_.Count(Fault::kDelay);
      return After(way.timer, proxy_.Upto(rates.longest_delay),
                   [this, &way] { Write(way, way.size); });
    }
    Write(way, way.size);
  }

  void Write(Way& way, size_t piece) {
    const size_t size = std::min(piece, way.size - way.sent);
    net::async_write(way.to, net::buffer(way.bytes.data() + way.sent, size),
                     [this, &way, piece, self = shared_from_this()](Error error, size_t size) {
                       if (error) return Reset();
                       way.sent += size;
                       if (way.sent < way.size) return Write(way, piece);
                       Read(way);
                     });
  }

  // Nothing more that way. The other may go on, for a while.
  void Finish(Way& way) {
    Error ignored;
    way.to.shutdown(tcp::socket::shutdown_send, ignored);
    After(way.timer, proxy_.rates_.silence, [this] { Reset(); });
  }

  Impl& proxy_;
  tcp::socket client_;
  tcp::socket server_;
  net::steady_timer timer_;
  Way up_{client_, server_, true, proxy_.io_};
  Way down_{server_, client_, false, proxy_.io_};
};

void FaultProxy::Impl::Accept() {
  acceptor_.async_accept([this](Error error, tcp::socket socket) {
    if (error == net::error::operation_aborted) return;
    if (!error) std::make_shared<Link>(*this, std::move(socket))->Connect();
    Accept();
  });
}

void FaultProxy::Impl::ResetAll() {
  OnThread([this] {
    for (Link* link : links_) {
      Count(Fault::kReset);
      link->Reset();
    }
  });
}

absl::StatusOr<std::unique_ptr<FaultProxy>> FaultProxy::Start(const Options& options) {
  auto impl = std::make_unique<Impl>(options);
  if (const Error error = impl->Listen(options.listen_port); error) {
    return absl::UnavailableError("fault proxy: " + error.message());
  }
  impl->Run();
  return std::unique_ptr<FaultProxy>(new FaultProxy(std::move(impl)));
}

FaultProxy::FaultProxy(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}
FaultProxy::~FaultProxy() = default;

uint16_t FaultProxy::port() const { return impl_->port(); }
void FaultProxy::SetRates(const FaultRates& rates) { impl_->SetRates(rates); }
void FaultProxy::SetTarget(uint16_t port) { impl_->SetTarget(port); }
void FaultProxy::Partition() { impl_->SetPartition(true); }
void FaultProxy::Heal() { impl_->SetPartition(false); }
void FaultProxy::ResetAll() { impl_->ResetAll(); }
std::array<uint64_t, kFaults> FaultProxy::Struck() const { return impl_->Struck(); }

}  // namespace holdfast::chaos
