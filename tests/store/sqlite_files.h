// SPDX-License-Identifier: Apache-2.0
// A folder of its own for each test, and an SQLite store in it with a clock moved by hand.
#ifndef HOLDFAST_TESTS_STORE_SQLITE_FILES_H_
#define HOLDFAST_TESTS_STORE_SQLITE_FILES_H_

#include <gtest/gtest.h>
#include <holdfast/sqlite/store.h>
#include <sqlite3.h>

#include <cstdlib>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <memory>
#include <string>
#include <string_view>
#include <utility>

#include "store/requests.h"

namespace holdfast::testing {

// Removed with all that is in it.
class TempFolder {
 public:
  TempFolder() {
    std::string name = (std::filesystem::temp_directory_path() / "holdfast-XXXXXX").string();
    path_ = mkdtemp(name.data());
  }
  ~TempFolder() {
    std::error_code ignored;
    std::filesystem::remove_all(path_, ignored);
  }
  TempFolder(const TempFolder&) = delete;
  TempFolder& operator=(const TempFolder&) = delete;

  std::string operator/(std::string_view name) const { return path_ + "/" + std::string(name); }
  const std::string& path() const { return path_; }

 private:
  std::string path_;
};

inline std::string ReadWhole(const std::string& path) {
  std::ifstream in(path, std::ios::binary);
  return std::string(std::istreambuf_iterator<char>(in), {});
}

inline void WriteWhole(const std::string& path, std::string_view bytes) {
  std::ofstream out(path, std::ios::binary | std::ios::trunc);
  out.write(bytes.data(), static_cast<std::streamsize>(bytes.size()));
}

// Runs SQL on a connection; the text of the first column of the first row, or "error: ...".
inline std::string Sql(sqlite3* db, const std::string& sql) {
  std::string first = "none";
  char* error = nullptr;
  const auto take = [](void* out, int, char** values, char**) {
    auto* const text = static_cast<std::string*>(out);
    if (*text == "none") *text = values[0] == nullptr ? "null" : values[0];
    return 0;
  };
  if (sqlite3_exec(db, sql.c_str(), take, &first, &error) != SQLITE_OK) {
    first = std::string("error: ") + (error == nullptr ? "?" : error);
    sqlite3_free(error);
  }
  return first;
}

class SqliteTest : public ::testing::Test {
 protected:
  sqlite::Options Options() {
    sqlite::Options options;
    options.path = path_;
    options.clock = clock_.Function();
    options.busy_timeout = std::chrono::milliseconds(1);
    options.reserve_bytes = 65536;
    options.init_sql = "CREATE TABLE IF NOT EXISTS payment(id TEXT, amount INTEGER);";
    return options;
  }

  void OpenStore() { OpenStore(Options()); }
  void OpenStore(sqlite::Options options) {
    store_.reset();
    auto opened = sqlite::Store::Open(std::move(options));
    ASSERT_TRUE(opened.ok()) << opened.status();
    store_ = *std::move(opened);
  }

  StoreReply Ask(const StoreRequest& request) { return store_->Execute(request, Duration{0}); }
  hf_store_status StatusOf(const StoreRequest& request) { return Ask(request).raw.status; }

  uint64_t Win(std::string_view key, uint64_t who = 1,
               hf_on_expiry on_expiry = HF_ON_EXPIRY_IN_DOUBT) {
    const StoreReply reply = Ask(Claim(key, who, on_expiry));
    EXPECT_EQ(reply.raw.status, HF_STORE_WON) << key << ": " << reply.detail;
    return reply.raw.status == HF_STORE_WON ? reply.raw.token : 0;
  }

  sqlite::JoinedClaim ClaimOf(std::string_view key, uint64_t token) {
    sqlite::JoinedClaim claim;
    const StoreRequest request = Read(key);
    std::memcpy(claim.key_id, request.key_id, sizeof(claim.key_id));
    claim.token = token;
    return claim;
  }

  // Work that writes one payment row and returns `body`.
  static sqlite::Work Pay(std::string id, std::string body = "paid") {
    return
        [id = std::move(id), body = std::move(body)](sqlite3* db) -> absl::StatusOr<std::string> {
          const std::string said = Sql(db, "INSERT INTO payment VALUES('" + id + "', 1)");
          if (said != "none") return absl::InternalError(said);
          return body;
        };
  }

  std::string Ask(const std::string& sql) {
    std::string answer;
    const absl::Status status = store_->Read([&](sqlite3* db) {
      answer = Sql(db, sql);
      return absl::OkStatus();
    });
    return status.ok() ? answer : status.ToString();
  }
  std::string Payments() { return Ask(std::string("SELECT count(*) FROM payment")); }

  TempFolder folder_;
  std::string path_ = folder_ / "store.db";
  StoreClock clock_;
  std::unique_ptr<sqlite::Store> store_;
};

}  // namespace holdfast::testing

#endif  // HOLDFAST_TESTS_STORE_SQLITE_FILES_H_
