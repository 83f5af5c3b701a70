// SPDX-License-Identifier: Apache-2.0
// Names as grpc_cpp_plugin 1.51 writes them: it escapes no C++ keyword, so neither does this.
#include "protoc/names.h"

#include <cctype>

namespace holdfast::protoc {
namespace {

std::string Replaced(const std::string& text, char from, const std::string& to) {
  std::string out;
  for (const char c : text) c == from ? out.append(to) : out.append(1, c);
  return out;
}

}  // namespace

std::string TypeName(const google::protobuf::Descriptor& message) {
  const google::protobuf::Descriptor* outermost = &message;
  while (outermost->containing_type() != nullptr) outermost = outermost->containing_type();
  const std::string inner = message.full_name().substr(outermost->full_name().size());
  return "::" + Replaced(outermost->full_name(), '.', "::") + Replaced(inner, '.', "_");
}

std::string FullMethodName(const google::protobuf::MethodDescriptor& method) {
  return "/" + method.service()->full_name() + "/" + method.name();
}

std::string Stem(const google::protobuf::FileDescriptor& file) {
  const std::string suffix = ".proto";
  const std::string& name = file.name();
  const bool cut = name.size() > suffix.size() && name.ends_with(suffix);
  return cut ? name.substr(0, name.size() - suffix.size()) : name;
}

std::string IncludeGuard(const google::protobuf::FileDescriptor& file) {
  constexpr char kDigits[] = "0123456789abcdef";
  std::string guard = "HOLDFAST_";
  for (const unsigned char c : Stem(file)) {
    if (std::isalnum(c)) {
      guard += static_cast<char>(std::isupper(c) ? c : std::toupper(c));
      if (std::isupper(c)) guard += "_u";  // Pay.proto is not pay.proto
    } else {
      guard += '_';
      guard += kDigits[c >> 4];
      guard += kDigits[c & 15];
    }
  }
  return guard + "_PB_H_";
}

std::vector<std::string> Namespaces(const google::protobuf::FileDescriptor& file) {
  std::vector<std::string> parts;
  std::string rest = file.package();
  while (!rest.empty()) {
    const std::size_t dot = rest.find('.');
    parts.push_back(rest.substr(0, dot));
    rest = dot == std::string::npos ? "" : rest.substr(dot + 1);
  }
  return parts;
}

}  // namespace holdfast::protoc
