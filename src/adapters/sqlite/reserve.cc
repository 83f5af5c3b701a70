// SPDX-License-Identifier: Apache-2.0
// See reserve.h.
#include "adapters/sqlite/reserve.h"

#include <sqlite3.h>

#include <algorithm>
#include <cstddef>
#include <memory>
#include <new>
#include <utility>
#include <vector>

namespace holdfast::inline v0_5::sqlite {
namespace {

constexpr size_t kChunk = 65536;

// An open file of the VFS. It has no SQLite header: opened as SQLite opens its own plain files.
class PlainFile {
 public:
  ~PlainFile() {
    if (file_ != nullptr && file_->pMethods != nullptr) file_->pMethods->xClose(file_);
  }
  int Open(sqlite3_vfs* vfs, const char* path) {
    constexpr int kFlags = SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE | SQLITE_OPEN_SUPER_JOURNAL;
    const size_t words = static_cast<size_t>(vfs->szOsFile) / sizeof(std::max_align_t) + 1;
    memory_.resize(words);
    file_ = reinterpret_cast<sqlite3_file*>(memory_.data());
    file_->pMethods = nullptr;
    int got = 0;
    return vfs->xOpen(vfs, path, file_, kFlags, &got);
  }
  const sqlite3_io_methods* operator->() const { return file_->pMethods; }
  sqlite3_file* get() { return file_; }

 private:
  std::vector<std::max_align_t> memory_;
  sqlite3_file* file_ = nullptr;
};

}  // namespace

void Reserve::Place(sqlite3_vfs* vfs, std::string path, uint64_t bytes) {
  vfs_ = vfs;
  path_ = std::move(path);
  bytes_ = bytes;
}

void Reserve::Take() {
  if (!low()) return;
  int code = SQLITE_NOMEM;
  try {
    code = WriteAll(was_released_ ? 2 * bytes_ : bytes_);
    if (code != SQLITE_OK) Empty();
  } catch (const std::bad_alloc&) {
  }
  held_ = code == SQLITE_OK;
  why_ = held_ ? Failure{} : FailureOf(nullptr, code, "no space is kept back to end what is begun");
}

bool Reserve::Release() {
  if (!held_) return false;
  held_ = false;
  was_released_ = true;
  try {
    Empty();
  } catch (const std::bad_alloc&) {
  }
  why_ = FailureOf(nullptr, SQLITE_FULL, "only what is begun can still be ended");
  return true;
}

// A file that has its bytes from a life before is taken as it is.
int Reserve::WriteAll(uint64_t probe) {
  PlainFile file;
  int code = file.Open(vfs_, path_.c_str());
  sqlite3_int64 size = 0;
  if (code == SQLITE_OK) code = file->xFileSize(file.get(), &size);
  if (code != SQLITE_OK || static_cast<uint64_t>(size) == bytes_) return code;
  const std::vector<char> chunk(kChunk, 'r');
  for (uint64_t at = 0; at < probe && code == SQLITE_OK; at += kChunk) {
    const int amount = static_cast<int>(std::min<uint64_t>(kChunk, probe - at));
    code = file->xWrite(file.get(), chunk.data(), amount, static_cast<sqlite3_int64>(at));
  }
  if (code == SQLITE_OK) code = file->xTruncate(file.get(), static_cast<sqlite3_int64>(bytes_));
  return code == SQLITE_OK ? file->xSync(file.get(), SQLITE_SYNC_NORMAL) : code;
}

int Reserve::Empty() {
  PlainFile file;
  const int code = file.Open(vfs_, path_.c_str());
  return code == SQLITE_OK ? file->xTruncate(file.get(), 0) : code;
}

}  // namespace holdfast::inline v0_5::sqlite
