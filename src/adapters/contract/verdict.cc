// SPDX-License-Identifier: Apache-2.0
#include <holdfast/contract/verdict.h>

namespace holdfast::inline v0_5::contract {

std::string_view Name(Authority authority) {
  switch (authority) {
    case Authority::kDocs:
      return "docs";
    case Authority::kDocsJson:
      return "docs-json";
    case Authority::kConfluent:
      return "confluent";
    case Authority::kBufWire:
      return "buf-wire";
    case Authority::kBufWireJson:
      return "buf-wire-json";
    case Authority::kBufPackage:
      return "buf-package";
    case Authority::kBufFile:
      return "buf-file";
  }
  return "unknown";
}

std::vector<Violation> Judge(Authority authority, const Schema& older, const Schema& newer) {
  switch (authority) {
    case Authority::kDocs:
      return JudgeDocs(older, newer, false);
    case Authority::kDocsJson:
      return JudgeDocs(older, newer, true);
    case Authority::kConfluent:
      return JudgeConfluent(older, newer);
    case Authority::kBufWire:
    case Authority::kBufWireJson:
    case Authority::kBufPackage:
    case Authority::kBufFile:
      return JudgeBuf(authority, older, newer);
  }
  return {};
}

}  // namespace holdfast::inline v0_5::contract
