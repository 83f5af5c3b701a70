// SPDX-License-Identifier: Apache-2.0
// Schema: the .proto files that one version of a contract is written in, with all they import.
//
// It comes from a FileDescriptorSet, as `protoc --include_imports --descriptor_set_out` writes it; with
// --include_source_info, what is found in it can be named by file, line and column.
#ifndef HOLDFAST_CONTRACT_SCHEMA_H_
#define HOLDFAST_CONTRACT_SCHEMA_H_

#include <absl/status/statusor.h>
#include <google/protobuf/descriptor.h>
#include <google/protobuf/descriptor.pb.h>
#include <holdfast/status.h>

#include <limits>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

namespace holdfast::inline v0_5::contract {

// Where something is declared. line and column count from 1; 0 if the set has no source info.
struct Place {
  std::string file;
  int line = 0;
  int column = 0;
};
// "orders/v1/order.proto:12:3", or as much of it as is known.
std::string Text(const Place& place);

// Cheap to copy. Thread-safe.
class Schema {
 public:
  // At most, since a set that comes from a stranger must not take all memory nor all day.
  static constexpr std::size_t kMaxBytes = std::size_t{64} << 20;
  static constexpr int kMaxFiles = 10'000;
  static constexpr std::size_t kMaxImportDepth = 1'000;
  static constexpr int kMaxRanges = 2'048;  // reserved, or of extensions, in one message or enum

  // Errors: kInvalidArgument, naming the file and what is wrong with it: an import that is missing from the set, a name
  // declared twice, a file twice with different contents, bytes that are no set;
  // kResourceExhausted: over a limit above.
  static absl::StatusOr<Schema> Parse(std::string_view set_bytes);
  static absl::StatusOr<Schema> Create(const google::protobuf::FileDescriptorSet& set);

  // The files of the set, in its order, but for those of google.protobuf that others import.
  const std::vector<const google::protobuf::FileDescriptor*>& files() const;
  const google::protobuf::DescriptorPool& pool() const;
  // nullptr if there is none of this full name.
  const google::protobuf::Descriptor* FindMessage(std::string_view full_name) const;

 private:
  Schema() = default;
  struct Impl;
  std::shared_ptr<const Impl> impl_;
};

namespace detail {
// Source info is whatever the set says: 0 for what cannot be a line or column.
constexpr int FromOne(int from_zero) {
  return from_zero < 0 || from_zero == std::numeric_limits<int>::max() ? 0 : from_zero + 1;
}
}  // namespace detail

// Where a message, field, enum, value, oneof, service, method or file is declared.
template <class Descriptor>
Place PlaceOf(const Descriptor& declared) {
  Place place{declared.file()->name(), 0, 0};
  google::protobuf::SourceLocation location;
  if (declared.GetSourceLocation(&location)) {
    place.line = detail::FromOne(location.start_line);
    place.column = detail::FromOne(location.start_column);
  }
  return place;
}
inline Place PlaceOf(const google::protobuf::FileDescriptor& file) { return {file.name(), 0, 0}; }

}  // namespace holdfast::inline v0_5::contract

#endif  // HOLDFAST_CONTRACT_SCHEMA_H_
