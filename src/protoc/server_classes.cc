// SPDX-License-Identifier: Apache-2.0
// One line of generated code for each method: everything else is in holdfast/grpc/decorate*.h.
#include "protoc/server_classes.h"

#include <google/protobuf/descriptor.pb.h>

#include <map>
#include <string>

#include "protoc/names.h"

namespace holdfast::protoc {
namespace {

using google::protobuf::MethodDescriptor;
using google::protobuf::ServiceDescriptor;
using google::protobuf::io::Printer;
using Words = std::map<std::string, std::string>;

Words WordsOf(const ServiceDescriptor& service) {
  return {{"service", service.name()},
          {"full", service.full_name()},
          {"methods", std::to_string(service.method_count())}};
}

Words WordsOf(const MethodDescriptor& method) {
  const bool reads =
      method.options().idempotency_level() == google::protobuf::MethodOptions::NO_SIDE_EFFECTS;
  return {{"method", method.name()},
          {"full", FullMethodName(method)},
          {"index", std::to_string(method.index())},
          {"request", TypeName(*method.input_type())},
          {"response", TypeName(*method.output_type())},
          {"effects", reads ? "kNone" : "kUnknown"}};
}

void PrintMethodTable(const ServiceDescriptor& service, const char* serves, Printer& out) {
  out.Print("        holdfast_methods_{{\n");
  for (int i = 0; i < service.method_count(); ++i) {
    Words words = WordsOf(*service.method(i));
    words["serves"] = serves;
    out.Print(words,
              "            {guard, \"$full$\", ::holdfast::grpc::SideEffects::$effects$,\n"
              "             ::holdfast::grpc::$serves$(inner)},\n");
  }
  out.Print("        }} {}\n");
}

void PrintBlockingMethod(const MethodDescriptor& method, Printer& out) {
  const Words words = WordsOf(method);
  const bool reads = method.client_streaming(), writes = method.server_streaming();
  if (reads && writes) {
    out.Print(words,
              "  ::grpc::Status $method$(::grpc::ServerContext* context,\n"
              "      ::grpc::ServerReaderWriter<$response$, $request$>* stream) override {\n"
              "    return holdfast_methods_[$index$].Stream(context, [&] {\n"
              "      return holdfast_inner_.$method$(context, stream);\n"
              "    });\n"
              "  }\n");
  } else if (reads) {
    out.Print(words,
              "  ::grpc::Status $method$(::grpc::ServerContext* context,\n"
              "      ::grpc::ServerReader<$request$>* reader, $response$* response) override {\n"
              "    return holdfast_methods_[$index$].Stream(context, [&] {\n"
              "      return holdfast_inner_.$method$(context, reader, response);\n"
              "    });\n"
              "  }\n");
  } else if (writes) {
    out.Print(words,
              "  ::grpc::Status $method$(::grpc::ServerContext* context,\n"
              "      const $request$* request,\n"
              "      ::grpc::ServerWriter<$response$>* writer) override {\n"
              "    return holdfast_methods_[$index$].Stream(context, [&] {\n"
              "      return holdfast_inner_.$method$(context, request, writer);\n"
              "    });\n"
              "  }\n");
  } else {
    out.Print(words,
              "  ::grpc::Status $method$(::grpc::ServerContext* context,\n"
              "      const $request$* request, $response$* response) override {\n"
              "    return holdfast_methods_[$index$].Unary(context, request, response, [&] {\n"
              "      return holdfast_inner_.$method$(context, request, response);\n"
              "    });\n"
              "  }\n");
  }
}

void PrintCallbackMethod(const MethodDescriptor& method, Printer& out) {
  const Words words = WordsOf(method);
  const bool reads = method.client_streaming(), writes = method.server_streaming();
  if (reads && writes) {
    out.Print(words,
              "  ::grpc::ServerBidiReactor<$request$, $response$>* $method$(\n"
              "      ::grpc::CallbackServerContext* context) override {\n"
              "    return ::holdfast::grpc::decorated::BidiStream<$request$, $response$>(\n"
              "        holdfast_methods_[$index$], context, [this, context] {\n"
              "          return holdfast_inner_.$method$(context);\n"
              "        });\n"
              "  }\n");
  } else if (reads) {
    out.Print(words,
              "  ::grpc::ServerReadReactor<$request$>* $method$(\n"
              "      ::grpc::CallbackServerContext* context, $response$* response) override {\n"
              "    return ::holdfast::grpc::decorated::ClientStream<$request$>(\n"
              "        holdfast_methods_[$index$], context, [this, context, response] {\n"
              "          return holdfast_inner_.$method$(context, response);\n"
              "        });\n"
              "  }\n");
  } else if (writes) {
    out.Print(words,
              "  ::grpc::ServerWriteReactor<$response$>* $method$(\n"
              "      ::grpc::CallbackServerContext* context, const $request$* request) override {\n"
              "    return ::holdfast::grpc::decorated::ServerStream<$response$>(\n"
              "        holdfast_methods_[$index$], context, [this, context, request] {\n"
              "          return holdfast_inner_.$method$(context, request);\n"
              "        });\n"
              "  }\n");
  } else {
    out.Print(
        words,
        "  ::grpc::ServerUnaryReactor* $method$(\n"
        "      ::grpc::CallbackServerContext* context, const $request$* request,\n"
        "      $response$* response) override {\n"
        "    return ::holdfast::grpc::decorated::Unary(\n"
        "        holdfast_methods_[$index$], holdfast_executor_, context, request, response,\n"
        "        [this, context, request, response] {\n"
        "          return holdfast_inner_.$method$(context, request, response);\n"
        "        });\n"
        "  }\n");
  }
}

void PrintBlockingClass(const ServiceDescriptor& service, Printer& out) {
  const Words words = WordsOf(service);
  out.Print(
      words,
      "// $full$ behind a guard. Register it instead of `inner`, which must outlive it.\n"
      "class $service$Decorated final : public $service$::Service {\n"
      " public:\n"
      "  $service$Decorated($service$::Service& inner, const ::holdfast::grpc::Guard& guard)\n"
      "      : holdfast_inner_(inner),\n");
  PrintMethodTable(service, "ServesBlocking", out);
  // A service of another API is a Service too, and gRPC's code would abort the process on its first call.
  // Without methods they are all the same class.
  if (service.method_count() > 0) {
    out.Print(words,
              "  $service$Decorated($service$::AsyncService&,\n"
              "      const ::holdfast::grpc::Guard&) = delete;\n"
              "  $service$Decorated($service$::CallbackService&,\n"
              "      const ::holdfast::grpc::Guard&) = delete;\n");
  }
  out.Print("\n");
  for (int i = 0; i < service.method_count(); ++i) PrintBlockingMethod(*service.method(i), out);
  out.Print(words,
            "\n private:\n"
            "  $service$::Service& holdfast_inner_;\n"
            "  const std::array<::holdfast::grpc::GuardedMethod, $methods$> holdfast_methods_;\n"
            "};\n\n");
}

void PrintCallbackClass(const ServiceDescriptor& service, Printer& out) {
  const Words words = WordsOf(service);
  out.Print(words,
            "// As $service$Decorated, for the callback API.\n"
            "class $service$CallbackDecorated final : public $service$::CallbackService {\n"
            " public:\n"
            "  $service$CallbackDecorated($service$::CallbackService& inner,\n"
            "                             const ::holdfast::grpc::Guard& guard,\n"
            "                             ::holdfast::grpc::Executor executor = nullptr)\n"
            "      : holdfast_inner_(inner),\n"
            "        holdfast_executor_(std::move(executor)),\n");
  PrintMethodTable(service, "ServesCallbacks", out);
  out.Print("\n");
  for (int i = 0; i < service.method_count(); ++i) PrintCallbackMethod(*service.method(i), out);
  out.Print(words,
            "\n private:\n"
            "  $service$::CallbackService& holdfast_inner_;\n"
            "  const ::holdfast::grpc::Executor holdfast_executor_;\n"
            "  const std::array<::holdfast::grpc::GuardedMethod, $methods$> holdfast_methods_;\n"
            "};\n\n");
}

}  // namespace

void PrintServerClasses(const ServiceDescriptor& service, Printer& out) {
  PrintBlockingClass(service, out);
  PrintCallbackClass(service, out);
}

}  // namespace holdfast::protoc
