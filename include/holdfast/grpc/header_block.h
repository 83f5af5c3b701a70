// SPDX-License-Identifier: Apache-2.0
// HeaderBlock: a few headers, written once and sent with each attempt of a call. For ContextFactory only.
//
// Invariant: the texts of all values follow each other in one array, in the order of the entries. Without
// memory of its own for as many as calls usually have.
#ifndef HOLDFAST_GRPC_HEADER_BLOCK_H_
#define HOLDFAST_GRPC_HEADER_BLOCK_H_

#include <absl/container/inlined_vector.h>

#include <cstddef>
#include <cstdint>
#include <string_view>

namespace holdfast::inline v0_5::grpc::internal {

class HeaderBlock {
 public:
  // Keys must be static, values are copied.
  void Add(std::string_view key, std::string_view value) {
    text_.insert(text_.end(), value.begin(), value.end());
    entries_.push_back({key, static_cast<std::uint32_t>(value.size())});
  }

  template <class Sink>
  void ForEach(Sink&& sink) const {
    const char* value = text_.data();
    for (const Entry& entry : entries_) {
      sink(entry.key, std::string_view(value, entry.size));
      value += entry.size;
    }
  }

 private:
  struct Entry {
    std::string_view key;
    std::uint32_t size;
  };

  absl::InlinedVector<Entry, 10> entries_;
  absl::InlinedVector<char, 320> text_;
};

}  // namespace holdfast::inline v0_5::grpc::internal

#endif  // HOLDFAST_GRPC_HEADER_BLOCK_H_
