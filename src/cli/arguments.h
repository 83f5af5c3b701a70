// SPDX-License-Identifier: Apache-2.0
// What the command line of `holdfast idem` says, checked for its form; what the words mean to a store is for
// the verbs (verbs.h).
#ifndef HOLDFAST_CLI_ARGUMENTS_H_
#define HOLDFAST_CLI_ARGUMENTS_H_

#include <absl/time/time.h>

#include <cstdint>
#include <string>

namespace holdfast::cli {

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
  bool retry = false, discard = false, done = false;
  std::string result_file;
  std::string ttl_text;
  std::string actor, reason;

  std::string request_file;  // explain: a request to compare with the record's
  bool bodies = false;
};

// Reads the command line, prints help or the mistake where that is all there is to do. Returns true if there
// is a verb to run, else *exit_code is set: 0 after help, 2 for a mistake.
bool ParseArguments(int argc, char** argv, Arguments* out, int* exit_code);

}  // namespace holdfast::cli

#endif  // HOLDFAST_CLI_ARGUMENTS_H_
