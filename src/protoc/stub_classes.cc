// SPDX-License-Identifier: Apache-2.0
// Blocking unary methods go through the pipeline (holdfast/grpc/decorate_stub.h); all others are passed on
// to the inner stub, with the current context.
#include "protoc/stub_classes.h"

#include <google/protobuf/descriptor.pb.h>

#include <map>
#include <string>

#include "protoc/names.h"

namespace holdfast::protoc {
namespace {

using google::protobuf::MethodDescriptor;
using google::protobuf::MethodOptions;
using google::protobuf::ServiceDescriptor;
using google::protobuf::io::Printer;
using Words = std::map<std::string, std::string>;

// How a kind's overrides differ: gRPC makes each of sync, async and prepared calls a private virtual
// function that returns a raw pointer, and a public one that owns it.
struct Kind {
  const char* reader;  // of the blocking call; null: it is unary, and not private
  const char* async_reader;
  const char* parameters;  // besides the context
  const char* arguments;
};

Kind KindOf(const MethodDescriptor& method) {
  if (method.client_streaming() && method.server_streaming()) {
    return {"ClientReaderWriterInterface<$request$, $response$>",
            "ClientAsyncReaderWriterInterface<$request$, $response$>", "", ""};
  }
  if (method.client_streaming()) {
    return {"ClientWriterInterface<$request$>", "ClientAsyncWriterInterface<$request$>",
            ", $response$* response", ", response"};
  }
  if (method.server_streaming()) {
    return {"ClientReaderInterface<$response$>", "ClientAsyncReaderInterface<$response$>",
            ", const $request$& request", ", request"};
  }
  return {nullptr, "ClientAsyncResponseReaderInterface<$response$>", ", const $request$& request",
          ", request"};
}

Words WordsOf(const MethodDescriptor& method) {
  const MethodOptions::IdempotencyLevel level = method.options().idempotency_level();
  return {{"method", method.name()},
          {"full", FullMethodName(method)},
          {"request", TypeName(*method.input_type())},
          {"response", TypeName(*method.output_type())},
          {"repeat", level == MethodOptions::IDEMPOTENCY_UNKNOWN ? "kMayNot" : "kMay"}};
}

// What both the type and the name of one more override need; `$...$` in them are words of the method.
void PrintForward(const Words& words, const std::string& type, const std::string& name,
                  const std::string& parameters, const std::string& arguments, Printer& out) {
  const std::string text =
      "  ::grpc::" + type + "* " + name + "Raw(\n      ::grpc::ClientContext* context" +
      parameters + ") override {\n    holdfast_guard_.Tell(*context);\n" +
      "    return holdfast_inner_->" + name + "(context" + arguments + ").release();\n  }\n";
  out.Print(words, text.c_str());
}

void PrintUnary(const Words& words, Printer& out) {
  out.Print(words,
            "  ::grpc::Status $method$(::grpc::ClientContext* context,\n"
            "      const $request$& request, $response$* response) override {\n"
            "    return holdfast_guard_.Unary(\n"
            "        \"$full$\", ::holdfast::grpc::Repeat::$repeat$, *context,\n"
            "        [&](::grpc::ClientContext& attempt) {\n"
            "          return holdfast_inner_->$method$(&attempt, request, response);\n"
            "        });\n"
            "  }\n");
}

void PrintPrivate(const MethodDescriptor& method, Printer& out) {
  const Words words = WordsOf(method);
  const Kind kind = KindOf(method);
  const std::string queue = ", ::grpc::CompletionQueue* queue";
  const bool unary = kind.reader == nullptr;
  if (!unary) {
    PrintForward(words, kind.reader, "$method$", kind.parameters, kind.arguments, out);
  }
  PrintForward(words, kind.async_reader, "Async$method$",
               kind.parameters + queue + (unary ? "" : ", void* tag"),
               std::string(kind.arguments) + ", queue" + (unary ? "" : ", tag"), out);
  PrintForward(words, kind.async_reader, "PrepareAsync$method$", kind.parameters + queue,
               std::string(kind.arguments) + ", queue", out);
}

}  // namespace

void PrintStubClass(const ServiceDescriptor& service, Printer& out) {
  const Words words = {{"service", service.name()}, {"full", service.full_name()}};
  out.Print(
      words,
      "// A stub of $full$ whose calls are guarded.\n"
      "class $service$DecoratedStub final : public $service$::StubInterface {\n"
      " public:\n"
      "  $service$DecoratedStub(std::shared_ptr<$service$::StubInterface> inner,\n"
      "                         ::holdfast::grpc::StubOptions options)\n"
      "      : holdfast_inner_(std::move(inner)), holdfast_guard_(std::move(options)) {}\n\n");
  for (int i = 0; i < service.method_count(); ++i) {
    const MethodDescriptor& method = *service.method(i);
    if (!method.client_streaming() && !method.server_streaming()) PrintUnary(WordsOf(method), out);
  }
  out.Print(words,
            "  $service$::StubInterface::async_interface* async() override {\n"
            "    return holdfast_inner_->async();\n"
            "  }\n");
  out.Print("\n private:\n");
  for (int i = 0; i < service.method_count(); ++i) PrintPrivate(*service.method(i), out);
  out.Print(words,
            "\n  const std::shared_ptr<$service$::StubInterface> holdfast_inner_;\n"
            "  const ::holdfast::grpc::StubGuard holdfast_guard_;\n"
            "};\n\n");
}

}  // namespace holdfast::protoc
