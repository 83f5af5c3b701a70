// SPDX-License-Identifier: Apache-2.0
// See wal_check.h.
#include "adapters/sqlite/wal_check.h"

#include <algorithm>

namespace holdfast::inline v0_5::sqlite {
namespace {

constexpr size_t kHeader = 32;
constexpr size_t kFrameHeader = 24;
constexpr uint32_t kMagic = 0x377f0682;  // the last bit: check sums over big-endian words

uint32_t Big(const uint8_t* at) {
  return uint32_t{at[0]} << 24 | uint32_t{at[1]} << 16 | uint32_t{at[2]} << 8 | uint32_t{at[3]};
}
uint32_t Little(const uint8_t* at) {
  return uint32_t{at[3]} << 24 | uint32_t{at[2]} << 16 | uint32_t{at[1]} << 8 | uint32_t{at[0]};
}

struct Sums {
  uint32_t first = 0;
  uint32_t second = 0;

  void Add(bool big, const uint8_t* at, size_t size) {
    for (size_t i = 0; i < size; i += 8) {
      first += (big ? Big(at + i) : Little(at + i)) + second;
      second += (big ? Big(at + i + 4) : Little(at + i + 4)) + first;
    }
  }
  bool AreAt(const uint8_t* at) const { return first == Big(at) && second == Big(at + 4); }
};

bool SamePage(const uint8_t* frame, const uint8_t* other, size_t page) {
  return std::equal(frame, frame + 4, other) &&
         std::equal(frame + kFrameHeader, frame + kFrameHeader + page, other + kFrameHeader);
}

}  // namespace

WalExtent ExamineWal(std::span<const uint8_t> wal) {
  WalExtent extent;
  if (wal.size() < kHeader || (Big(wal.data()) & ~1u) != kMagic) return extent;
  const bool big = (Big(wal.data()) & 1u) != 0;
  const size_t page = Big(wal.data() + 8);
  Sums sums;
  sums.Add(big, wal.data(), kHeader - 8);
  if (page < 512 || page > 65536 || page % 8 != 0 || !sums.AreAt(wal.data() + 24)) return extent;
  const size_t step = kFrameHeader + page;
  bool sound = true;
  int commits_behind = 0;
  const uint8_t* last_commit = nullptr;  // behind the bad frame
  for (size_t at = kHeader; at + step <= wal.size(); at += step) {
    const uint8_t* const frame = wal.data() + at;
    const bool commit = Big(frame + 4) != 0;
    // Behind a bad frame from what that one says of itself: a frame that was written whole continues it.
    if (!sound) sums = {Big(frame - step + 16), Big(frame - step + 20)};
    sums.Add(big, frame, 8);
    sums.Add(big, frame + kFrameHeader, page);
    const bool whole = std::equal(frame + 8, frame + 16, wal.data() + 16) && Big(frame) != 0 &&
                       sums.AreAt(frame + 16);
    sound = sound && whole;
    if (!whole || !commit) continue;
    if (sound) {
      extent.end = at + step;
      continue;
    }
    // A commit may be repeated to fill up a sector.
    const bool padding = last_commit != nullptr && SamePage(frame, last_commit, page);
    commits_behind += padding ? 0 : 1;
    last_commit = frame;
  }
  extent.damaged = commits_behind >= 2;
  return extent;
}

}  // namespace holdfast::inline v0_5::sqlite
