// SPDX-License-Identifier: Apache-2.0
#include "cli/contract/arguments.h"

namespace holdfast::cli::contract {
namespace {

constexpr const char* kFooter =
    "A schema is a descriptor set (any file, - for standard input), a .proto file or a folder of "
    "them (protoc is\n"
    "called), or git:REVISION[:PATH]: the same as they are in that revision of the current "
    "repository.\n"
    "Exit status: 0 as it should be, 1 not so, 2 a mistake on the command line, 3 an input that "
    "cannot be read.";

class Verbs {
 public:
  Verbs(CLI::App* contract, Arguments* out) : out_(out), contract_(contract) {}

  void Add() {
    contract_->require_subcommand(1);
    AddCheck();
    Pair(Verb("diff", "all that changed, and what it does to data; never fails"));
    AddLint();
    AddMatrix();
    AddSunset();
  }

 private:
  CLI::App* Verb(const char* name, const char* about) {
    CLI::App* const verb = contract_->add_subcommand(name, about);
    verb->add_flag("--json", out_->json, "JSON instead of text");
    verb->callback([out = out_, name] { out->verb = name; });
    return verb;
  }

  void Source(CLI::App* verb) {
    verb->add_option("-I,--proto-path", out_->source.imports,
                     "a folder that imports are looked for in; of a revision, as it is there")
        ->allow_extra_args(false);
    verb->add_option("--protoc", out_->source.protoc,
                     "the protoc to call (default: the one in PATH)");
  }

  void Pair(CLI::App* verb) {
    verb->add_option("schemas", out_->schemas, "OLD NEW")->required()->expected(2);
    Source(verb);
  }

  void Counted(CLI::App* verb) {
    const auto set = [out = out_](const std::string& word) {
      out->encoding = word == "json"   ? Encoding::kJson
                      : word == "both" ? Encoding::kBoth
                                       : Encoding::kBinary;
    };
    verb->add_option_function<std::string>("--encoding", set,
                                           "which encoding of the data counts (default: binary)")
        ->check(CLI::IsMember({"binary", "json", "both"}));
  }

  void AddCheck() {
    CLI::App* const check = Verb("check", "whether the newest schema keeps a compatibility level");
    check
        ->add_option("schemas", out_->schemas,
                     "OLD... NEW: the history from its beginning, then the new one")
        ->required()
        ->expected(2, CLI::detail::expected_max_vector_size);
    Source(check);
    check->add_option("--level", out_->level,
                      "BACKWARD, FORWARD, FULL, each also _TRANSITIVE, or NONE "
                      "(default BACKWARD_TRANSITIVE)");
    check->add_option(
        "--tolerate", out_->tolerate,
        "the worst outcome that is let pass: kept (the default), lossy, dropped, error");
    Counted(check);
    check->add_option("--as", out_->as,
                      "decide as another authority would: docs, docs-json, confluent, buf-wire, "
                      "buf-wire-json, buf-package, buf-file");
  }

  void AddLint() {
    CLI::App* const lint = Verb("lint", "what is wrong with a manifest and the schemas it names");
    lint->add_option("manifest", out_->schemas, "a contracts.textproto, or its folder")
        ->required()
        ->expected(1);
    Source(lint);
    lint->add_option("--at", out_->at, "sunsets are in the past of this date (default: now)");
    lint->add_flag("--strict", out_->strict, "warnings fail, too");
  }

  void AddMatrix() {
    CLI::App* const matrix = Verb("matrix", "who can read whom: a table of versions");
    matrix
        ->add_option("schemas", out_->schemas,
                     "a folder with a manifest, or schemas from old to new")
        ->required()
        ->expected(1, CLI::detail::expected_max_vector_size);
    Source(matrix);
    Counted(matrix);
  }

  void AddSunset() {
    CLI::App* const sunset = Verb("sunset", "which versions are deprecated or past their sunset");
    sunset->add_option("manifest", out_->schemas, "a contracts.textproto, or its folder")
        ->required()
        ->expected(1);
    sunset->add_option("--before", out_->at, "by this date (default: now)");
  }

  Arguments* const out_;
  CLI::App* const contract_;
};

}  // namespace

CLI::App* AddContract(CLI::App& app, Arguments* out) {
  CLI::App* const contract = app.add_subcommand("contract", "versions of a schema");
  contract->footer(kFooter);
  Verbs(contract, out).Add();
  return contract;
}

}  // namespace holdfast::cli::contract
