// SPDX-License-Identifier: Apache-2.0
// One PostgreSQL server. See scene.h.
#include <absl/strings/str_cat.h>

#include "chaos/network_scene.h"
#include "store/postgres_server.h"

namespace holdfast::chaos {
namespace {

using testing::PgClient;
using testing::PostgresServer;

class PostgresScene final : public NetworkScene {
 public:
  bool Start(uint64_t seed) {
    PgClient client(server_.Url());
    if (!client.up()) return false;
    client.Sql("CREATE TABLE effect(key text)");
    client.Sql("CREATE INDEX ON effect(key)");
    return Interpose(static_cast<uint16_t>(server_.port()), seed);
  }

  std::string Address() const override { return absl::StrCat("postgres:", proxy_->port()); }
  std::string DirectAddress() const override { return absl::StrCat("postgres:", server_.port()); }

  std::string Strike(std::mt19937_64& random, std::span<const pid_t>) override {
    switch (random() % 6) {
      case 0:
        server_.Restart(SIGQUIT);
        return "server restarted at once";
      case 1:
        server_.Restart(SIGKILL);
        return "server killed and restarted";
      case 2:
        server_.Signal(SIGSTOP);
        frozen_ = true;
        return "server frozen";
      case 3:
        PgClient(server_.Url())
            .Sql(
                "SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity "
                "WHERE backend_type='client backend' AND pid<>pg_backend_pid()");
        return "backends terminated";
      default:
        return StrikeNetwork(random);
    }
  }
  void Recover() override {
    if (frozen_) server_.Signal(SIGCONT);
    frozen_ = false;
    NetworkScene::Recover();
  }

 private:
  PostgresServer server_;
  bool frozen_ = false;
};

}  // namespace

std::unique_ptr<Scene> MakePostgresScene(uint64_t seed) {
  auto scene = std::make_unique<PostgresScene>();
  if (!scene->Start(seed)) return nullptr;
  return scene;
}

}  // namespace holdfast::chaos
