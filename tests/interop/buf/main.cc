// SPDX-License-Identifier: Apache-2.0
// buf_verdict OLD NEW: what JudgeBuf objects to between two descriptor sets, a line each:
// category <tab> rule <tab> element <tab> file <tab> line <tab> text. Without arguments: category <tab> rule, of all rules.
#include <holdfast/contract/verdict.h>

#include <cstdio>
#include <fstream>
#include <iterator>

#include "adapters/contract/buf_rule.h"

namespace {

namespace contract = holdfast::contract;

struct Category {
  contract::Authority authority;
  unsigned bit;
  const char* name;
};
constexpr Category kCategories[] = {
    {contract::Authority::kBufWire, contract::buf::kWire, "WIRE"},
    {contract::Authority::kBufWireJson, contract::buf::kWireJson, "WIRE_JSON"},
    {contract::Authority::kBufPackage, contract::buf::kPackage, "PACKAGE"},
    {contract::Authority::kBufFile, contract::buf::kFile, "FILE"},
};

contract::Schema Read(const char* path) {
  std::ifstream file(path, std::ios::binary);
  const std::string bytes{std::istreambuf_iterator<char>(file), {}};
  auto schema = contract::Schema::Parse(bytes);
  if (!schema.ok()) {
    std::fprintf(stderr, "%s: %s\n", path, std::string(schema.status().message()).c_str());
    std::exit(2);
  }
  return *schema;
}

template <class Subject>
void PrintRules(contract::buf::Rules<Subject> rules) {
  for (const auto& rule : rules) {
    for (const Category& category : kCategories) {
      if ((rule.categories & category.bit) == 0) continue;
      std::printf("%s\t%.*s\n", category.name, static_cast<int>(rule.id.size()), rule.id.data());
    }
  }
}

void PrintAllRules() {
  PrintRules(contract::buf::FieldRules());
  PrintRules(contract::buf::FieldTypeRules());
  PrintRules(contract::buf::EnumRules());
  PrintRules(contract::buf::MessageRules());
  PrintRules(contract::buf::FileRules());
  PrintRules(contract::buf::FileSetRules());
  PrintRules(contract::buf::ServiceRules());
  PrintRules(contract::buf::MethodRules());
}

}  // namespace

int main(int argc, char** argv) {
  if (argc == 1) {
    PrintAllRules();
    return 0;
  }
  if (argc != 3) return 2;
  const contract::Schema older = Read(argv[1]);
  const contract::Schema newer = Read(argv[2]);
  for (const Category& category : kCategories) {
    for (const auto& found : contract::JudgeBuf(category.authority, older, newer)) {
      std::printf("%s\t%s\t%s\t%s\t%d\t%s\n", category.name, found.rule.c_str(),
                  found.element.c_str(), found.place.file.c_str(), found.place.line,
                  found.text.c_str());
    }
  }
  return 0;
}
