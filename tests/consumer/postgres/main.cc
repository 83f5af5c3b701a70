// SPDX-License-Identifier: Apache-2.0
// The PostgreSQL store from the installed package: all of it is linked, and a server that is not there is told.
#include <holdfast/postgres/run_once.h>
#include <holdfast/postgres/store.h>
#include <libpq-fe.h>

#include <cstdio>
#include <string>

int main() {
  const auto store = holdfast::postgres::Store::Open({.url = "postgres://u@127.0.0.1:1/db"});
  const absl::Status joined = holdfast::postgres::Begin(nullptr);
  std::printf("%s (libpq %d)\n", std::string(store.status().message()).c_str(), PQlibVersion());
  const bool told = store.status().code() == absl::StatusCode::kUnavailable &&
                    joined.code() == absl::StatusCode::kInvalidArgument;
  return told ? 0 : 1;
}
