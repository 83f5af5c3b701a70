// SPDX-License-Identifier: Apache-2.0
// See open_store.h. Which stores there are is the build's choice (HOLDFAST_WITH_*).
#include "cli/idem/open_store.h"

#include <absl/strings/ascii.h>
#include <absl/strings/match.h>
#include <absl/strings/str_cat.h>

#include <algorithm>
#include <filesystem>
#include <system_error>
#include <utility>

#ifdef HOLDFAST_WITH_SQLITE
#include <holdfast/sqlite/store.h>
#endif
#ifdef HOLDFAST_WITH_REDIS
#include <holdfast/redis/cluster_store.h>
#include <holdfast/redis/url.h>
#endif
#ifdef HOLDFAST_WITH_POSTGRES
#include <holdfast/postgres/store.h>
#endif

namespace holdfast::cli::idem {
namespace {

constexpr absl::string_view kSqlite = "sqlite:";

absl::Status NoSuchStore(const std::string& url) {
  // Of what is mistyped nobody knows where the password is, so none of it is shown but its scheme.
  const size_t end = url.find("://");
  const bool has_scheme = end != std::string::npos &&
                          std::all_of(url.begin(), url.begin() + static_cast<long>(end),
                                      [](char c) { return absl::ascii_isalpha(c) || c == '-'; });
  return absl::InvalidArgumentError(absl::StrCat(
      "no store for this URL", has_scheme ? absl::StrCat(" (", url.substr(0, end), "://...)") : "",
      ": want sqlite:PATH, redis://, redis-cluster:// or postgres:// (and a build with that "
      "store)"));
}

bool IsPostgres(const std::string& url) {
  return absl::StartsWith(url, "postgres://") || absl::StartsWith(url, "postgresql://");
}

bool IsRedis(const std::string& url) {
  return absl::StartsWith(url, "redis://") || absl::StartsWith(url, "rediss://");
}

bool IsRedisCluster(const std::string& url) {
  return absl::StartsWith(url, "redis-cluster://") || absl::StartsWith(url, "rediss-cluster://");
}

template <class Concrete>
absl::StatusOr<std::unique_ptr<OperableStore>> Upcast(
    absl::StatusOr<std::unique_ptr<Concrete>> store) {
  if (!store.ok()) return store.status();
  return std::unique_ptr<OperableStore>(*std::move(store));
}

#ifdef HOLDFAST_WITH_SQLITE
absl::StatusOr<std::unique_ptr<sqlite::Store>> OpenSqlite(const std::string& url, bool migrate) {
  const std::string path = url.substr(kSqlite.size());
  std::error_code error;
  if (!migrate && !std::filesystem::exists(path, error)) {
    return absl::NotFoundError(absl::StrCat("no such file: ", path));
  }
  if (!migrate && std::filesystem::file_size(path, error) == 0) {
    return absl::FailedPreconditionError(absl::StrCat("an empty file, and no store yet: ", path,
                                                      " (holdfast idem migrate makes it one)"));
  }
  sqlite::Options options;
  options.path = path;
  options.no_migrate = !migrate;
  return sqlite::Store::Open(std::move(options));
}
#endif

#ifdef HOLDFAST_WITH_POSTGRES
postgres::Options PostgresOptions(const std::string& url, const std::string& password_file) {
  postgres::Options options;
  options.url = url;
  options.password_file = password_file;
  options.no_migrate = true;
  options.connections = 1;
  options.purge_interval = Duration::max();
  return options;
}
#endif

#ifdef HOLDFAST_WITH_REDIS
// Where nobody kept records there is nothing to look after.
void Prepare(const std::string& password_file, redis::Options* options) {
  options->require_sentinel = true;
  if (!password_file.empty()) options->server.credentials.password_file = password_file;
}

absl::StatusOr<std::unique_ptr<OperableStore>> OpenRedis(const std::string& url,
                                                         const std::string& password_file) {
  absl::StatusOr<redis::Options> options = redis::ParseUrl(url);
  if (!options.ok()) return options.status();
  Prepare(password_file, &*options);
  return Upcast(redis::Store::Open(*std::move(options)));
}

absl::StatusOr<std::unique_ptr<OperableStore>> OpenRedisCluster(const std::string& url,
                                                                const std::string& password_file) {
  absl::StatusOr<redis::ClusterOptions> options = redis::ParseClusterUrl(url);
  if (!options.ok()) return options.status();
  Prepare(password_file, &options->store);
  return Upcast(redis::ClusterStore::Open(*std::move(options)));
}
#endif

std::string AtVersion(uint32_t version) {
  return absl::StrCat("the schema is at version ", version, ", this command's own");
}

}  // namespace

absl::StatusOr<std::unique_ptr<OperableStore>> OpenStore(
    const std::string& url, [[maybe_unused]] const std::string& password_file) {
#ifdef HOLDFAST_WITH_SQLITE
  if (absl::StartsWith(url, kSqlite)) return Upcast(OpenSqlite(url, false));
#endif
#ifdef HOLDFAST_WITH_REDIS
  if (IsRedis(url)) return OpenRedis(url, password_file);
  if (IsRedisCluster(url)) return OpenRedisCluster(url, password_file);
#endif
#ifdef HOLDFAST_WITH_POSTGRES
  if (IsPostgres(url)) return Upcast(postgres::Store::Open(PostgresOptions(url, password_file)));
#endif
  return NoSuchStore(url);
}

absl::StatusOr<std::string> MigrateStore(const std::string& url,
                                         [[maybe_unused]] const std::string& password_file) {
#ifdef HOLDFAST_WITH_SQLITE
  if (absl::StartsWith(url, kSqlite)) {
    const auto store = OpenSqlite(url, true);
    if (!store.ok()) return store.status();
    const absl::StatusOr<StoreInfo> info = (*store)->Info(Duration{0});
    if (!info.ok()) return info.status();
    return AtVersion(info->schema);
  }
#endif
#ifdef HOLDFAST_WITH_POSTGRES
  if (IsPostgres(url)) {
    const absl::StatusOr<uint32_t> version = postgres::Migrate(PostgresOptions(url, password_file));
    if (!version.ok()) return version.status();
    return AtVersion(*version);
  }
#endif
  if (IsRedis(url) || IsRedisCluster(url))
    return std::string("Redis keeps no schema: records carry their own version");
  return NoSuchStore(url);
}

}  // namespace holdfast::cli::idem
