// SPDX-License-Identifier: Apache-2.0
// Whether a rule means a call (c/match.h), compiled into words so that threads may read it while it is
// replaced.
//
//   shape   one word, 16 bits for each of the four patterns: its length, and whether it is a prefix
//   words   the patterns one after another, each in words of its own (LoadWord)
//
//   pattern      length   prefix   fits a fact
//   ""  "*"      0        yes      always
//   "abc"        3        no       of length 3 with these bytes
//   "abc*"       3        yes      of length >= 3 that begins with these bytes
//
// Invariants: a shape of kMeansAll fits everything, and no word is read for it. No byte of a fact beyond
// its size is read, and none beyond the pattern's length is compared.
// Locking: none. MatchCells may be read while it is stored; whoever reads it must find out afterwards
// whether that happened, and forget the answer if so. Torn words never lead outside the arrays.
// Memory: fixed.
#ifndef HOLDFAST_ENGINE_MATCH_H_
#define HOLDFAST_ENGINE_MATCH_H_

#include <holdfast/c/match.h>

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <string_view>

namespace holdfast::engine {

inline constexpr size_t kMatchFacts = 4;
inline constexpr size_t kMatchWordBytes = sizeof(uint64_t);
inline constexpr size_t kMatchWords = kMatchFacts * HF_MATCH_MAX / kMatchWordBytes;
inline constexpr std::string_view kMatchFields[kMatchFacts] = {"operation", "tenant",
                                                               "correlation_id", "target"};

inline const hf_str& PatternAt(const hf_match& match, size_t at) {
  const hf_str* const all[] = {&match.operation, &match.tenant, &match.correlation_id,
                               &match.target};
  return *all[at];
}

// A size needs data.
constexpr bool StrIsValid(const hf_str& text) { return text.data != nullptr || text.size == 0; }

inline bool FactsAreValid(const hf_facts& facts) {
  return StrIsValid(facts.operation) && StrIsValid(facts.tenant) &&
         StrIsValid(facts.correlation_id) && StrIsValid(facts.target);
}

// One pattern's 16 bits of a shape.
using MatchPart = uint32_t;
inline constexpr MatchPart kPrefix = 0x8000;
constexpr MatchPart PartOf(uint64_t shape, size_t at) {
  return static_cast<MatchPart>(shape >> (16 * at)) & 0xFFFF;
}
constexpr size_t LengthOf(MatchPart part) {
  return std::min<size_t>(part & (kPrefix - 1), HF_MATCH_MAX);
}
constexpr size_t WordsOf(size_t length) { return (length + kMatchWordBytes - 1) / kMatchWordBytes; }
// All four are prefixes of no length.
inline constexpr uint64_t kMeansAll = 0x8000'8000'8000'8000;

inline uint32_t LoadHalf(const char* from) {
  uint32_t half;
  std::memcpy(&half, from, sizeof(half));
  return half;
}
inline uint64_t LoadByte(const char* from) { return static_cast<unsigned char>(*from); }

// 1 to 8 bytes as a word that tells them from any other `count` bytes: fewer than a word are read in two or
// three loads that overlap, for a loop over bytes would be most of what a match costs.
inline uint64_t LoadWord(const char* from, size_t count) {
  if (count == kMatchWordBytes) {
    uint64_t word;
    std::memcpy(&word, from, kMatchWordBytes);
    return word;
  }
  if (count >= 4) return LoadHalf(from) | uint64_t{LoadHalf(from + count - 4)} << 32;
  return LoadByte(from) | LoadByte(from + count / 2) << 8 | LoadByte(from + count - 1) << 16;
}

// Whether the pattern `part`, whose words are word_at(first) and on, fits the fact.
template <typename WordAt>
bool PartFits(MatchPart part, const WordAt& word_at, size_t first, const hf_str& fact) {
  const size_t length = LengthOf(part);
  if ((part & kPrefix) != 0 ? fact.size < length : fact.size != length) return false;
  // From the back: names that differ mostly begin alike.
  for (size_t word = WordsOf(length); word-- > 0;) {
    const size_t begin = word * kMatchWordBytes;
    const size_t count = std::min(kMatchWordBytes, length - begin);
    if (LoadWord(fact.data + begin, count) != word_at(first + word)) return false;
  }
  return true;
}

// Whether the rule {shape, words} means the call.
template <typename WordAt>
bool MatchFits(uint64_t shape, const WordAt& word_at, const hf_facts& facts) {
  if (shape == kMeansAll) return true;
  size_t first = 0;
  const auto fits = [&](size_t at, const hf_str& fact) {
    const MatchPart part = PartOf(shape, at);
    const bool yes = PartFits(part, word_at, first, fact);
    first += WordsOf(LengthOf(part));
    return yes;
  };
  return fits(0, facts.operation) && fits(1, facts.tenant) && fits(2, facts.correlation_id) &&
         fits(3, facts.target);
}

// A compiled rule, the property of one thread.
struct Match {
  uint64_t shape = kMeansAll;
  std::array<uint64_t, kMatchWords> words{};

  size_t used() const {
    size_t words_used = 0;
    for (size_t at = 0; at < kMatchFacts; ++at) words_used += WordsOf(LengthOf(PartOf(shape, at)));
    return words_used;
  }
  bool Fits(const hf_facts& facts) const {
    return MatchFits(shape, [this](size_t at) { return words[at]; }, facts);
  }
};

enum class MatchFault {
  kNone,
  kNoData,   // a size without data
  kTooLong,  // above HF_MATCH_MAX
  kStar,     // a '*' that is not the last byte
};

struct MatchVerdict {
  MatchFault fault = MatchFault::kNone;
  size_t at = 0;  // which pattern is at fault
};

// What is wrong with one pattern.
inline MatchFault JudgePattern(const hf_str& pattern) {
  if (!StrIsValid(pattern)) return MatchFault::kNoData;
  if (pattern.size == 0) return MatchFault::kNone;
  const bool prefix = pattern.data[pattern.size - 1] == '*';
  const std::string_view text(pattern.data, pattern.size - (prefix ? 1 : 0));
  if (text.size() > HF_MATCH_MAX) return MatchFault::kTooLong;
  return text.find('*') != std::string_view::npos ? MatchFault::kStar : MatchFault::kNone;
}

// Compiles into *out, which is as it was if a pattern is at fault.
inline MatchVerdict CompileMatch(const hf_match& match, Match* out) {
  Match compiled;
  compiled.shape = 0;
  size_t next = 0;
  for (size_t at = 0; at < kMatchFacts; ++at) {
    const hf_str& pattern = PatternAt(match, at);
    const MatchFault fault = JudgePattern(pattern);
    if (fault != MatchFault::kNone) return {fault, at};
    const bool any = pattern.size == 0;
    const bool prefix = any || pattern.data[pattern.size - 1] == '*';
    const size_t length = pattern.size - (prefix && !any ? 1 : 0);
    const MatchPart part = static_cast<MatchPart>(length) | (prefix ? kPrefix : 0);
    compiled.shape |= uint64_t{part} << (16 * at);
    for (size_t done = 0; done < length; done += kMatchWordBytes) {
      const size_t count = std::min(kMatchWordBytes, length - done);
      compiled.words[next++] = LoadWord(pattern.data + done, count);
    }
  }
  *out = compiled;
  return {};
}

// A compiled rule that one thread stores while others match.
template <typename Storage>
class MatchCells {
 public:
  void Store(const Match& match) {
    shape_.Store(match.shape);
    const size_t used = match.used();
    for (size_t at = 0; at < used; ++at) words_[at].Store(match.words[at]);
  }
  bool Fits(const hf_facts& facts) const {
    return MatchFits(shape_.Load(), [this](size_t at) { return words_[at].Load(); }, facts);
  }

 private:
  typename Storage::template Cell<uint64_t> shape_{kMeansAll};
  std::array<typename Storage::template Cell<uint64_t>, kMatchWords> words_;
};

}  // namespace holdfast::engine

#endif  // HOLDFAST_ENGINE_MATCH_H_
