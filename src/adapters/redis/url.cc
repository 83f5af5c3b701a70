// SPDX-License-Identifier: Apache-2.0
// See url.h. Source of the syntax: RFC 3986, and IANA's registration of the scheme "redis".
#include <holdfast/redis/url.h>

#include <algorithm>
#include <charconv>
#include <limits>
#include <set>
#include <string>

namespace holdfast::inline v0_5::redis {
namespace {

constexpr size_t kMaxUrl = 8192;

absl::Status Bad(std::string_view part, std::string_view why) {
  return MakeStatus(HF_INVALID_ARGUMENT, HF_R_BAD_OPTIONS,
                    "url: " + std::string(part) + ": " + std::string(why));
}

int Nibble(char c) {
  if (c >= '0' && c <= '9') return c - '0';
  if (c >= 'a' && c <= 'f') return c - 'a' + 10;
  if (c >= 'A' && c <= 'F') return c - 'A' + 10;
  return -1;
}

// False: a broken escape, or a NUL or another control character, which no part has a use for.
bool Decode(std::string_view text, std::string* out) {
  out->clear();
  for (size_t i = 0; i < text.size(); ++i) {
    char c = text[i];
    if (c == '%') {
      if (i + 2 >= text.size()) return false;
      const int high = Nibble(text[i + 1]);
      const int low = Nibble(text[i + 2]);
      if (high < 0 || low < 0) return false;
      c = static_cast<char>(high << 4 | low);
      i += 2;
    }
    if (static_cast<unsigned char>(c) < 0x20 || c == 0x7f) return false;
    out->push_back(c);
  }
  return true;
}

template <typename Number>
bool ParseNumber(std::string_view text, Number* value) {
  uint64_t wide = 0;
  const auto parsed = std::from_chars(text.data(), text.data() + text.size(), wide);
  if (text.empty() || parsed.ec != std::errc{} || parsed.ptr != text.data() + text.size())
    return false;
  if (wide > std::numeric_limits<Number>::max()) return false;
  *value = static_cast<Number>(wide);
  return true;
}

absl::Status ParseUser(std::string_view text, Credentials* who) {
  const size_t colon = text.find(':');
  if (colon == std::string_view::npos) return Bad("user", "a username without a password");
  if (!Decode(text.substr(0, colon), &who->username)) return Bad("username", "a broken escape");
  if (!Decode(text.substr(colon + 1), &who->password)) return Bad("password", "a broken escape");
  return absl::OkStatus();
}

absl::Status ParseHost(std::string_view text, Server* server) {
  std::string_view host = text;
  std::string_view port;
  bool has_port = false;
  if (text.starts_with('[')) {
    const size_t close = text.find(']');
    if (close == std::string_view::npos) return Bad("host", "an unclosed bracket");
    host = text.substr(1, close - 1);
    const std::string_view rest = text.substr(close + 1);
    if (!rest.empty() && !rest.starts_with(':')) return Bad("host", "text after the bracket");
    has_port = !rest.empty();
    port = has_port ? rest.substr(1) : "";
    const bool address = std::all_of(host.begin(), host.end(),
                                     [](char c) { return Nibble(c) >= 0 || c == ':' || c == '.'; });
    if (!address) return Bad("host", "not an IPv6 address");
  } else if (const size_t colon = text.find(':'); colon != std::string_view::npos) {
    host = text.substr(0, colon);
    port = text.substr(colon + 1);
    has_port = true;
  }
  if (!Decode(host, &server->host)) return Bad("host", "a broken escape");
  const auto foreign = [](char c) {
    return c == ' ' || c == '/' || c == '@' || c == '[' || c == ']';
  };
  if (std::any_of(server->host.begin(), server->host.end(), foreign)) {
    return Bad("host", "a character that no host has");
  }
  if (server->host.empty()) return Bad("host", "empty");
  if (has_port && (!ParseNumber(port, &server->port) || server->port == 0)) {
    return Bad("port", "not 1..65535");
  }
  return absl::OkStatus();
}

std::string* TextOption(std::string_view name, Options* options) {
  Server& server = options->server;
  if (name == "password_file") return &server.credentials.password_file;
  if (name == "ca_file") return &server.tls.ca_file;
  if (name == "cert_file") return &server.tls.cert_file;
  if (name == "key_file") return &server.tls.key_file;
  if (name == "server_name") return &server.tls.server_name;
  if (name == "client_name") return &server.client_name;
  if (name == "prefix") return &options->prefix;
  return nullptr;
}

bool* SwitchOption(std::string_view name, Options* options) {
  if (name == "allow_any_certificate") return &options->server.tls.allow_any_certificate;
  if (name == "allow_eviction") return &options->allow_eviction;
  if (name == "allow_replica") return &options->allow_replica;
  if (name == "allow_old_server") return &options->allow_old_server;
  if (name == "allow_active_active") return &options->allow_active_active;
  if (name == "allow_unknown_configuration") return &options->allow_unknown_configuration;
  if (name == "require_sentinel") return &options->require_sentinel;
  return nullptr;
}

absl::Status ParseOption(std::string_view name, std::string_view value, Options* options) {
  if (std::string* text = TextOption(name, options)) {
    if (!Decode(value, text)) return Bad(name, "a broken escape");
    return text->empty() ? Bad(name, "empty") : absl::OkStatus();
  }
  if (bool* on = SwitchOption(name, options)) {
    *on = true;
    return value == "1" ? absl::OkStatus() : Bad(name, "only 1 may be given");
  }
  uint32_t* const number = name == "connections" ? &options->connections
                           : name == "replicas"  ? &options->replicas
                                                 : nullptr;
  // The name is not shown: it may be half of a password with an unescaped '?'.
  if (number == nullptr) return Bad("query", "a name that is not known");
  return ParseNumber(value, number) ? absl::OkStatus() : Bad(name, "not a number");
}

absl::Status ParseQuery(std::string_view query, Options* options) {
  std::set<std::string_view> seen;
  while (!query.empty()) {
    const std::string_view pair = query.substr(0, query.find('&'));
    query.remove_prefix(std::min(query.size(), pair.size() + 1));
    const size_t equals = pair.find('=');
    if (equals == std::string_view::npos) return Bad("query", "a name without a value");
    const std::string_view name = pair.substr(0, equals);
    if (absl::Status status = ParseOption(name, pair.substr(equals + 1), options); !status.ok()) {
      return status;
    }
    if (!seen.insert(name).second) return Bad(name, "given twice");
  }
  return absl::OkStatus();
}

}  // namespace

absl::StatusOr<Options> ParseUrl(std::string_view url) {
  Options options;
  if (url.size() > kMaxUrl) return Bad("length", "above 8192");
  if (url.starts_with("rediss://")) {
    options.server.tls.enabled = true;
    url.remove_prefix(9);
  } else if (url.starts_with("redis://")) {
    url.remove_prefix(8);
  } else {
    return Bad("scheme", "neither redis:// nor rediss://");
  }
  if (url.find('#') != std::string_view::npos) return Bad("fragment", "has no meaning here");
  const size_t question = url.find('?');
  const std::string_view query = question == std::string_view::npos ? "" : url.substr(question + 1);
  url = url.substr(0, question);
  const size_t slash = url.find('/');
  std::string_view place = url.substr(0, slash);
  const std::string_view database = slash == std::string_view::npos ? "" : url.substr(slash + 1);
  if (const size_t at = place.rfind('@'); at != std::string_view::npos) {
    if (absl::Status status = ParseUser(place.substr(0, at), &options.server.credentials);
        !status.ok()) {
      return status;
    }
    place.remove_prefix(at + 1);
  }
  if (absl::Status status = ParseHost(place, &options.server); !status.ok()) return status;
  if (!database.empty() && !ParseNumber(database, &options.server.database)) {
    return Bad("database", "not a number");
  }
  if (absl::Status status = ParseQuery(query, &options); !status.ok()) return status;
  return options;
}

}  // namespace holdfast::inline v0_5::redis
