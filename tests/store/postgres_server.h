// SPDX-License-Identifier: Apache-2.0
// A PostgreSQL server of a test's own: a folder, a free port, and every way to hurt it.
//
// initdb runs once per test program, into a template that each server copies. Where the tests run as root the
// server runs as "postgres", as it refuses to be root. It dies with the test, however that ends.
#ifndef HOLDFAST_TESTS_STORE_POSTGRES_SERVER_H_
#define HOLDFAST_TESTS_STORE_POSTGRES_SERVER_H_

#include <arpa/inet.h>
#include <fcntl.h>
#include <grp.h>
#include <libpq-fe.h>
#include <pwd.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <functional>
#include <sstream>
#include <string>
#include <thread>
#include <vector>

namespace holdfast::testing {

// Waits until `what` holds, for up to `limit`; says whether it came to hold.
inline bool Eventually(const std::function<bool()>& what,
                       std::chrono::milliseconds limit = std::chrono::seconds(20)) {
  const auto deadline = std::chrono::steady_clock::now() + limit;
  while (!what()) {
    if (std::chrono::steady_clock::now() > deadline) return false;
    std::this_thread::sleep_for(std::chrono::milliseconds(5));
  }
  return true;
}

namespace postgres_internal {

// For tests and benchmarks alike: without a server there is nothing to be said.
inline void Must(bool holds, const std::string& what) {
  if (holds) return;
  std::fprintf(stderr, "postgres_server: %s\n", what.c_str());
  std::abort();
}

inline constexpr char kBin[] = "/usr/lib/postgresql/15/bin/";

// Runs in the child, between fork and exec.
inline void BecomePostgres() {
  prctl(PR_SET_PDEATHSIG, SIGQUIT);
  if (geteuid() != 0) return;
  const passwd* const user = getpwnam("postgres");
  if (user == nullptr || setgroups(0, nullptr) != 0 || setgid(user->pw_gid) != 0 ||
      setuid(user->pw_uid) != 0) {
    _exit(126);
  }
  prctl(PR_SET_PDEATHSIG, SIGQUIT);  // setuid has cleared it
}

inline pid_t Spawn(const std::vector<std::string>& command, const std::string& log,
                   rlim_t max_file = RLIM_INFINITY) {
  std::vector<char*> words;
  for (const std::string& word : command) words.push_back(const_cast<char*>(word.c_str()));
  words.push_back(nullptr);
  const pid_t pid = fork();
  if (pid != 0) return pid;
  BecomePostgres();
  const rlimit limit{max_file, max_file};
  if (max_file != RLIM_INFINITY) setrlimit(RLIMIT_FSIZE, &limit);
  const int out = open(log.c_str(), O_WRONLY | O_CREAT | O_APPEND, 0644);
  const int in = open("/dev/null", O_RDONLY);
  dup2(in, 0);
  dup2(out, 1);
  dup2(out, 2);
  if (chdir("/") != 0) _exit(126);
  execv(words[0], words.data());
  _exit(127);
}

inline int WaitFor(pid_t pid) {
  int status = 0;
  while (waitpid(pid, &status, 0) < 0 && errno == EINTR) {
  }
  return status;
}

// Removed with all that is in it; others may walk through.
class Folder {
 public:
  Folder() {
    std::string name = (std::filesystem::temp_directory_path() / "holdfast-pg-XXXXXX").string();
    path_ = mkdtemp(name.data());
    std::filesystem::permissions(path_, std::filesystem::perms(0755));
    GiveToPostgres(path_);
  }
  ~Folder() {
    std::error_code ignored;
    std::filesystem::remove_all(path_, ignored);
  }
  Folder(const Folder&) = delete;
  Folder& operator=(const Folder&) = delete;

  static void GiveToPostgres(const std::string& path) {
    const passwd* const user = geteuid() == 0 ? getpwnam("postgres") : nullptr;
    if (user == nullptr) return;
    const auto give = [&](const std::filesystem::path& at) {
      if (lchown(at.c_str(), user->pw_uid, user->pw_gid) != 0) std::abort();
    };
    give(path);
    for (const auto& entry : std::filesystem::recursive_directory_iterator(path)) give(entry);
  }
  const std::string& path() const { return path_; }

 private:
  std::string path_;
};

inline const std::string& Template() {
  static const Folder folder;
  static const std::string data = [] {
    const std::string path = folder.path() + "/data";
    const std::string log = folder.path() + "/initdb.log";
    const int status = WaitFor(Spawn({std::string(kBin) + "initdb", "-D", path, "-A", "trust", "-U",
                                      "hf", "--no-sync", "--locale=C", "-E", "UTF8"},
                                     log));
    Must(status == 0, "initdb failed, see " + log);
    return path;
  }();
  return data;
}

inline int FreePort() {
  const int probe = socket(AF_INET, SOCK_STREAM, 0);
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  socklen_t size = sizeof(address);
  Must(bind(probe, reinterpret_cast<sockaddr*>(&address), size) == 0, "bind");
  Must(getsockname(probe, reinterpret_cast<sockaddr*>(&address), &size) == 0, "getsockname");
  close(probe);
  return ntohs(address.sin_port);
}

}  // namespace postgres_internal

class PostgresServer {
 public:
  // `conf`: lines of postgresql.conf. The defaults are durable and small.
  explicit PostgresServer(std::vector<std::string> conf = {}) {
    namespace fs = std::filesystem;
    data_ = folder_.path() + "/data";
    fs::copy(postgres_internal::Template(), data_, fs::copy_options::recursive);
    fs::permissions(data_, fs::perms(0700));
    postgres_internal::Folder::GiveToPostgres(data_);
    Configure({"listen_addresses='127.0.0.1'", "unix_socket_directories='" + folder_.path() + "'",
               "shared_buffers=16MB", "max_connections=100", "autovacuum=off",
               "restart_after_crash=on"});
    Configure(conf);
    Start();
  }
  ~PostgresServer() {
    if (pid_ > 0) Signal(SIGCONT);
    if (pid_ > 0) Stop(SIGQUIT);
  }
  PostgresServer(const PostgresServer&) = delete;
  PostgresServer& operator=(const PostgresServer&) = delete;

  void Configure(const std::vector<std::string>& lines) {
    std::ofstream conf(data_ + "/postgresql.conf", std::ios::app);
    for (const std::string& line : lines) conf << line << "\n";
  }

  // Files of the server cannot grow above this, from the next start on: a full disk.
  void LimitFiles(rlim_t bytes) { max_file_ = bytes; }

  // A port is looked for once: who comes back comes back where it was, also if what the one before left in
  // shared memory takes a while to go.
  void Start() {
    const bool returns = port_ != 0;
    for (int tries = 0; tries < (returns ? 100 : 5); ++tries) {
      if (!returns) port_ = postgres_internal::FreePort();
      pid_ = postgres_internal::Spawn({std::string(postgres_internal::kBin) + "postgres", "-D",
                                       data_, "-c", "port=" + std::to_string(port_)},
                                      log(), max_file_);
      if (AwaitReady()) return;
      Stop(SIGQUIT);
      std::this_thread::sleep_for(std::chrono::milliseconds(50));
    }
    postgres_internal::Must(false, "no server: " + Log());
  }

  // SIGINT: fast. SIGQUIT: at once, recovery at the next start. SIGKILL: likewise, no word to anyone.
  void Stop(int signal = SIGINT) {
    if (pid_ <= 0) return;
    if (signal == SIGKILL) {
      Signal(SIGSTOP);  // or a child could see the parent die and say so
      Signal(SIGKILL);
    } else {
      kill(pid_, signal);
    }
    const std::vector<pid_t> children = Children();
    postgres_internal::WaitFor(pid_);
    pid_ = 0;
    Eventually([&] {
      for (const pid_t child : children) {
        if (kill(child, 0) == 0) return false;
      }
      return true;
    });
  }
  void Restart(int signal = SIGINT) {
    Stop(signal);
    Start();
  }

  // To the postmaster and all of its children.
  void Signal(int signal) {
    const std::vector<pid_t> children = Children();
    kill(pid_, signal);
    for (const pid_t child : children) kill(child, signal);
  }

  std::string Url(const std::string& user = "hf", const std::string& database = "postgres") const {
    return "postgres://" + user + "@127.0.0.1:" + std::to_string(port_) + "/" + database;
  }
  int port() const { return port_; }
  const std::string& data() const { return data_; }
  std::string log() const { return folder_.path() + "/log"; }
  std::string folder() const { return folder_.path(); }
  std::string Log() const {
    std::ostringstream text;
    text << std::ifstream(log()).rdbuf();
    return text.str();
  }

 private:
  bool AwaitReady() {
    bool ready = false;
    Eventually([&] {
      int status = 0;
      if (waitpid(pid_, &status, WNOHANG) == pid_) {
        pid_ = 0;
        return true;
      }
      ready = PQping(Url().c_str()) == PQPING_OK;
      return ready;
    });
    return ready;
  }

  std::vector<pid_t> Children() const {
    std::vector<pid_t> children;
    std::error_code error;
    for (const auto& entry : std::filesystem::directory_iterator("/proc", error)) {
      const std::string name = entry.path().filename().string();
      if (name.find_first_not_of("0123456789") != std::string::npos) continue;
      std::ifstream stat(entry.path() / "stat");
      std::string line;
      std::getline(stat, line);
      const size_t end = line.rfind(')');
      if (end == std::string::npos) continue;
      char state = 0;
      pid_t parent = 0;
      std::istringstream(line.substr(end + 1)) >> state >> parent;
      if (parent == pid_) children.push_back(static_cast<pid_t>(std::stol(name)));
    }
    return children;
  }

  postgres_internal::Folder folder_;
  std::string data_;
  int port_ = 0;
  pid_t pid_ = 0;
  rlim_t max_file_ = RLIM_INFINITY;
};

// A caller's own connection.
class PgClient {
 public:
  explicit PgClient(const std::string& url) : connection_(PQconnectdb(url.c_str())) {
    PQsetNoticeReceiver(connection_, [](void*, const PGresult*) {}, nullptr);
  }
  ~PgClient() { PQfinish(connection_); }
  PgClient(const PgClient&) = delete;
  PgClient& operator=(const PgClient&) = delete;

  PGconn* raw() const { return connection_; }
  bool up() const { return PQstatus(connection_) == CONNECTION_OK; }
  // The first column of the first row, "" without rows, or "error: <SQLSTATE>".
  std::string Sql(const std::string& sql) {
    PGresult* const result = PQexec(connection_, sql.c_str());
    const ExecStatusType status = PQresultStatus(result);
    std::string text;
    if (status == PGRES_TUPLES_OK) {
      if (PQntuples(result) > 0 && PQnfields(result) > 0) text = PQgetvalue(result, 0, 0);
    } else if (status != PGRES_COMMAND_OK) {
      const char* const state = PQresultErrorField(result, PG_DIAG_SQLSTATE);
      text = std::string("error: ") + (state == nullptr ? "lost" : state);
    }
    PQclear(result);
    return text;
  }

 private:
  PGconn* connection_;
};

}  // namespace holdfast::testing

#endif  // HOLDFAST_TESTS_STORE_POSTGRES_SERVER_H_
