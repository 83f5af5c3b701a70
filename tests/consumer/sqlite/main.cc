// SPDX-License-Identifier: Apache-2.0
// The durable store from the installed package: a result outlives the store object.
#include <holdfast/idempotency.h>
#include <holdfast/sqlite/store.h>

#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <string>

int main() {
  std::string folder = (std::filesystem::temp_directory_path() / "holdfast-XXXXXX").string();
  if (mkdtemp(folder.data()) == nullptr) return 1;
  int charges = 0;
  for (int i = 0; i < 2; ++i) {
    auto store = holdfast::sqlite::Store::Open({.path = folder + "/records"});
    if (!store.ok()) {
      std::printf("%s\n", std::string(store.status().message()).c_str());
      break;
    }
    const auto result =
        holdfast::RunOnce(**store, {.operation = "charge", .key = "order-1"}, {.request = "42 EUR"},
                          [&](holdfast::Ticket&) -> absl::StatusOr<std::string> {
                            ++charges;
                            return "receipt";
                          });
    if (!result.ok() || result->body != "receipt") charges = -1;
  }
  std::filesystem::remove_all(folder);
  std::printf("%d charge\n", charges);
  return charges == 1 ? 0 : 1;
}
