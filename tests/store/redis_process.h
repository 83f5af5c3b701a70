// SPDX-License-Identifier: Apache-2.0
// One redis-server of this machine, on a free port, in a folder of its own; gone when the object is, or the test.
#ifndef HOLDFAST_TESTS_STORE_REDIS_PROCESS_H_
#define HOLDFAST_TESTS_STORE_REDIS_PROCESS_H_

#include <arpa/inet.h>
#include <fcntl.h>
#include <gtest/gtest.h>
#include <hiredis/hiredis.h>
#include <netinet/in.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <chrono>
#include <csignal>
#include <cstdint>
#include <cstdlib>
#include <filesystem>
#include <functional>
#include <memory>
#include <string>
#include <thread>
#include <vector>

namespace holdfast::testing {

// Until the condition holds; false after a generous while. A poll, because servers tell nobody.
inline bool Await(const std::function<bool()>& condition) {
  using std::chrono::steady_clock;
  const steady_clock::time_point end = steady_clock::now() + std::chrono::seconds(30);
  while (!condition()) {
    if (steady_clock::now() > end) return false;
    std::this_thread::sleep_for(std::chrono::milliseconds(2));
  }
  return true;
}

class RedisProcess {
 public:
  // bus: a cluster's node, which listens on its port + 10000 as well. Null after a test failure.
  static std::unique_ptr<RedisProcess> Start(const std::vector<std::string>& arguments, bool bus) {
    for (int attempt = 0; attempt < 20; ++attempt) {
      std::unique_ptr<RedisProcess> server(new RedisProcess(FreePort(bus), arguments));
      if (server->Run()) return server;  // else somebody else took the port
    }
    ADD_FAILURE() << "redis-server does not start";
    return nullptr;
  }
  ~RedisProcess() {
    Kill();
    std::error_code ignored;
    std::filesystem::remove_all(folder_, ignored);
  }
  RedisProcess(const RedisProcess&) = delete;
  RedisProcess& operator=(const RedisProcess&) = delete;

  uint16_t port() const { return port_; }
  bool running() const { return pid_ > 0; }

  // As a machine that loses power.
  void Kill() {
    connection_.reset();
    if (pid_ <= 0) return;
    kill(pid_, SIGKILL);
    waitpid(pid_, nullptr, 0);
    pid_ = 0;
  }
  void Freeze() { kill(pid_, SIGSTOP); }
  void Thaw() { kill(pid_, SIGCONT); }

  // Again, on its port, with what its folder holds. False: it does not come up.
  bool Run() {
    pid_ = fork();
    if (pid_ == 0) Become();
    return Await([&] {
             int status = 0;
             if (waitpid(pid_, &status, WNOHANG) == pid_) {
               pid_ = 0;
               return true;
             }
             return Ask({"PING"}) == "PONG";
           }) &&
           running();
  }

  // The reply as text: lists by lines, errors as they are; "(no answer)" if there is none.
  std::string Ask(const std::vector<std::string>& command) {
    const Reply reply = Send(command);
    return reply == nullptr ? "(no answer)" : TextOf(*reply);
  }

  // The port of who serves the slot, as this node sees it; 0: nobody.
  uint16_t ServedBy(uint16_t slot) {
    const Reply reply = Send({"CLUSTER", "SLOTS"});
    if (reply == nullptr || reply->type != REDIS_REPLY_ARRAY) return 0;
    for (size_t i = 0; i < reply->elements; ++i) {
      redisReply* const* const range = reply->element[i]->element;
      if (range[0]->integer <= slot && slot <= range[1]->integer) {
        return static_cast<uint16_t>(range[2]->element[1]->integer);
      }
    }
    return 0;
  }

 private:
  using Reply = std::unique_ptr<redisReply, decltype(&freeReplyObject)>;
  using Connection = std::unique_ptr<redisContext, decltype(&redisFree)>;

  RedisProcess(uint16_t port, std::vector<std::string> arguments)
      : port_(port), arguments_(std::move(arguments)) {
    std::string name = (std::filesystem::temp_directory_path() / "holdfast-XXXXXX").string();
    folder_ = mkdtemp(name.data());
  }

  static bool IsFree(uint16_t* port) {
    const int socket_fd = socket(AF_INET, SOCK_STREAM, 0);
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_port = htons(*port);
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    const bool bound = bind(socket_fd, reinterpret_cast<sockaddr*>(&address), sizeof(address)) == 0;
    socklen_t size = sizeof(address);
    getsockname(socket_fd, reinterpret_cast<sockaddr*>(&address), &size);
    close(socket_fd);
    *port = ntohs(address.sin_port);
    return bound;
  }

  static uint16_t FreePort(bool bus) {
    constexpr int kBusOffset = 10000;
    for (;;) {
      uint16_t port = 0;
      if (!IsFree(&port)) continue;
      if (!bus) return port;
      if (port > 65535 - kBusOffset) continue;
      auto bus_port = static_cast<uint16_t>(port + kBusOffset);
      if (IsFree(&bus_port)) return port;
    }
  }

  [[noreturn]] void Become() {
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    const std::string port = std::to_string(port_);
    std::vector<std::string> all = {
        "redis-server", "--port", port,           "--bind", "127.0.0.1", "--dir",         folder_,
        "--save",       "",       "--appendonly", "no",     "--logfile", folder_ + "/log"};
    all.insert(all.end(), arguments_.begin(), arguments_.end());
    std::vector<char*> raw;
    for (std::string& argument : all) raw.push_back(argument.data());
    raw.push_back(nullptr);
    execvp(raw[0], raw.data());
    _exit(127);
  }

  Reply Send(const std::vector<std::string>& command) {
    if (connection_ == nullptr || connection_->err != 0) {
      connection_.reset(redisConnectWithTimeout("127.0.0.1", port_, timeval{5, 0}));
      if (connection_ == nullptr || connection_->err != 0) return Reply(nullptr, &freeReplyObject);
      redisSetTimeout(connection_.get(), timeval{10, 0});
    }
    std::vector<const char*> arguments;
    std::vector<size_t> sizes;
    for (const std::string& part : command) {
      arguments.push_back(part.data());
      sizes.push_back(part.size());
    }
    return Reply(
        static_cast<redisReply*>(redisCommandArgv(
            connection_.get(), static_cast<int>(command.size()), arguments.data(), sizes.data())),
        &freeReplyObject);
  }

  static std::string TextOf(const redisReply& reply) {
    switch (reply.type) {
      case REDIS_REPLY_INTEGER:
        return std::to_string(reply.integer);
      case REDIS_REPLY_NIL:
        return "(nil)";
      case REDIS_REPLY_ARRAY: {
        std::string all;
        for (size_t i = 0; i < reply.elements; ++i) {
          if (i > 0) all += "\n";
          all += TextOf(*reply.element[i]);
        }
        return all;
      }
      default:
        return std::string(reply.str, reply.len);
    }
  }

  const uint16_t port_;
  const std::vector<std::string> arguments_;
  std::string folder_;
  pid_t pid_ = 0;
  Connection connection_{nullptr, &redisFree};
};

}  // namespace holdfast::testing

#endif  // HOLDFAST_TESTS_STORE_REDIS_PROCESS_H_
