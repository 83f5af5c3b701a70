// SPDX-License-Identifier: Apache-2.0
// FaultVfs: a disk for SQLite that fails where it is told, and knows what it has promised.
//
// Wraps the default VFS. Operations that change files (write, sync, truncate, delete) are counted; one of
// them, or all from one on, can fail or kill the process. Beside the real files it keeps what a power cut
// would leave: the bytes synced, plus any sectors of later writes. A sync that fails takes its writes
// out of the account for good, as kernels do: they show, and a later sync that succeeds does not
// cover them. Real syncs are left out: a killed process does not need them.
//
// Its files have no shared memory, so a store that is not in exclusive mode cannot use WAL on it.
#ifndef HOLDFAST_TESTS_STORE_FAULT_VFS_H_
#define HOLDFAST_TESTS_STORE_FAULT_VFS_H_

#include <signal.h>
#include <sqlite3.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <cstdint>
#include <cstring>
#include <map>
#include <mutex>
#include <new>
#include <random>
#include <string>
#include <vector>

namespace holdfast::testing {

enum class Fault {
  kNone,
  kFull,              // a write finds no space
  kShortWrite,        // half of a write, then no space
  kWriteError,        // EIO, nothing written
  kWrittenButFailed,  // EIO, all written
  kSyncError,         // EIO of a sync
  kKill,              // SIGKILL before the operation
  kKillHalf,          // SIGKILL after half of a write
  kPowerCut,          // from here on the disk does nothing any more
};

class FaultVfs {
 public:
  FaultVfs() : name_("holdfast-faults-" + std::to_string(++Counter())) {
    real_ = sqlite3_vfs_find(nullptr);
    vfs_ = *real_;
    vfs_.iVersion = 1;
    vfs_.szOsFile = static_cast<int>(sizeof(File)) + real_->szOsFile;
    vfs_.zName = name_.c_str();
    vfs_.pAppData = this;
    vfs_.xOpen = &FaultVfs::Open;
    vfs_.xDelete = &FaultVfs::Delete;
    sqlite3_vfs_register(&vfs_, 0);
  }
  ~FaultVfs() { sqlite3_vfs_unregister(&vfs_); }
  FaultVfs(const FaultVfs&) = delete;
  FaultVfs& operator=(const FaultVfs&) = delete;

  const std::string& name() const { return name_; }

  // Fails the `at`-th matching operation from now (1: the next): syncs for kSyncError, writes for the
  // write faults, any for the others. `lasting`: and all matching ones after it, until Heal.
  void Inject(Fault fault, int at, bool lasting = false) {
    const std::lock_guard lock(mutex_);
    fault_ = fault;
    left_ = at;
    lasting_ = lasting;
    struck_ = false;
  }
  void Heal() { Inject(Fault::kNone, 0); }
  bool struck() const {
    const std::lock_guard lock(mutex_);
    return struck_;
  }

  // A disk of so many bytes in all: what would need more is FULL, though nothing else fails. 0: no limit.
  void Limit(uint64_t bytes) {
    const std::lock_guard lock(mutex_);
    capacity_ = bytes;
  }
  uint64_t used() const {
    const std::lock_guard lock(mutex_);
    return Used();
  }

  // What a power cut leaves of each file, keeping each unsynced sector with even odds.
  std::map<std::string, std::string> AfterPowerCut(uint64_t seed) const {
    const std::lock_guard lock(mutex_);
    std::mt19937_64 random(seed);
    std::map<std::string, std::string> files;
    for (const auto& [path, image] : images_) {
      std::string bytes = image.synced;
      for (const Change& change : image.unsynced) {
        if (change.truncate) {
          if (random() % 2 == 0) bytes.resize(change.offset);
          continue;
        }
        for (size_t at = 0; at < change.bytes.size();) {
          const size_t sector = 512 - (change.offset + at) % 512;
          const size_t amount = std::min(sector, change.bytes.size() - at);
          if (random() % 2 == 0) Put(&bytes, change.offset + at, change.bytes.substr(at, amount));
          at += amount;
        }
      }
      files[path] = bytes;
    }
    return files;
  }

 private:
  struct Change {
    bool truncate = false;
    size_t offset = 0;  // or the new size
    std::string bytes;
  };
  struct Image {
    std::string synced;
    std::vector<Change> unsynced;
  };
  struct File {
    sqlite3_file base;
    FaultVfs* owner;
    std::string* path;
    sqlite3_file* real() { return reinterpret_cast<sqlite3_file*>(this + 1); }
  };
  enum class Operation { kWrite, kSync, kOther };

  static int& Counter() {
    static int counter = 0;
    return counter;
  }
  static File* Of(sqlite3_file* file) { return reinterpret_cast<File*>(file); }

  static void Put(std::string* bytes, size_t offset, const std::string& part) {
    if (bytes->size() < offset + part.size()) bytes->resize(offset + part.size());
    bytes->replace(offset, part.size(), part);
  }

  // Which fault strikes this operation.
  Fault Strike(Operation operation) {
    if (fault_ == Fault::kNone) return Fault::kNone;
    const bool write_fault = fault_ == Fault::kFull || fault_ == Fault::kShortWrite ||
                             fault_ == Fault::kWriteError || fault_ == Fault::kWrittenButFailed;
    if (write_fault && operation != Operation::kWrite) return Fault::kNone;
    if (fault_ == Fault::kSyncError && operation != Operation::kSync) return Fault::kNone;
    if (--left_ > 0) return Fault::kNone;
    struck_ = true;
    const Fault fault = fault_;
    if (!lasting_ && fault != Fault::kPowerCut) fault_ = Fault::kNone;
    return fault;
  }

  uint64_t Used() const {
    uint64_t used = 0;
    for (const auto& [path, size] : sizes_) used += size;
    return used;
  }

  bool Fits(File* file, int amount, sqlite3_int64 offset) {
    uint64_t& size = sizes_[*file->path];
    const uint64_t end = static_cast<uint64_t>(offset) + static_cast<uint64_t>(amount);
    const uint64_t more = end > size ? end - size : 0;
    if (capacity_ != 0 && more > 0 && Used() + more > capacity_) return false;
    size += more;
    return true;
  }

  int WriteThrough(File* file, const void* data, int amount, sqlite3_int64 offset) {
    images_[*file->path].unsynced.push_back(
        {false, static_cast<size_t>(offset), std::string(static_cast<const char*>(data), amount)});
    return file->real()->pMethods->xWrite(file->real(), data, amount, offset);
  }

  static int Open(sqlite3_vfs* vfs, const char* path, sqlite3_file* out, int flags, int* got) {
    auto* const self = static_cast<FaultVfs*>(vfs->pAppData);
    File* const file = Of(out);
    file->base.pMethods = nullptr;
    const int code = self->real_->xOpen(self->real_, path, file->real(), flags, got);
    if (code != SQLITE_OK) return code;
    file->owner = self;
    file->path = new std::string(path == nullptr ? "" : path);
    file->base.pMethods = Methods();
    sqlite3_int64 size = 0;
    file->real()->pMethods->xFileSize(file->real(), &size);
    const std::lock_guard lock(self->mutex_);
    self->sizes_[*file->path] = static_cast<uint64_t>(size);
    return SQLITE_OK;
  }

  static int Delete(sqlite3_vfs* vfs, const char* path, int sync) {
    auto* const self = static_cast<FaultVfs*>(vfs->pAppData);
    const std::lock_guard lock(self->mutex_);
    const Fault fault = self->Strike(Operation::kOther);
    if (fault == Fault::kKill || fault == Fault::kKillHalf) kill(getpid(), SIGKILL);
    if (fault != Fault::kNone) return SQLITE_IOERR_DELETE;
    self->images_.erase(path);
    self->sizes_.erase(path);
    return self->real_->xDelete(self->real_, path, sync);
  }

  static int Close(sqlite3_file* file) {
    const int code = Of(file)->real()->pMethods->xClose(Of(file)->real());
    delete Of(file)->path;
    return code;
  }
  static int ReadAt(sqlite3_file* file, void* data, int amount, sqlite3_int64 offset) {
    return Of(file)->real()->pMethods->xRead(Of(file)->real(), data, amount, offset);
  }

  static int Write(sqlite3_file* base, const void* data, int amount, sqlite3_int64 offset) {
    File* const file = Of(base);
    FaultVfs* const self = file->owner;
    const std::lock_guard lock(self->mutex_);
    switch (self->Strike(Operation::kWrite)) {
      case Fault::kNone:
      case Fault::kSyncError:
        if (!self->Fits(file, amount, offset)) return SQLITE_FULL;
        return self->WriteThrough(file, data, amount, offset);
      case Fault::kFull:
        return SQLITE_FULL;
      case Fault::kShortWrite:
        self->WriteThrough(file, data, amount / 2, offset);
        return SQLITE_FULL;
      case Fault::kWriteError:
      case Fault::kPowerCut:
        return SQLITE_IOERR_WRITE;
      case Fault::kWrittenButFailed:
        self->WriteThrough(file, data, amount, offset);
        return SQLITE_IOERR_WRITE;
      case Fault::kKillHalf:
        self->WriteThrough(file, data, amount / 2, offset);
        [[fallthrough]];
      case Fault::kKill:
        kill(getpid(), SIGKILL);
    }
    return SQLITE_IOERR_WRITE;
  }

  static int Truncate(sqlite3_file* base, sqlite3_int64 size) {
    File* const file = Of(base);
    FaultVfs* const self = file->owner;
    const std::lock_guard lock(self->mutex_);
    const Fault fault = self->Strike(Operation::kOther);
    if (fault == Fault::kKill || fault == Fault::kKillHalf) kill(getpid(), SIGKILL);
    if (fault != Fault::kNone) return SQLITE_IOERR_TRUNCATE;
    self->images_[*file->path].unsynced.push_back({true, static_cast<size_t>(size), ""});
    uint64_t& known = self->sizes_[*file->path];
    known = std::min(known, static_cast<uint64_t>(size));
    return file->real()->pMethods->xTruncate(file->real(), size);
  }

  static int Sync(sqlite3_file* base, int) {
    FaultVfs* const self = Of(base)->owner;
    const std::lock_guard lock(self->mutex_);
    Image& image = self->images_[*Of(base)->path];
    const Fault fault = self->Strike(Operation::kSync);
    if (fault == Fault::kKill || fault == Fault::kKillHalf) kill(getpid(), SIGKILL);
    if (fault == Fault::kPowerCut) return SQLITE_IOERR_FSYNC;
    if (fault == Fault::kSyncError) {
      image.unsynced.clear();
      return SQLITE_IOERR_FSYNC;
    }
    for (const Change& change : image.unsynced) {
      if (change.truncate) {
        image.synced.resize(change.offset);
      } else {
        Put(&image.synced, change.offset, change.bytes);
      }
    }
    image.unsynced.clear();
    return SQLITE_OK;
  }

  static int FileSize(sqlite3_file* file, sqlite3_int64* size) {
    return Of(file)->real()->pMethods->xFileSize(Of(file)->real(), size);
  }
  static int Lock(sqlite3_file* file, int level) {
    return Of(file)->real()->pMethods->xLock(Of(file)->real(), level);
  }
  static int Unlock(sqlite3_file* file, int level) {
    return Of(file)->real()->pMethods->xUnlock(Of(file)->real(), level);
  }
  static int CheckReserved(sqlite3_file* file, int* held) {
    return Of(file)->real()->pMethods->xCheckReservedLock(Of(file)->real(), held);
  }
  static int Control(sqlite3_file* file, int operation, void* argument) {
    return Of(file)->real()->pMethods->xFileControl(Of(file)->real(), operation, argument);
  }
  static int SectorSize(sqlite3_file*) { return 512; }
  // No promises: writes may tear, and SQLite has to pad.
  static int Characteristics(sqlite3_file*) { return 0; }

  static const sqlite3_io_methods* Methods() {
    static const sqlite3_io_methods methods = [] {
      sqlite3_io_methods all{};
      all.iVersion = 1;
      all.xClose = &Close;
      all.xRead = &ReadAt;
      all.xWrite = &Write;
      all.xTruncate = &Truncate;
      all.xSync = &Sync;
      all.xFileSize = &FileSize;
      all.xLock = &Lock;
      all.xUnlock = &Unlock;
      all.xCheckReservedLock = &CheckReserved;
      all.xFileControl = &Control;
      all.xSectorSize = &SectorSize;
      all.xDeviceCharacteristics = &Characteristics;
      return all;
    }();
    return &methods;
  }

  const std::string name_;
  sqlite3_vfs* real_ = nullptr;
  sqlite3_vfs vfs_{};
  mutable std::mutex mutex_;
  Fault fault_ = Fault::kNone;
  int left_ = 0;
  bool lasting_ = false;
  bool struck_ = false;
  std::map<std::string, Image> images_;
  std::map<std::string, uint64_t> sizes_;
  uint64_t capacity_ = 0;
};

}  // namespace holdfast::testing

#endif  // HOLDFAST_TESTS_STORE_FAULT_VFS_H_
