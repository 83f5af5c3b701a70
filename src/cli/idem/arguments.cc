// SPDX-License-Identifier: Apache-2.0
#include "cli/idem/arguments.h"

#include <unistd.h>

#include <cstdlib>

namespace holdfast::cli::idem {
namespace {

constexpr const char* kFooter =
    "URL is one of  sqlite:PATH  redis://HOST:PORT/DB  redis-cluster://HOST:PORT  postgres://...\n"
    "(rediss and rediss-cluster: with TLS).\n"
    "Exit status: 0 done, 1 refused or failed, 2 a mistake on the command line, 3 damage found.";

// The login name, as an audit row wants a person rather than "root".
std::string DefaultActor() {
  for (const char* name : {"SUDO_USER", "USER", "LOGNAME"}) {
    const char* const value = std::getenv(name);
    if (value != nullptr && value[0] != '\0') return value;
  }
  return "uid " + std::to_string(getuid());
}

class Verbs {
 public:
  Verbs(CLI::App* idem, Arguments* out) : out_(out), idem_(idem) {}

  void Add() {
    idem_->require_subcommand(1);
    AddReaders();
    AddChangers();
    AddKeepers();
  }

 private:
  CLI::App* Verb(const char* name, const char* about) {
    CLI::App* const verb = idem_->add_subcommand(name, about);
    verb->add_option("url", out_->url, "the store")->required();
    verb->add_flag("--json", out_->json, "JSON instead of a table");
    verb->add_option("--password-file", out_->password_file, "the password of the store's server")
        ->check(CLI::ExistingFile);
    verb->callback([out = out_, name] { out->verb = name; });
    return verb;
  }

  void AddRecord(CLI::App* verb) {
    verb->add_option("--id", out_->id,
                     "the record's id in hex; its first 8 digits or more will do");
    verb->add_option("--key", out_->key, "or its key, with what belongs to it:");
    verb->add_option("--operation", out_->operation, "the key's operation");
    verb->add_option("--tenant", out_->tenant, "the key's tenant");
    verb->add_option("--space", out_->space, "the key's namespace");
  }

  void AddWhy(CLI::App* verb) {
    verb->add_option("--reason", out_->reason, "why; kept in the audit row")->required();
    verb->add_option("--actor", out_->actor, "who; default: your login name")
        ->default_val(DefaultActor());
  }

  void AddReaders() {
    CLI::App* const list = Verb("list", "records, one line each");
    list->add_option("--state", out_->state, "only those in this state")
        ->check(CLI::IsMember({"in_progress", "completed", "retryable", "in_doubt", "lapsed"}));
    list->add_option("--tenant", out_->tenant, "only those of this tenant");
    list->add_option("--operation", out_->operation, "only those of this operation");
    list->add_option("--older-than", out_->older_than_text,
                     "only those last taken this long ago: 90s, 10m, 3h");
    list->add_option("--limit", out_->limit, "lines at most (default 100)");

    AddRecord(Verb("show", "all there is to know of one record, its audit rows included"));

    CLI::App* const explain =
        Verb("explain", "what a record means, what a duplicate gets now, and what to do");
    AddRecord(explain);
    explain->add_option("--request", out_->request_file, "does this request match the record's?")
        ->check(CLI::ExistingFile);
  }

  void AddChangers() {
    CLI::App* const release =
        Verb("release", "take a key from its owner by force; the owner's late result is fenced");
    AddRecord(release);
    AddWhy(release);
    AddFate(release);

    CLI::App* const resolve = Verb("resolve", "say what became of work that is in doubt");
    AddRecord(resolve);
    AddWhy(resolve);
    AddFate(resolve)
        ->add_option("--done", out_->result_file, "it happened: this file is its result")
        ->check(CLI::ExistingFile);
    resolve->add_option("--ttl", out_->ttl_text, "how long that result is kept (default 24h)");
  }

  CLI::Option_group* AddFate(CLI::App* verb) {
    CLI::Option_group* const fate = verb->add_option_group("fate");
    fate->add_flag("--retry", out_->retry, "it did not happen, or may happen again: the next runs");
    fate->add_flag("--discard", out_->discard, "forget the key");
    fate->require_option(1);
    return fate;
  }

  void AddKeepers() {
    CLI::App* const purge = Verb("purge", "erase records that are past their time");
    purge->add_option("--limit", out_->limit, "records at most (default: all of them)");

    CLI::App* const dump = Verb("export", "every record as a line of JSON");
    dump->add_flag("--bodies", out_->bodies, "with results and checkpoints, in base64");

    Verb("verify", "read every record and check its bytes");
    Verb("migrate", "bring the store's schema up to this version");
  }

  Arguments* const out_;
  CLI::App* const idem_;
};

}  // namespace

CLI::App* AddIdem(CLI::App& app, Arguments* out) {
  CLI::App* const idem = app.add_subcommand("idem", "idempotency records of a store");
  idem->footer(kFooter);
  Verbs(idem, out).Add();
  return idem;
}

}  // namespace holdfast::cli::idem
