// SPDX-License-Identifier: Apache-2.0
// The gRPC adapter from the installed package: its headers compile, its library links.
#include <holdfast/grpc/client.h>
#include <holdfast/grpc/metadata.h>
#include <holdfast/grpc/server.h>

#include <cstdio>

int main() {
  const bool good = holdfast::grpc::CheckMetadata("x-order", "1").ok();
  const bool bad = holdfast::grpc::CheckMetadata("x order", "1").ok();
  std::printf("metadata: %s\n", good && !bad ? "checked" : "wrong");
  return good && !bad ? 0 : 1;
}
