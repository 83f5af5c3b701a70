// SPDX-License-Identifier: Apache-2.0
// Reserve: bytes of the disk that are given up when it is full, so that what was begun can be ended.
//
//   kNone  there is to be none
//   kHeld  the file has all its bytes
//   kLow   it has none: the disk is full, or would not take them
//
//   Take      kLow  -> kHeld   once the whole file could be written and synced; and as much again, if it was given
//                              up before: or it would only be its own space that it finds
//   Release   kHeld -> kLow    the disk is full
//
// While it is low the store refuses claims: each would be one more to end later. RENEW, COMPLETE and the like
// go on in the space that was given up, which the write-ahead log reuses since the store then checkpoints
// after every commit.
//
// The bytes are written, not only allocated, and through the store's own sqlite3_vfs. The file outlives the
// process: a restart on a full disk finds it.
#ifndef HOLDFAST_ADAPTERS_SQLITE_RESERVE_H_
#define HOLDFAST_ADAPTERS_SQLITE_RESERVE_H_

#include <cstdint>
#include <string>

#include "adapters/sqlite/failure.h"

struct sqlite3_vfs;

namespace holdfast::inline v0_5::sqlite {

class Reserve {
 public:
  // Until Place there is none.
  void Place(sqlite3_vfs* vfs, std::string path, uint64_t bytes);
  bool placed() const { return vfs_ != nullptr; }

  bool low() const { return placed() && !held_; }
  // Why it is low.
  const Failure& why() const { return why_; }

  void Take();
  // True if there was something to give up.
  bool Release();

 private:
  int WriteAll(uint64_t probe);
  int Empty();

  sqlite3_vfs* vfs_ = nullptr;
  std::string path_;
  uint64_t bytes_ = 0;
  bool held_ = false;
  bool was_released_ = false;
  Failure why_;
};

}  // namespace holdfast::inline v0_5::sqlite

#endif  // HOLDFAST_ADAPTERS_SQLITE_RESERVE_H_
