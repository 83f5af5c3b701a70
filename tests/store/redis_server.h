// SPDX-License-Identifier: Apache-2.0
// A real redis-server of a test's own: on a free loopback port, in a folder that goes away with it.
#ifndef HOLDFAST_TESTS_STORE_REDIS_SERVER_H_
#define HOLDFAST_TESTS_STORE_REDIS_SERVER_H_

#include <arpa/inet.h>
#include <fcntl.h>
#include <gtest/gtest.h>
#include <hiredis/hiredis.h>
#include <holdfast/redis/store.h>
#include <netinet/in.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <chrono>
#include <cstdint>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <thread>
#include <utility>
#include <vector>

namespace holdfast::testing {

// Looks again and again, for at most ten seconds.
inline bool Eventually(const std::function<bool()>& holds) {
  const auto until = std::chrono::steady_clock::now() + std::chrono::seconds(30);
  while (!holds()) {
    if (std::chrono::steady_clock::now() > until) return false;
    std::this_thread::sleep_for(std::chrono::milliseconds(2));
  }
  return true;
}

// `port`, or any if that is 0; 0 if it is taken.
inline uint16_t PortIfFree(uint16_t port) {
  const int fd = socket(AF_INET, SOCK_STREAM, 0);
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_port = htons(port);
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  socklen_t size = sizeof(address);
  const bool bound = bind(fd, reinterpret_cast<sockaddr*>(&address), size) == 0;
  getsockname(fd, reinterpret_cast<sockaddr*>(&address), &size);
  close(fd);
  return bound ? ntohs(address.sin_port) : 0;
}

// Free now; somebody may take it before it is used, so that its user tries again.
inline uint16_t FreePort() { return PortIfFree(0); }

// Likewise for a node of a cluster, which talks to the others 10000 ports further on.
inline uint16_t FreeClusterPort() {
  for (;;) {
    const uint16_t port = FreePort();
    if (port <= 55535 && PortIfFree(static_cast<uint16_t>(port + 10000)) != 0) return port;
  }
}

class RedisFolder {
 public:
  RedisFolder() {
    std::string name = (std::filesystem::temp_directory_path() / "holdfast-redis-XXXXXX").string();
    path_ = mkdtemp(name.data());
  }
  ~RedisFolder() {
    std::error_code ignored;
    std::filesystem::remove_all(path_, ignored);
  }
  RedisFolder(const RedisFolder&) = delete;
  RedisFolder& operator=(const RedisFolder&) = delete;
  std::string operator/(std::string_view name) const { return path_ + "/" + std::string(name); }
  const std::string& path() const { return path_; }

 private:
  std::string path_;
};

// ca.pem, server.pem, server.key (for localhost and 127.0.0.1), client.pem, client.key, other_ca.pem.
inline void MakeCertificates(const RedisFolder& folder) {
  const std::string script =
      "set -e; cd '" + folder.path() +
      "'; key() { openssl ecparam -name prime256v1 -genkey -noout -out $1.key; }\n"
      "for ca in ca other_ca; do key $ca; openssl req -x509 -new -key $ca.key -subj /CN=$ca -days "
      "2 "
      "-out $ca.pem; done\n"
      "echo 'subjectAltName=DNS:localhost,IP:127.0.0.1' > server.ext; echo > client.ext\n"
      "for who in server client; do key $who; openssl req -new -key $who.key -subj /CN=$who | "
      "openssl "
      "x509 -req -CA ca.pem -CAkey ca.key -CAcreateserial -days 2 -extfile $who.ext -out $who.pem; "
      "done";
  const std::string quiet = "{ " + script + "\n} >/dev/null 2>&1";
  if (std::system(quiet.c_str()) != 0) ADD_FAILURE() << "openssl could not make certificates";
}

class RedisServer {
 public:
  // `lines` of redis.conf, besides port and folder. `tls`: on its port, with MakeCertificates' files.
  explicit RedisServer(std::vector<std::string> lines = {}, bool tls = false,
                       uint16_t (*free_port)() = FreePort)
      : lines_(std::move(lines)), tls_(tls) {
    if (tls_) MakeCertificates(folder_);
    for (int attempt = 0; attempt < 20 && pid_ == 0; ++attempt) {
      port_ = free_port();
      Start();
    }
    if (pid_ == 0) ADD_FAILURE() << "redis-server does not start: " << Log();
  }
  ~RedisServer() { Kill(); }
  RedisServer(const RedisServer&) = delete;
  RedisServer& operator=(const RedisServer&) = delete;

  uint16_t port() const { return port_; }
  pid_t pid() const { return pid_; }
  const RedisFolder& folder() const { return folder_; }

  // On the same port, with what it left in its folder.
  void Start() {
    WriteConfiguration();
    const pid_t parent = getpid();
    pid_ = fork();
    if (pid_ == 0) {
      prctl(PR_SET_PDEATHSIG, SIGKILL);
      if (getppid() != parent) _exit(1);
      const int log = open((folder_ / "log").c_str(), O_CREAT | O_WRONLY | O_APPEND, 0600);
      dup2(log, 1);
      dup2(log, 2);
      execlp("redis-server", "redis-server", (folder_ / "redis.conf").c_str(), nullptr);
      _exit(127);
    }
    const bool up = Eventually(
        [this] { return waitpid(pid_, nullptr, WNOHANG) != 0 ? (pid_ = 0, true) : Answers(); });
    if (!up) Kill();
  }

  // As a power cut of the process: nothing is said, nothing is saved.
  void Kill() { End(SIGKILL); }
  void Stop() { End(SIGTERM); }
  void Pause() { kill(pid_, SIGSTOP); }
  void Resume() { kill(pid_, SIGCONT); }

  // For Command, and for whoever asks Options().
  void UsePassword(std::string password) { password_ = std::move(password); }

  // The reply as text: a string, a number, "nil", "ERR ...", array elements one a line.
  std::string Command(const std::vector<std::string>& words) const {
    std::vector<const char*> data;
    std::vector<size_t> sizes;
    for (const std::string& word : words) {
      data.push_back(word.data());
      sizes.push_back(word.size());
    }
    const std::unique_ptr<redisContext, decltype(&redisFree)> context(Connect(), redisFree);
    if (context == nullptr) return "not connected";
    void* reply =
        redisCommandArgv(context.get(), static_cast<int>(words.size()), data.data(), sizes.data());
    if (reply == nullptr) return std::string("no reply: ") + context->errstr;
    const std::string text = Text(*static_cast<redisReply*>(reply));
    freeReplyObject(reply);
    return text;
  }

  redis::Options Options() const {
    redis::Options options;
    options.server.host = tls_ ? "localhost" : "127.0.0.1";
    options.server.port = port_;
    options.server.credentials.password = password_;
    options.server.tls.enabled = tls_;
    if (tls_) options.server.tls.ca_file = folder_ / "ca.pem";
    return options;
  }

  // A replica of this one, in sync; over the relay of that port, if given.
  std::unique_ptr<RedisServer> Replica(uint16_t relay = 0) const {
    std::vector<std::string> lines = {"replicaof 127.0.0.1 " +
                                      std::to_string(relay == 0 ? port_ : relay)};
    auto replica = std::make_unique<RedisServer>(std::move(lines));
    EXPECT_TRUE(Eventually([&] {
      return replica->Command({"INFO", "replication"}).find("master_link_status:up") !=
             std::string::npos;
    }));
    return replica;
  }

 private:
  void WriteConfiguration() const {
    std::ofstream conf(folder_ / "redis.conf");
    conf << "bind 127.0.0.1\nsave \"\"\ndir " << folder_.path() << "\n"
         << "repl-diskless-sync yes\nrepl-diskless-sync-delay 0\nrepl-ping-replica-period 1\n";
    if (tls_) {
      conf << "port 0\ntls-port " << port_ << "\ntls-cert-file " << folder_ / "server.pem"
           << "\ntls-key-file " << folder_ / "server.key" << "\ntls-ca-cert-file "
           << folder_ / "ca.pem" << "\n";
    } else {
      conf << "port " << port_ << "\n";
    }
    for (const std::string& line : lines_) conf << line << "\n";
  }

  bool Answers() const {
    if (tls_) return Log().find("Ready to accept connections") != std::string::npos;
    const std::string reply = Command({"PING"});
    return reply == "PONG" || reply.starts_with("NOAUTH") || reply.starts_with("NOPERM") ||
           reply.starts_with("WRONGPASS");
  }

  redisContext* Connect() const {
    redisContext* const context = redisConnectWithTimeout("127.0.0.1", port_, {2, 0});
    if (context != nullptr && context->err == 0) {
      redisSetTimeout(context, {5, 0});
      if (!password_.empty()) {
        freeReplyObject(redisCommand(context, "AUTH %s", password_.c_str()));
      }
      return context;
    }
    if (context != nullptr) redisFree(context);
    return nullptr;
  }

  static std::string Text(const redisReply& reply) {
    switch (reply.type) {
      case REDIS_REPLY_NIL:
        return "nil";
      case REDIS_REPLY_INTEGER:
        return std::to_string(reply.integer);
      case REDIS_REPLY_ARRAY: {
        std::string all;
        for (size_t i = 0; i < reply.elements; ++i) all += Text(*reply.element[i]) + "\n";
        return all;
      }
      default:
        return std::string(reply.str, reply.len);
    }
  }

  std::string Log() const {
    std::ifstream in(folder_ / "log");
    return std::string(std::istreambuf_iterator<char>(in), {});
  }

  void End(int signal) {
    if (pid_ == 0) return;
    kill(pid_, SIGCONT);
    kill(pid_, signal);
    waitpid(pid_, nullptr, 0);
    pid_ = 0;
  }

  RedisFolder folder_;
  const std::vector<std::string> lines_;
  const bool tls_;
  uint16_t port_ = 0;
  pid_t pid_ = 0;
  std::string password_;
};

}  // namespace holdfast::testing

#endif  // HOLDFAST_TESTS_STORE_REDIS_SERVER_H_
