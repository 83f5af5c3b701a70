// SPDX-License-Identifier: Apache-2.0
// A table for people: columns as wide as their widest cell, two spaces apart.
#ifndef HOLDFAST_CLI_CONTRACT_TABLE_H_
#define HOLDFAST_CLI_CONTRACT_TABLE_H_

#include <string>
#include <vector>

namespace holdfast::cli::contract {

class Table {
 public:
  explicit Table(std::vector<std::string> head) { Add(std::move(head)); }

  // As many cells as the head has. What is in them is escaped where that is needed.
  void Add(std::vector<std::string> cells);
  void Print() const;

 private:
  std::vector<std::vector<std::string>> rows_;
};

}  // namespace holdfast::cli::contract

#endif  // HOLDFAST_CLI_CONTRACT_TABLE_H_
