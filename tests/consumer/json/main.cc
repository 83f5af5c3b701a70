// SPDX-License-Identifier: Apache-2.0
// Events as JSON from the installed package, whose headers need no nlohmann-json.
#include <holdfast/json/envelope.h>

#include <cstdio>
#include <string>

#ifdef NLOHMANN_JSON_VERSION_MAJOR
#error "a public header includes nlohmann-json"
#endif

int main() {
  const auto event = holdfast::json::ReadJson(
      R"({"specversion":"1.0","id":"1","source":"/s","type":"t","data":{"z":1.0,"a":2}})");
  if (!event.ok()) return 1;
  std::string text;
  if (!holdfast::json::WriteJson(event->view(), &text).ok()) return 1;
  std::printf("%s\n", text.c_str());
  return text.find(R"("data":{"z":1.0,"a":2})") == std::string::npos;
}
