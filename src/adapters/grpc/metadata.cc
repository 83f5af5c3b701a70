// SPDX-License-Identifier: Apache-2.0
// The guard's rules, as one pass over the bytes of a key and of a value.
//
// Invariant: what CheckMetadata lets through, gRPC's own validation lets through; the reverse need not
// hold (reserved names are legal on the wire).
#include <holdfast/grpc/metadata.h>
#include <holdfast/status.h>

#include <algorithm>
#include <array>
#include <cstdint>
#include <cstring>
#include <optional>

namespace holdfast::inline v0_5::grpc {
namespace {

constexpr std::size_t kKeyMax = 255;
// RFC 7541 4.1: the cost of an entry besides its bytes.
constexpr std::size_t kEntryOverhead = 32;

// Names with a meaning to HTTP/2 or to gRPC itself (RFC 9113 8.2.2; PROTOCOL-HTTP2.md).
constexpr std::array<std::string_view, 12> kTransportKeys = {
    "te",         "content-type",   "content-length", "user-agent",       "host",
    "connection", "keep-alive",     "upgrade",        "proxy-connection", "transfer-encoding",
    "trailer",    "accept-encoding"};

// Legal by their bytes, yet gRPC 1.51 asserts that nobody but itself sends them: the first from either side,
// the second from a server.
constexpr std::array<std::string_view, 2> kAbortingKeys = {"grpclb_client_stats", "grpc-timeout"};

constexpr bool LegalKeyByte(unsigned char byte) {
  return (byte >= '0' && byte <= '9') || (byte >= 'a' && byte <= 'z') || byte == '_' ||
         byte == '.' || byte == '-';
}

constexpr bool LegalValueByte(unsigned char byte) { return byte >= 0x20 && byte <= 0x7E; }

constexpr auto kLegalInKeys = [] {
  std::array<bool, 256> legal{};
  for (std::size_t byte = 0; byte < legal.size(); ++byte) {
    legal[byte] = LegalKeyByte(static_cast<unsigned char>(byte));
  }
  return legal;
}();

// Eight bytes at a time: one below 0x20, at 0x7F or above shows in its highest bit. What a byte borrows
// from, or carries to its neighbour it does only where it is illegal itself.
bool AllLegalInValues(std::string_view value) {
  constexpr std::uint64_t kOnes = 0x0101010101010101;
  std::uint64_t bad = 0;
  std::size_t at = 0;
  for (; at + sizeof bad <= value.size(); at += sizeof bad) {
    std::uint64_t bytes = 0;
    std::memcpy(&bytes, value.data() + at, sizeof bytes);
    bad |= bytes | (bytes - 0x20 * kOnes) | (bytes + kOnes);
  }
  if ((bad & (0x80 * kOnes)) != 0) return false;
  return std::all_of(value.begin() + static_cast<std::ptrdiff_t>(at), value.end(), LegalValueByte);
}

void AppendEscaped(unsigned char byte, std::string& out) {
  constexpr char kHex[] = "0123456789ABCDEF";
  out += '%';
  out += kHex[byte >> 4];
  out += kHex[byte & 15];
}

// A key of unknown origin, fit for a log line.
std::string Shown(std::string_view key) {
  constexpr std::size_t kShown = 40;
  std::string shown = EncodeText(key.substr(0, kShown));
  if (key.size() > kShown) shown += "...";
  return shown;
}

absl::Status Malformed(std::string_view key, std::string_view why) {
  std::string text = "metadata key \"" + Shown(key) + "\": ";
  text += why;
  return MakeStatus(HF_INVALID_ARGUMENT, HF_R_MALFORMED, text);
}

std::optional<unsigned> HexDigit(char digit) {
  if (digit >= '0' && digit <= '9') return digit - '0';
  if (digit >= 'A' && digit <= 'F') return digit - 'A' + 10;
  if (digit >= 'a' && digit <= 'f') return digit - 'a' + 10;
  return std::nullopt;
}

}  // namespace

absl::Status CheckWireLegal(std::string_view key, std::string_view value) {
  if (key.empty()) return Malformed(key, "empty");
  if (key.size() > kKeyMax) return Malformed(key, "longer than 255 bytes");
  const auto bad_key = std::find_if_not(key.begin(), key.end(),
                                        [](unsigned char byte) { return kLegalInKeys[byte]; });
  if (bad_key != key.end()) {
    return Malformed(
        key, "byte " + std::to_string(bad_key - key.begin()) + " is not one of 0-9 a-z _ . -");
  }
  if (std::find(kAbortingKeys.begin(), kAbortingKeys.end(), key) != kAbortingKeys.end()) {
    return Malformed(key, "is gRPC's own");
  }
  if (key.ends_with("-bin") || AllLegalInValues(value)) return absl::OkStatus();
  const auto bad_value = std::find_if_not(value.begin(), value.end(), LegalValueByte);
  return Malformed(key, "byte " + std::to_string(bad_value - value.begin()) +
                            " of the value is not printable ASCII");
}

absl::Status CheckMetadata(std::string_view key, std::string_view value) {
  if (absl::Status legal = CheckWireLegal(key, value); !legal.ok()) return legal;
  if (key.starts_with("grpc-")) return Malformed(key, "grpc-* is reserved");
  if (std::find(kTransportKeys.begin(), kTransportKeys.end(), key) != kTransportKeys.end()) {
    return Malformed(key, "belongs to the transport");
  }
  return absl::OkStatus();
}

std::string EncodeText(std::string_view text) {
  std::string value;
  value.reserve(text.size());
  for (std::size_t i = 0; i < text.size(); ++i) {
    const auto byte = static_cast<unsigned char>(text[i]);
    const bool outer_space = byte == ' ' && (i == 0 || i + 1 == text.size());
    if (LegalValueByte(byte) && byte != '%' && !outer_space) {
      value += text[i];
    } else {
      AppendEscaped(byte, value);
    }
  }
  return value;
}

absl::StatusOr<std::string> DecodeText(std::string_view value) {
  std::string text;
  text.reserve(value.size());
  for (std::size_t i = 0; i < value.size(); ++i) {
    if (value[i] != '%') {
      text += value[i];
      continue;
    }
    const auto high = i + 2 < value.size() ? HexDigit(value[i + 1]) : std::nullopt;
    const auto low = high ? HexDigit(value[i + 2]) : std::nullopt;
    if (!low) {
      return MakeStatus(HF_INVALID_ARGUMENT, HF_R_MALFORMED,
                        "byte " + std::to_string(i) + ": % without two hex digits");
    }
    text += static_cast<char>(*high << 4 | *low);
    i += 2;
  }
  return text;
}

absl::Status MetadataBudget::Take(std::string_view key, std::string_view value) {
  if (absl::Status legal = CheckMetadata(key, value); !legal.ok()) return legal;
  return TakeLegal(key, value.size());
}

absl::Status MetadataBudget::TakeLegal(std::string_view key, std::size_t value_size) {
  // Base64 makes four bytes of three.
  const std::size_t sent = key.ends_with("-bin") ? (value_size + 2) / 3 * 4 : value_size;
  const std::size_t cost = key.size() + sent + kEntryOverhead;
  if (cost > left_) {
    return MakeStatus(HF_RESOURCE_EXHAUSTED, HF_R_OUT_OF_RANGE,
                      "metadata key \"" + Shown(key) + "\": needs " + std::to_string(cost) +
                          " bytes of headers, " + std::to_string(left_) + " are left");
  }
  left_ -= cost;
  return absl::OkStatus();
}

absl::Status AddMetadata(::grpc::ClientContext& context, MetadataBudget& budget,
                         std::string_view key, std::string_view value) {
  absl::Status taken = budget.Take(key, value);
  if (taken.ok()) context.AddMetadata(std::string(key), std::string(value));
  return taken;
}

absl::Status AddInitialMetadata(::grpc::ServerContextBase& context, MetadataBudget& budget,
                                std::string_view key, std::string_view value) {
  absl::Status taken = budget.Take(key, value);
  if (taken.ok()) context.AddInitialMetadata(std::string(key), std::string(value));
  return taken;
}

absl::Status AddTrailer(::grpc::ServerContextBase& context, MetadataBudget& budget,
                        std::string_view key, std::string_view value) {
  absl::Status taken = budget.Take(key, value);
  if (taken.ok()) context.AddTrailingMetadata(std::string(key), std::string(value));
  return taken;
}

absl::Status AddMetadata(::grpc::ClientContext& context, std::string_view key,
                         std::string_view value) {
  MetadataBudget budget;
  return AddMetadata(context, budget, key, value);
}

absl::Status AddTrailer(::grpc::ServerContextBase& context, std::string_view key,
                        std::string_view value) {
  MetadataBudget budget;
  return AddTrailer(context, budget, key, value);
}

}  // namespace holdfast::inline v0_5::grpc
