// SPDX-License-Identifier: Apache-2.0
// Metadata: the guard between any string and gRPC's header list.
//
// gRPC C++ aborts the process on an illegal key or value, and a peer refuses a call whose headers are
// larger than its limit (8 KiB unless raised, by name + value + 32 for each entry). So nothing enters a
// context here that was not checked, and each hop spends from a budget. An error is a status, and then
// nothing was added.
//
//   key    [0-9a-z_.-]+, 1..255 bytes; not "grpc-*", and none of the transport's own (te, content-type)
//   value  0x20..0x7E; any bytes if the key ends in "-bin" (gRPC sends these as base64)
//
// Source: gRPC over HTTP/2, doc/PROTOCOL-HTTP2.md. Threads: all functions are pure or touch only the
// objects they are given.
#ifndef HOLDFAST_GRPC_METADATA_H_
#define HOLDFAST_GRPC_METADATA_H_

#include <absl/status/status.h>
#include <absl/status/statusor.h>
#include <grpcpp/client_context.h>
#include <grpcpp/server_context.h>

#include <cstddef>
#include <string>
#include <string_view>

namespace holdfast::inline v0_5::grpc {

// What one hop may add, half of gRPC's default limit: the rest is for names, paths and proxies.
inline constexpr std::size_t kMetadataBudget = 4096;

// One entry that a user adds. Borrowed.
struct MetadataEntry {
  std::string_view key = {};
  std::string_view value = {};
};

// OK if gRPC would accept the entry and it is not reserved.
// Errors: INVALID_ARGUMENT HF_R_MALFORMED naming the key (cut and escaped) and the byte at fault, never
// the value.
absl::Status CheckMetadata(std::string_view key, std::string_view value);

// As above, "grpc-*" and the transport's own names included, but for the two that gRPC aborts for: whether
// gRPC takes it.
absl::Status CheckWireLegal(std::string_view key, std::string_view value);

// Any text as a legal value: bytes outside 0x21..0x7E and '%' become %XX, and so do outer spaces, which
// peers may strip; inner spaces stay.
std::string EncodeText(std::string_view text);

// The inverse. Errors: INVALID_ARGUMENT HF_R_MALFORMED: '%' without two hex digits.
absl::StatusOr<std::string> DecodeText(std::string_view value);

// How much of one hop's headers is still free. Not thread-safe: one per context.
class MetadataBudget {
 public:
  explicit MetadataBudget(std::size_t bytes = kMetadataBudget) : left_(bytes) {}

  // Takes the entry's size as HTTP/2 counts it.
  // Errors: as CheckMetadata; RESOURCE_EXHAUSTED HF_R_OUT_OF_RANGE: does not fit; nothing was taken.
  absl::Status Take(std::string_view key, std::string_view value);
  // Likewise, of an entry that is known to be legal. Errors: RESOURCE_EXHAUSTED HF_R_OUT_OF_RANGE.
  absl::Status TakeLegal(std::string_view key, std::size_t value_size);

  std::size_t left() const { return left_; }

 private:
  std::size_t left_;
};

// Each adds one checked entry, or nothing. Errors: as MetadataBudget::Take.
absl::Status AddMetadata(::grpc::ClientContext& context, MetadataBudget& budget,
                         std::string_view key, std::string_view value);
absl::Status AddInitialMetadata(::grpc::ServerContextBase& context, MetadataBudget& budget,
                                std::string_view key, std::string_view value);
absl::Status AddTrailer(::grpc::ServerContextBase& context, MetadataBudget& budget,
                        std::string_view key, std::string_view value);

// For one entry, where no budget is kept: bounded by kMetadataBudget alone.
absl::Status AddMetadata(::grpc::ClientContext& context, std::string_view key,
                         std::string_view value);
absl::Status AddTrailer(::grpc::ServerContextBase& context, std::string_view key,
                        std::string_view value);

}  // namespace holdfast::inline v0_5::grpc

#endif  // HOLDFAST_GRPC_METADATA_H_
