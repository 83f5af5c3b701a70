// SPDX-License-Identifier: Apache-2.0
// http_echo: a service that is asked to call others, and passes the context of its request on to each. The
// smallest thing in which propagation is visible from outside: the W3C trace-context test suite drives it.
//
//   ./dev example http_echo --port 8080
//   curl -d '[{"url": "http://127.0.0.1:9090/", "arguments": []}]' http://127.0.0.1:8080/
#include <absl/strings/numbers.h>
#include <absl/strings/str_cat.h>
#include <getopt.h>

#include <cstdio>
#include <iostream>
#include <string>
#include <string_view>

#include "server.h"

namespace {

constexpr std::string_view kHelp =
    R"(usage: http_echo [--port N] [--address IP] [--boundary internal|ingress]
                 [--formats w3c,b3,b3multi] [--baggage KEY=VALUE] [--tracestate KEY=VALUE] [--log]

  --port N       where to listen; 0, the default, picks a free port (printed)
  --address IP   default 127.0.0.1: it calls whatever URL it is sent, so mind who can reach it
  --boundary B   internal (default): the callers' context is believed; ingress: they are strangers
  --formats F    trace headers to read and write, default w3c
  --baggage      a member to add to each call's; any text as value
  --tracestate   likewise, at the left
  --log          a line per request, with the ids of its context, to stderr
)";

struct Settings {
  http_echo::ServerOptions server;
  holdfast::PropagationOptions propagation;
  bool help = false;
};

bool TakeFormats(std::string_view text, uint32_t* formats) {
  *formats = 0;
  while (!text.empty()) {
    const std::string_view name = text.substr(0, text.find(','));
    text.remove_prefix(std::min(text.size(), name.size() + 1));
    if (name == "w3c") {
      *formats |= HF_FORMAT_W3C;
    } else if (name == "b3") {
      *formats |= HF_FORMAT_B3_SINGLE;
    } else if (name == "b3multi") {
      *formats |= HF_FORMAT_B3_MULTI;
    } else {
      return false;
    }
  }
  return *formats != 0;
}

std::string Split(std::string_view text, std::string* key, std::string* value) {
  const std::size_t equals = text.find('=');
  if (equals == text.npos || equals == 0) return "--baggage and --tracestate take KEY=VALUE";
  *key = text.substr(0, equals);
  *value = text.substr(equals + 1);
  return "";
}

// Empty, or what is wrong with the flag.
std::string Take(int flag, std::string_view value, Settings* settings) {
  uint32_t number = 0;
  switch (flag) {
    case 'p':
      if (!absl::SimpleAtoi(std::string(value), &number) || number > 65535) {
        return absl::StrCat("--port takes a number from 0 to 65535, not '", std::string(value),
                            "'");
      }
      settings->server.port = static_cast<uint16_t>(number);
      return "";
    case 'a':
      settings->server.address = value;
      return "";
    case 'b':
      if (value != "internal" && value != "ingress") return "--boundary takes internal or ingress";
      settings->propagation.boundary =
          value == "internal" ? holdfast::Boundary::kInternal : holdfast::Boundary::kIngress;
      return "";
    case 'f':
      if (!TakeFormats(value, &number)) return "--formats takes w3c, b3 and b3multi, with commas";
      settings->propagation.read_formats = number;
      settings->propagation.write_formats = number;
      return "";
    case 'g':
      return Split(value, &settings->server.additions.baggage_key,
                   &settings->server.additions.baggage_value);
    case 't':
      return Split(value, &settings->server.additions.tracestate_key,
                   &settings->server.additions.tracestate_value);
    case 'l':
      settings->server.log = true;
      return "";
    case 'h':
      settings->help = true;
      return "";
    default:
      return "see --help";
  }
}

std::string ParseSettings(int argc, char** argv, Settings* settings) {
  constexpr option kFlags[] = {{"port", required_argument, nullptr, 'p'},
                               {"address", required_argument, nullptr, 'a'},
                               {"boundary", required_argument, nullptr, 'b'},
                               {"formats", required_argument, nullptr, 'f'},
                               {"baggage", required_argument, nullptr, 'g'},
                               {"tracestate", required_argument, nullptr, 't'},
                               {"log", no_argument, nullptr, 'l'},
                               {"help", no_argument, nullptr, 'h'},
                               {nullptr, 0, nullptr, 0}};
  for (int flag; (flag = getopt_long(argc, argv, "", kFlags, nullptr)) != -1;) {
    std::string wrong = Take(flag, optarg == nullptr ? "" : optarg, settings);
    if (!wrong.empty()) return wrong;
  }
  return optind == argc ? "" : absl::StrCat("what is '", argv[optind], "'?");
}

}  // namespace

int main(int argc, char** argv) {
  Settings settings;
  settings.propagation.boundary = holdfast::Boundary::kInternal;
  settings.propagation.budget =
      32 * 1024;  // HTTP servers take that much, and the longest lists fit
  const std::string wrong = ParseSettings(argc, argv, &settings);
  if (!wrong.empty()) {
    std::cerr << "http_echo: " << wrong << "\n";
    return 2;
  }
  if (settings.help) {
    std::cout << kHelp;
    return 0;
  }
  const absl::Status additions = http_echo::Check(settings.server.additions);
  absl::StatusOr<holdfast::Propagator> propagator =
      holdfast::Propagator::Create(settings.propagation);
  if (!propagator.ok() || !additions.ok()) {
    std::cerr << "http_echo: " << (additions.ok() ? propagator.status() : additions).message()
              << "\n";
    return 2;
  }
  const std::string address = settings.server.address;
  const absl::Status status =
      http_echo::Serve(*propagator, settings.server, [&address](uint16_t port) {
        const bool v6 = address.find(':') != std::string::npos;
        std::cout << "listening on http://" << (v6 ? "[" : "") << address << (v6 ? "]:" : ":")
                  << port << std::endl;
      });
  if (!status.ok()) std::cerr << "http_echo: " << status.message() << "\n";
  return status.ok() ? 0 : 1;
}
