// SPDX-License-Identifier: Apache-2.0
// See scene.h. The stores without servers are here, the others in files of their own.
#include "chaos/scene.h"

#include <absl/strings/str_cat.h>
#include <sys/resource.h>

namespace holdfast::chaos {
namespace {

class MemoryScene final : public Scene {
 public:
  std::string Address() const override { return "memory:"; }
  bool is_shared() const override { return false; }
  bool is_local() const override { return true; }
};

// Its faults beside dead and stopped workers: no space left, as one of them sees it.
class SqliteScene final : public Scene {
 public:
  explicit SqliteScene(const std::string& folder) : path_(folder + "/store.db") {}
  std::string Address() const override { return "sqlite:" + path_; }
  bool is_local() const override { return true; }

  std::string Strike(std::mt19937_64& random, std::span<const pid_t> workers) override {
    if (workers.empty()) return "";
    full_ = workers[random() % workers.size()];
    const rlim_t limit = 4096 + random() % (1 << 20);
    if (!SetFileLimit(full_, limit)) return "";
    return "no space";
  }
  void Recover() override {
    if (full_ != 0) SetFileLimit(full_, RLIM_INFINITY);
    full_ = 0;
  }

 private:
  static bool SetFileLimit(pid_t process, rlim_t bytes) {
    rlimit limit{bytes, RLIM_INFINITY};
    return prlimit(process, RLIMIT_FSIZE, &limit, nullptr) == 0;
  }
  const std::string path_;
  pid_t full_ = 0;
};

}  // namespace

std::string StoreNames() {
  std::string names = "memory sqlite";
#ifdef HF_CHAOS_REDIS
  names += " redis cluster failover";
#endif
#ifdef HF_CHAOS_POSTGRES
  names += " postgres";
#endif
  return names;
}

absl::StatusOr<std::unique_ptr<Scene>> MakeScene(std::string_view store, const std::string& folder,
                                                 [[maybe_unused]] uint64_t seed) {
  if (store == "memory") return std::make_unique<MemoryScene>();
  if (store == "sqlite") return std::make_unique<SqliteScene>(folder);
  std::unique_ptr<Scene> scene;
#ifdef HF_CHAOS_REDIS
  if (store == "redis") scene = MakeRedisScene(seed);
  if (store == "cluster") scene = MakeClusterScene();
  if (store == "failover") scene = MakeFailoverScene(seed);
  const bool is_redis = store == "redis" || store == "cluster" || store == "failover";
#else
  constexpr bool is_redis = false;
#endif
#ifdef HF_CHAOS_POSTGRES
  if (store == "postgres") scene = MakePostgresScene(seed);
  const bool is_postgres = store == "postgres";
#else
  constexpr bool is_postgres = false;
#endif
  if (scene != nullptr) return scene;
  if (is_redis || is_postgres) return absl::UnavailableError("the servers do not start");
  return absl::InvalidArgumentError(
      absl::StrCat("--store: no '", std::string(store), "'; there are: ", StoreNames()));
}

}  // namespace holdfast::chaos
