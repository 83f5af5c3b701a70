// SPDX-License-Identifier: Apache-2.0
// Noun: what `holdfast` is asked to look after, the first word of its command line. Each has a folder of its own here,
// with its subcommand, its options and its verbs; a new one is a folder and a line in main.cc.
#ifndef HOLDFAST_CLI_NOUN_H_
#define HOLDFAST_CLI_NOUN_H_

#include <CLI/CLI.hpp>
#include <memory>
#include <string>

namespace holdfast::cli {

// What a shell or a CI sees.
enum class Exit {
  kDone = 0,
  kRefused = 1,  // refused, failed, or not as it should be
  kMisused = 2,  // a mistake on the command line
  kBroken = 3,   // what was to be read is damaged, or is not there
};

struct Ending {
  Exit exit = Exit::kDone;
  std::string complaint;  // for people, on standard error; empty if all is said
};

class Noun {
 public:
  virtual ~Noun() = default;
  // Adds the noun's subcommand, with its verbs.
  virtual CLI::App* Register(CLI::App& app) = 0;
  // Runs the verb that was parsed.
  virtual Ending Run() = 0;
};

// What stands for a noun whose library is not part of this build: it says so.
std::unique_ptr<Noun> AbsentNoun(std::string name, std::string about, std::string library);

}  // namespace holdfast::cli

#endif  // HOLDFAST_CLI_NOUN_H_
