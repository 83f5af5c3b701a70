// SPDX-License-Identifier: Apache-2.0
// The outside world of a run: what the work of a key did, one record per effect, in a file per key that only grows.
// No library of ours is in between, so it tells the truth about what really happened.
//
//   Apply        a world that checks nothing: appends (O_APPEND, one write)
//   ApplyFenced  a world that remembers the highest token it saw of a key and refuses lower ones
//   Look         asks, under a token, whether it happened; from then on lower tokens are refused
#ifndef HOLDFAST_TESTS_CHAOS_EFFECT_LEDGER_H_
#define HOLDFAST_TESTS_CHAOS_EFFECT_LEDGER_H_

#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cstdint>
#include <string>
#include <utility>
#include <vector>

namespace holdfast::chaos {

class EffectLedger {
 public:
  explicit EffectLedger(std::string folder) : folder_(std::move(folder)) {}

  void Apply(const std::string& key, uint64_t token) { Page(*this, key).Write({token, kEffect}); }

  // False: refused.
  bool ApplyFenced(const std::string& key, uint64_t token) {
    Page page(*this, key);
    page.Lock();
    if (page.Highest() > token) return false;
    page.Write({token, kEffect});
    return true;
  }

  // Whether it happened.
  bool Look(const std::string& key, uint64_t token) {
    Page page(*this, key);
    page.Lock();
    page.Write({token, kLook});
    return page.Effects() > 0;
  }

  uint64_t Effects(const std::string& key) { return Page(*this, key).Effects(); }

 private:
  static constexpr uint64_t kEffect = 1;
  static constexpr uint64_t kLook = 2;
  struct Entry {
    uint64_t token;
    uint64_t kind;
  };

  class Page {
   public:
    Page(const EffectLedger& ledger, const std::string& key)
        : file_(open((ledger.folder_ + "/" + key).c_str(), O_RDWR | O_APPEND | O_CREAT | O_CLOEXEC,
                     0600)) {}
    ~Page() { close(file_); }
    Page(const Page&) = delete;
    Page& operator=(const Page&) = delete;

    void Lock() const { flock(file_, LOCK_EX); }  // until it is closed, by death too
    void Write(const Entry& entry) const {
      if (write(file_, &entry, sizeof(entry)) != sizeof(entry))
        _exit(90);  // a world that lost an effect
    }
    uint64_t Effects() const {
      const std::vector<Entry> all = All();
      return static_cast<uint64_t>(std::count_if(
          all.begin(), all.end(), [](const Entry& entry) { return entry.kind == kEffect; }));
    }
    uint64_t Highest() const {
      uint64_t highest = 0;
      for (const Entry& entry : All()) highest = std::max(highest, entry.token);
      return highest;
    }

   private:
    std::vector<Entry> All() const {
      struct stat about{};
      fstat(file_, &about);
      std::vector<Entry> all(static_cast<size_t>(about.st_size) / sizeof(Entry));
      const ssize_t got = pread(file_, all.data(), all.size() * sizeof(Entry), 0);
      all.resize(got < 0 ? 0 : static_cast<size_t>(got) / sizeof(Entry));
      return all;
    }
    const int file_;
  };

  const std::string folder_;
};

}  // namespace holdfast::chaos

#endif  // HOLDFAST_TESTS_CHAOS_EFFECT_LEDGER_H_
