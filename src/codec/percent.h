// SPDX-License-Identifier: Apache-2.0
// Percent-encoded UTF-8 (RFC 3986 2.1, RFC 3629) as W3C baggage uses it.
//
// A byte under an escape that is no part of a UTF-8 sequence, and a byte that may not stand unescaped, read
// as U+FFFD, one for each maximal part of a broken sequence (Unicode 3.9). `+` is itself.
#ifndef HOLDFAST_CODEC_PERCENT_H_
#define HOLDFAST_CODEC_PERCENT_H_

#include <cstddef>
#include <cstdint>
#include <string_view>

namespace holdfast::codec {

// A buffer that counts on when it is full, so that one pass tells the size that was needed.
class TextSink {
 public:
  TextSink(char* out, std::size_t capacity) : out_(out), capacity_(capacity) {}

  void Put(char byte) {
    if (need_ < capacity_) out_[need_] = byte;
    ++need_;
  }
  void Put(std::string_view text);
  // %XX, in upper case.
  void PutEscape(std::uint8_t byte);

  std::size_t need() const { return need_; }
  bool full() const { return need_ > capacity_; }

 private:
  char* const out_;
  const std::size_t capacity_;
  std::size_t need_ = 0;
};

// One UTF-8 sequence at the beginning of `text`, which is not empty: its size and whether it is well formed;
// of a broken one the size of the part that one U+FFFD stands for.
struct Sequence {
  std::size_t size = 1;
  bool valid = false;
};
Sequence ReadUtf8(std::string_view text);

// Any bytes: all but A-Z a-z 0-9 - . _ ~ become escapes.
void EncodeValue(std::string_view text, TextSink& out);

// False, with part of it written, if a `%` has no two hex digits.
bool DecodeValue(std::string_view value, TextSink& out);

// The same value with its escapes in upper case, and those of broken UTF-8 replaced. What stands unescaped
// stays so. False, with part of it written, if a `%` has no two hex digits.
bool RepairValue(std::string_view value, TextSink& out);

}  // namespace holdfast::codec

#endif  // HOLDFAST_CODEC_PERCENT_H_
