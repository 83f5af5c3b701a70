// SPDX-License-Identifier: Apache-2.0
// Each fault does to a connection what its name says, and is counted; without faults bytes pass as they are.
#include <gtest/gtest.h>

#include <boost/asio.hpp>
#include <string>
#include <thread>

#include "chaos/fault_proxy.h"

namespace holdfast::chaos {
namespace {

namespace net = boost::asio;
using net::ip::tcp;
using Error = boost::system::error_code;
using std::chrono::milliseconds;

// Answers each byte with itself, and remembers all it got.
class Echo {
 public:
  Echo() : thread_([this] { Serve(); }) {}
  ~Echo() {
    Error ignored;
    acceptor_.cancel(ignored);
    io_.stop();
    thread_.join();
  }
  uint16_t port() { return acceptor_.local_endpoint().port(); }
  size_t received() const { return received_.load(); }

 private:
  struct Guest : std::enable_shared_from_this<Guest> {
    Guest(Echo& echo, tcp::socket accepted) : owner(echo), socket(std::move(accepted)) {}
    void Read() {
      socket.async_read_some(net::buffer(bytes),
                             [self = shared_from_this()](Error error, size_t size) {
                               if (error) return;
                               self->owner.received_ += size;
                               net::async_write(self->socket, net::buffer(self->bytes, size),
                                                [self](Error failed, size_t) {
                                                  if (!failed) self->Read();
                                                });
                             });
    }
    Echo& owner;
    tcp::socket socket;
    std::array<char, 4096> bytes{};
  };

  void Serve() {
    Accept();
    io_.run();
  }
  void Accept() {
    acceptor_.async_accept([this](Error error, tcp::socket socket) {
      if (error) return;
      std::make_shared<Guest>(*this, std::move(socket))->Read();
      Accept();
    });
  }

  net::io_context io_;
  tcp::acceptor acceptor_{io_, {net::ip::address_v4::loopback(), 0}};
  std::atomic<size_t> received_{0};
  std::thread thread_;
};

class FaultProxyTest : public ::testing::Test {
 protected:
  void Begin(const FaultRates& rates) {
    proxy_ = FaultProxy::Start({.target_port = echo_.port(), .seed = 1, .rates = rates}).value();
    Connect();
  }
  void Connect() {
    socket_ = tcp::socket(io_);
    socket_.connect({net::ip::address_v4::loopback(), proxy_->port()});
  }
  void Send(const std::string& bytes) { net::write(socket_, net::buffer(bytes)); }
  // What comes back until there are `size` bytes or the connection ends.
  std::string Receive(size_t size, Error* end = nullptr) {
    std::string bytes(size, '\0');
    Error error;
    bytes.resize(net::read(socket_, net::buffer(bytes), error));
    if (end != nullptr) *end = error;
    return bytes;
  }
  uint64_t Struck(Fault fault) { return proxy_->Struck()[static_cast<size_t>(fault)]; }

  static constexpr uint32_t kAlways = 10'000;
  Echo echo_;
  std::unique_ptr<FaultProxy> proxy_;
  net::io_context io_;
  tcp::socket socket_{io_};
};

TEST_F(FaultProxyTest, WithoutFaultsEveryByteComesThrough) {
  Begin({});
  std::string large(1 << 20, 'x');
  for (size_t i = 0; i < large.size(); ++i) large[i] = static_cast<char>(i * 31);
  std::thread sender([&] { Send(large); });
  EXPECT_TRUE(Receive(large.size()) == large);
  sender.join();
}

TEST_F(FaultProxyTest, ADroppedRequestNeverReachesTheServer) {
  Begin({.drop_request = kAlways});
  Send("hello");
  EXPECT_EQ(Receive(5), "");
  EXPECT_EQ(echo_.received(), 0u);
  EXPECT_EQ(Struck(Fault::kDropRequest), 1u);
}

TEST_F(FaultProxyTest, ADroppedReplyWasAppliedAndNobodyHears) {
  Begin({.drop_reply = kAlways});
  Send("hello");
  EXPECT_EQ(Receive(5), "");
  EXPECT_EQ(echo_.received(), 5u);
  EXPECT_EQ(Struck(Fault::kDropReply), 1u);
}

TEST_F(FaultProxyTest, AResetIsAReset) {
  Begin({.reset = kAlways});
  Send("hello");
  Error end;
  Receive(5, &end);
  EXPECT_EQ(end, net::error::connection_reset);
}

TEST_F(FaultProxyTest, AHalfClosedWayEndsInAnOrderlyFashion) {
  Begin({.half_close = kAlways});
  Send("hello");
  Error end;
  EXPECT_EQ(Receive(5, &end), "");
  EXPECT_TRUE(end);
  EXPECT_EQ(echo_.received(), 0u);
  EXPECT_EQ(Struck(Fault::kHalfClose), 1u);
}

TEST_F(FaultProxyTest, ShortWritesAndDelaysChangeNoByte) {
  for (const FaultRates& rates :
       {FaultRates{.short_write = kAlways}, FaultRates{.delay = kAlways}}) {
    Begin(rates);
    const std::string text = "the quick brown fox jumps over the lazy dog";
    Send(text);
    EXPECT_EQ(Receive(text.size()), text);
    EXPECT_GT(Struck(Fault::kShortWrite) + Struck(Fault::kDelay), 0u);
  }
}

TEST_F(FaultProxyTest, APartitionHoldsBytesUntilItHeals) {
  Begin({});
  Send("a");
  EXPECT_EQ(Receive(1), "a");
  proxy_->Partition();
  Send("b");
  std::thread healer([&] {
    while (Struck(Fault::kPartition) == 0) std::this_thread::yield();
    EXPECT_EQ(echo_.received(), 1u);
    proxy_->Heal();
  });
  EXPECT_EQ(Receive(1), "b");
  healer.join();
}

TEST_F(FaultProxyTest, ResetAllEndsWhatIsOpenAndNothingElse) {
  Begin({});
  Send("a");
  EXPECT_EQ(Receive(1), "a");
  proxy_->ResetAll();
  Error end;
  Receive(1, &end);
  EXPECT_EQ(end, net::error::connection_reset);
  Connect();
  Send("b");
  EXPECT_EQ(Receive(1), "b");
}

TEST_F(FaultProxyTest, RatesStrikeAboutAsOftenAsTheySay) {
  Begin({.delay = 1'000, .longest_delay = milliseconds(1)});
  for (int i = 0; i < 500; ++i) {
    Send("x");
    ASSERT_EQ(Receive(1), "x");
  }
  EXPECT_GT(Struck(Fault::kDelay), 50u);  // of 1,000 messages, both ways
  EXPECT_LT(Struck(Fault::kDelay), 200u);
}

}  // namespace
}  // namespace holdfast::chaos
