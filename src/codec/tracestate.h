// SPDX-License-Identifier: Apache-2.0
//
// The W3C tracestate header: lists of vendors' key=value members, https://www.w3.org/TR/trace-context-2/ 3.3.
//
//   key    [a-z0-9][a-z0-9_*/@-]{0,255}       value   0x20..0x7E but "," and "=", 1..256, no space at its end
//
// Several headers are one list in their order (RFC 9110 5.3). White space around members and empty members
// are dropped; leading spaces of a value are its own. One malformed member, or a 33rd, and nothing of the
// list counts. Of a key only the left-most, which is the newest, is kept.
#ifndef HOLDFAST_CODEC_TRACESTATE_H_
#define HOLDFAST_CODEC_TRACESTATE_H_

#include <cstddef>
#include <cstdint>
#include <string_view>

#include "codec/key_list.h"

namespace holdfast::codec {

inline constexpr std::size_t kTracestateMembers = 32;
inline constexpr std::size_t kTracestateMax =
    kTracestateMembers * (256 + 1 + 256) + kTracestateMembers - 1;

// Writes one canonical list out of the headers it is given.
class TracestateList {
 public:
  // kTracestateMax bytes hold every list. `allowed` is nullable: all.
  TracestateList(char* out, std::size_t capacity, const KeyList* allowed)
      : out_(out), capacity_(capacity), allowed_(allowed) {}

  // False, and the whole list is empty for good, if the header is malformed, makes more than 32 members, or
  // does not fit.
  bool Add(std::string_view header);

  std::string_view text() const { return {out_, size_}; }
  bool malformed() const { return malformed_; }
  bool overflowed() const { return overflowed_; }
  // Members that were legal, but not kept.
  std::uint32_t repeated() const { return repeated_; }
  std::uint32_t untrusted() const { return untrusted_; }

 private:
  bool AddMember(std::string_view member);
  bool IsThere(std::string_view key) const;

  char* const out_;
  const std::size_t capacity_;
  const KeyList* const allowed_;
  std::size_t size_ = 0;
  std::size_t seen_ = 0;
  std::size_t kept_ = 0;
  bool malformed_ = false;
  bool overflowed_ = false;
  std::uint32_t repeated_ = 0;
  std::uint32_t untrusted_ = 0;
  std::uint16_t key_at_[kTracestateMembers];
  std::uint16_t key_size_[kTracestateMembers];
};

// The members of a canonical list that fit into `limit` bytes and are allowed, into `out`, which has `limit`
// bytes. W3C's order of leaving out: first members of more than 128 bytes, the right-most first, then from the right.
struct FittedTracestate {
  std::size_t size = 0;
  std::uint32_t over = 0;
  std::uint32_t untrusted = 0;
};
FittedTracestate FitTracestate(std::string_view list, std::size_t limit, const KeyList* allowed,
                               char* out);

}  // namespace holdfast::codec

#endif  // HOLDFAST_CODEC_TRACESTATE_H_
