// SPDX-License-Identifier: Apache-2.0
// A relay between a client and a server that can keep the server's replies to itself; or a server of nonsense.
#ifndef HOLDFAST_TESTS_STORE_REDIS_RELAY_H_
#define HOLDFAST_TESTS_STORE_REDIS_RELAY_H_

#include <arpa/inet.h>
#include <netinet/in.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <atomic>
#include <cstdint>
#include <functional>
#include <mutex>
#include <string>
#include <string_view>
#include <thread>
#include <utility>
#include <vector>

namespace holdfast::testing {

class RedisRelay {
 public:
  // What a client sends is answered with what `answer` returns.
  explicit RedisRelay(std::function<std::string(std::string_view)> answer)
      : answer_(std::move(answer)) {
    Listen();
  }
  explicit RedisRelay(uint16_t server) : server_(server) { Listen(); }
  ~RedisRelay() {
    over_ = true;
    thread_.join();
    close(listener_);
  }
  RedisRelay(const RedisRelay&) = delete;
  RedisRelay& operator=(const RedisRelay&) = delete;

  uint16_t port() const { return port_; }
  // Requests still reach the server.
  void DropReplies(bool drop) { drop_ = drop; }
  // Ends the connections there are.
  void Cut() { cut_ = true; }

 private:
  struct Pair {
    int client = -1;
    int server = -1;
  };

  static sockaddr_in Loopback(uint16_t port) {
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    address.sin_port = htons(port);
    return address;
  }

  void Listen() {
    listener_ = socket(AF_INET, SOCK_STREAM, 0);
    sockaddr_in address = Loopback(0);
    socklen_t size = sizeof(address);
    bind(listener_, reinterpret_cast<sockaddr*>(&address), size);
    getsockname(listener_, reinterpret_cast<sockaddr*>(&address), &size);
    port_ = ntohs(address.sin_port);
    listen(listener_, 16);
    thread_ = std::thread([this] { Run(); });
  }

  void Accept() {
    Pair pair;
    pair.client = accept(listener_, nullptr, nullptr);
    if (server_ != 0) {
      pair.server = socket(AF_INET, SOCK_STREAM, 0);
      const sockaddr_in address = Loopback(server_);
      if (connect(pair.server, reinterpret_cast<const sockaddr*>(&address), sizeof(address)) != 0) {
        close(pair.client);
        close(pair.server);
        return;
      }
    }
    pairs_.push_back(pair);
  }

  static void SendAll(int fd, std::string_view bytes) {
    while (!bytes.empty()) {
      const ssize_t sent = send(fd, bytes.data(), bytes.size(), MSG_NOSIGNAL);
      if (sent <= 0) return;
      bytes.remove_prefix(static_cast<size_t>(sent));
    }
  }

  // False: that side is gone.
  bool Move(const Pair& pair, bool from_client) {
    char bytes[65536];
    const ssize_t got = recv(from_client ? pair.client : pair.server, bytes, sizeof(bytes), 0);
    if (got <= 0) return false;
    const std::string_view taken(bytes, static_cast<size_t>(got));
    if (from_client && server_ == 0) {
      SendAll(pair.client, answer_(taken));
    } else if (from_client) {
      SendAll(pair.server, taken);
    } else if (!drop_) {
      SendAll(pair.client, taken);
    }
    return true;
  }

  static void Close(const Pair& pair) {
    close(pair.client);
    if (pair.server >= 0) close(pair.server);
  }

  void Run() {
    while (!over_) {
      if (cut_.exchange(false)) {
        for (const Pair& pair : pairs_) Close(pair);
        pairs_.clear();
      }
      std::vector<pollfd> fds = {{listener_, POLLIN, 0}};
      for (const Pair& pair : pairs_) {
        fds.push_back({pair.client, POLLIN, 0});
        fds.push_back({pair.server, POLLIN, 0});
      }
      if (poll(fds.data(), fds.size(), 5) <= 0) continue;
      std::vector<Pair> living;
      for (size_t i = 0; i < pairs_.size(); ++i) {
        const bool client = fds[1 + 2 * i].revents == 0 || Move(pairs_[i], true);
        const bool server = client && (fds[2 + 2 * i].revents == 0 || Move(pairs_[i], false));
        if (client && server) {
          living.push_back(pairs_[i]);
        } else {
          Close(pairs_[i]);
        }
      }
      pairs_.swap(living);
      if (fds[0].revents != 0) Accept();
    }
    for (const Pair& pair : pairs_) Close(pair);
  }

  const std::function<std::string(std::string_view)> answer_;
  const uint16_t server_ = 0;
  int listener_ = -1;
  uint16_t port_ = 0;
  std::atomic<bool> drop_{false};
  std::atomic<bool> cut_{false};
  std::atomic<bool> over_{false};
  std::vector<Pair> pairs_;
  std::thread thread_;
};

}  // namespace holdfast::testing

#endif  // HOLDFAST_TESTS_STORE_REDIS_RELAY_H_
