// SPDX-License-Identifier: Apache-2.0
#include "cli/envelope/arguments.h"

#include <algorithm>

namespace holdfast::cli::envelope {
namespace {

constexpr const char* kFooter =
    "The forms http, kafka, amqp and grpc are text: lines `name: value`, an empty line, and the "
    "body as it is.\n"
    "Exit status: 0 done, 1 it cannot be written so, 2 a mistake on the command line, 3 no event "
    "in the input.";

using Forms = std::vector<Form>;

// An option whose words are the names of forms.
CLI::Option* AddForm(CLI::App* verb, const char* name, const char* about, const Forms& forms,
                     Form* out) {
  std::vector<std::string> names;
  for (const Form form : forms) names.emplace_back(Name(form));
  const auto set = [forms, out](const std::string& word) {
    *out = *std::find_if(forms.begin(), forms.end(),
                         [&word](Form form) { return Name(form) == std::string_view(word); });
  };
  return verb->add_option_function<std::string>(name, set, about)->check(CLI::IsMember(names));
}

class Verbs {
 public:
  Verbs(CLI::App* envelope, Arguments* out) : out_(out), envelope_(envelope) {}

  void Add() {
    envelope_->require_subcommand(1);
    AddDecode();
    AddEncode();
  }

 private:
  CLI::App* Verb(const char* name, const char* about) {
    CLI::App* const verb = envelope_->add_subcommand(name, about);
    verb->add_option("--max-size", out_->limits.max_size,
                     "bytes of an event at most (default 1 MiB)")
        ->check(CLI::Range(64u, (1u << 31) - 1));
    verb->add_option("-o,--output", out_->output, "a file to write to instead of standard output");
    verb->callback([out = out_, name] { out->verb = name; });
    return verb;
  }

  void From(CLI::App* verb) {
    AddForm(verb, "--from", "the input's form (default: what it looks like)",
            {Form::kAuto, Form::kProtobuf, Form::kProtobufBatch, Form::kJson, Form::kJsonBatch,
             Form::kHttp, Form::kKafka, Form::kAmqp, Form::kGrpc},
            &out_->from);
  }

  CLI::Option* To(CLI::App* verb, Forms forms, const char* about) {
    forms.insert(forms.end(),
                 {Form::kProtobuf, Form::kProtobufBatch, Form::kJson, Form::kJsonBatch, Form::kHttp,
                  Form::kHttpJson, Form::kHttpProtobuf, Form::kKafka, Form::kAmqp, Form::kGrpc});
    return AddForm(verb, "--to", about, forms, &out_->to);
  }

  void AddDecode() {
    CLI::App* const decode =
        Verb("decode", "what an event says, or the same event in another form");
    decode->add_option("file", out_->file, "the event; - for standard input")->required();
    From(decode);
    CLI::Option* const to =
        To(decode, {Form::kText, Form::kData}, "the output's form (default: text)");
    CLI::Option* const json = decode->add_flag(
        "--json", out_->json, "all that was seen, as JSON: kinds, sizes, counters");
    CLI::Option* const no_data =
        decode->add_flag("--no-data", out_->no_data, "all but the payload's bytes");
    json->excludes(to);
    no_data->excludes(to);
  }

  void AddEncode() {
    CLI::App* const encode = Verb("encode", "an event, from another form or from options");
    encode->add_option("file", out_->file, "an event to begin with; - for standard input");
    From(encode);
    To(encode, {}, "the output's form (default: json)");
    encode->add_option("--id", out_->id, "default: a fresh UUIDv7");
    encode->add_option("--source", out_->source, "a URI-reference: who sends it");
    encode->add_option("--type", out_->type, "the contract's name");
    encode->add_option("--attr", out_->attributes, "NAME=VALUE, as often as needed")
        ->allow_extra_args(false);
    encode->add_option("--data", out_->data_file, "a file with the payload; - for standard input");
    encode->add_option("--data-kind", out_->data_kind,
                       "binary (the default), text, or the type URL of a protobuf message");
  }

  Arguments* const out_;
  CLI::App* const envelope_;
};

}  // namespace

CLI::App* AddEnvelope(CLI::App& app, Arguments* out) {
  CLI::App* const envelope = app.add_subcommand("envelope", "events, in any form");
  envelope->footer(kFooter);
  Verbs(envelope, out).Add();
  return envelope;
}

}  // namespace holdfast::cli::envelope
