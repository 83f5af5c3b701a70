// SPDX-License-Identifier: Apache-2.0
// ExamineWal: does a write-ahead log end where SQLite will say that it ends?
//
// SQLite replays a log up to the first frame whose check sum fails, and takes all behind it for a commit that
// was cut off. That is right for the last one. But every commit here is synced before the next begins, so where
// two more commits of the same log follow the bad frame, at least one of them was acknowledged, and the log is
// damaged: replaying half of it would forget what was promised. (Damage to the last commit looks like a power cut in
// the middle of it, and cannot be told from one; nor can a log whose own header is destroyed.)
//
// Format: https://www.sqlite.org/fileformat2.html, section 4.
#ifndef HOLDFAST_ADAPTERS_SQLITE_WAL_CHECK_H_
#define HOLDFAST_ADAPTERS_SQLITE_WAL_CHECK_H_

#include <cstddef>
#include <cstdint>
#include <span>

namespace holdfast::inline v0_5::sqlite {

struct WalExtent {
  bool damaged = false;
  size_t end = 0;  // behind the last sound commit; 0: no log, or none that will be replayed
};

WalExtent ExamineWal(std::span<const uint8_t> wal);

}  // namespace holdfast::inline v0_5::sqlite

#endif  // HOLDFAST_ADAPTERS_SQLITE_WAL_CHECK_H_
