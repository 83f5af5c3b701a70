// SPDX-License-Identifier: Apache-2.0
// What the command line of `holdfast idem` says, checked for its form; what the words mean to a store is for
// the verbs (verbs.h).
#ifndef HOLDFAST_CLI_IDEM_ARGUMENTS_H_
#define HOLDFAST_CLI_IDEM_ARGUMENTS_H_

#include <CLI/CLI.hpp>
#include <cstdint>
#include <string>

namespace holdfast::cli::idem {

struct Arguments {
  std::string verb;
  std::string url;
  std::string password_file;
  bool json = false;

  // Which record: `id`, or the parts of a key.
  std::string id;
  std::string space, tenant, operation, key;

  // Which records.
  std::string state;
  std::string older_than_text;
  uint32_t limit = 0;  // 0: the verb's own default

  // What to do with it, who does it and why.
  bool retry = false, discard = false;
  std::string result_file;  // not empty: it is done
  std::string ttl_text;
  std::string actor, reason;

  std::string request_file;  // explain: a request to compare with the record's
  bool bodies = false;
};

// Adds the noun and its verbs to the command line; what is parsed goes into *out, which must outlive that.
CLI::App* AddIdem(CLI::App& app, Arguments* out);

}  // namespace holdfast::cli::idem

#endif  // HOLDFAST_CLI_IDEM_ARGUMENTS_H_
