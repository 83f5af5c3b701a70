// SPDX-License-Identifier: Apache-2.0
#include "cli/envelope/forms.h"

#include <algorithm>
#include <iterator>

#include "cli/envelope/message_text.h"

namespace holdfast::cli::envelope {
namespace {

struct FormName {
  Form form;
  std::string_view name;
};

constexpr FormName kNames[] = {
    {Form::kAuto, "auto"},
    {Form::kProtobuf, "protobuf"},
    {Form::kProtobufBatch, "protobuf-batch"},
    {Form::kJson, "json"},
    {Form::kJsonBatch, "json-batch"},
    {Form::kHttp, "http"},
    {Form::kKafka, "kafka"},
    {Form::kAmqp, "amqp"},
    {Form::kGrpc, "grpc"},
    {Form::kHttpJson, "http-json"},
    {Form::kHttpProtobuf, "http-protobuf"},
    {Form::kText, "text"},
    {Form::kData, "data"},
};

bool AnyLineStarts(std::string_view head, std::string_view prefix) {
  if (head.starts_with(prefix)) return true;
  return head.find("\n" + std::string(prefix)) != head.npos;
}

// With the one prefix that no other binding has, or as HTTP, which has the most of them.
Form FormOfHeaders(std::string_view head) {
  if (AnyLineStarts(head, "ce_")) return Form::kKafka;
  if (AnyLineStarts(head, "cloudEvents")) return Form::kAmqp;
  return Form::kHttp;
}

}  // namespace

std::string_view Name(Form form) {
  return std::find_if(std::begin(kNames), std::end(kNames),
                      [form](const FormName& each) { return each.form == form; })
      ->name;
}

std::optional<Binding> BindingOf(Form form) {
  switch (form) {
    case Form::kHttp:
      return Binding::kHttp;
    case Form::kKafka:
      return Binding::kKafka;
    case Form::kAmqp:
      return Binding::kAmqp;
    case Form::kGrpc:
      return Binding::kGrpc;
    default:
      return std::nullopt;
  }
}

Form FormOf(std::string_view bytes) {
  const std::size_t first = bytes.find_first_not_of(" \t\r\n");
  if (first == bytes.npos) return Form::kProtobuf;
  if (bytes[first] == '{') return Form::kJson;
  if (bytes[first] == '[') return Form::kJsonBatch;
  if (LooksLikeHeaders(bytes)) return FormOfHeaders(HeadOf(bytes));
  return Form::kProtobuf;
}

}  // namespace holdfast::cli::envelope
