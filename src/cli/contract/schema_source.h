// SPDX-License-Identifier: Apache-2.0
// Where a schema comes from:
//
//   word on the command line         read as
//   -                                a descriptor set, from standard input
//   a folder, or FILE.proto          .proto files, through protoc
//   git:REVISION, git:REVISION:PATH  likewise, as they are in that revision of the current repository
//   any other file                   a descriptor set
#ifndef HOLDFAST_CLI_CONTRACT_SCHEMA_SOURCE_H_
#define HOLDFAST_CLI_CONTRACT_SCHEMA_SOURCE_H_

#include <absl/status/statusor.h>
#include <holdfast/contract/schema.h>

#include <map>
#include <string>
#include <vector>

namespace holdfast::cli::contract {

namespace api = holdfast::contract;

struct SourceOptions {
  std::vector<std::string> imports;  // folders that imports are looked for in
  std::string protoc = "protoc";
};

class SchemaSource {
 public:
  // Errors: kInvalidArgument: a word that cannot be meant; else what is wrong with the input, naming it.
  static absl::StatusOr<SchemaSource> Read(const std::string& word, const SourceOptions& options);

  const std::string& name() const { return name_; }  // the word
  const api::Schema& schema() const { return schema_; }
  bool Has(const std::string& file) const { return schema_.pool().FindFileByName(file) != nullptr; }
  // "proto/acme/order.proto": the path of one of its files as the user knows it.
  std::string PathOf(const std::string& file) const;

 private:
  SchemaSource(std::string name, api::Schema schema)
      : name_(std::move(name)), schema_(std::move(schema)) {}

  std::string name_;
  api::Schema schema_;
  std::map<std::string, std::string> paths_;
};

}  // namespace holdfast::cli::contract

#endif  // HOLDFAST_CLI_CONTRACT_SCHEMA_SOURCE_H_
