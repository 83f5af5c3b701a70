// SPDX-License-Identifier: Apache-2.0
//
// The W3C baggage header: what an application wants to travel with a request, https://www.w3.org/TR/baggage/.
//
//   list      member *( "," member )                 at most 180 members and 8192 bytes are kept
//   member    key "=" value *( ";" property )        white space around each part is dropped
//   property  key "=" value  |  key
//   key       RFC 9110 token, to the letter          value  0x21..0x7E but DQUOTE "," ";" "\", escapes of UTF-8
//
// Several headers are one list in their order. Keys may come twice. A malformed member is left out, and so
// is one that no longer fits; the others stay. What another wrote is passed on as they wrote it: the escapes
// alone are put in order (percent.h).
#ifndef HOLDFAST_CODEC_BAGGAGE_H_
#define HOLDFAST_CODEC_BAGGAGE_H_

#include <cstddef>
#include <cstdint>
#include <string_view>

#include "codec/key_list.h"
#include "codec/percent.h"

namespace holdfast::codec {

inline constexpr std::size_t kBaggageMembers = 180;
inline constexpr std::size_t kBaggageMax = 8192;
// The property of a member that must not leave the process.
inline constexpr std::string_view kPrivateProperty = "holdfast-pii";

// Whether a member, without the white space around it, has that property.
bool IsPrivate(std::string_view member);

// The key of a canonical member.
std::string_view KeyOf(std::string_view member);

// The first member of a canonical list, which is taken off it.
std::string_view TakeMember(std::string_view& list);

// Writes one canonical list out of the headers it is given.
class BaggageList {
 public:
  // `allowed` is nullable: all. Members with a key in `tagged` (nullable) become private.
  BaggageList(char* out, std::size_t capacity, const KeyList* allowed, const KeyList* tagged)
      : out_(out),
        capacity_(capacity < kBaggageMax ? capacity : kBaggageMax),
        allowed_(allowed),
        tagged_(tagged) {}

  void Add(std::string_view header);

  std::string_view text() const { return {out_, size_}; }
  bool has_private() const { return has_private_; }
  std::uint32_t kept() const { return kept_; }
  // Members left out, by reason.
  std::uint32_t malformed() const { return malformed_; }
  std::uint32_t untrusted() const { return untrusted_; }
  std::uint32_t over() const { return over_; }

 private:
  void AddPlain(std::string_view key, std::string_view member);
  void AddMember(std::string_view member);
  // Where the next member would begin, after a comma if it needs one, and the room from there.
  std::size_t Begin() const { return size_ + (size_ != 0); }
  TextSink SinkAt(std::size_t begin) const {
    return {out_ + begin, capacity_ > begin ? capacity_ - begin : 0};
  }
  void Keep(std::string_view key, std::size_t begin, TextSink& sink, bool is_private);

  char* const out_;
  const std::size_t capacity_;
  const KeyList* const allowed_;
  const KeyList* const tagged_;
  std::size_t size_ = 0;
  bool has_private_ = false;
  std::uint32_t kept_ = 0;
  std::uint32_t malformed_ = 0;
  std::uint32_t untrusted_ = 0;
  std::uint32_t over_ = 0;
};

// The members of a canonical list that fit into `limit` bytes, are allowed (nullable: all), and not
// private: by their property, or a key in `tagged` (nullable). Into `out`, which has `limit` bytes.
struct FittedBaggage {
  std::size_t size = 0;
  std::uint32_t untrusted = 0;
  std::uint32_t kept_private = 0;
  std::uint32_t over = 0;
};
FittedBaggage FitBaggage(std::string_view list, std::size_t limit, const KeyList* allowed,
                         const KeyList* tagged, char* out);

}  // namespace holdfast::codec

#endif  // HOLDFAST_CODEC_BAGGAGE_H_
