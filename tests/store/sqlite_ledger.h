// SPDX-License-Identifier: Apache-2.0
// A short life of a store, and what must be true afterwards of all it acknowledged.
//
// For each of some keys: claim it, then pay and complete in one transaction; every third is completed
// plainly, every fifth abandoned. Each answer is noted; after a failure of any kind the checks are:
//   OK             it is there, whatever came later
//   nothing happened (UNAVAILABLE, FULL, LOCKED, CORRUPT)   it is not there
//   INDETERMINATE, or no answer at all                      it is there whole or not at all
#ifndef HOLDFAST_TESTS_STORE_SQLITE_LEDGER_H_
#define HOLDFAST_TESTS_STORE_SQLITE_LEDGER_H_

#include <gtest/gtest.h>
#include <holdfast/sqlite/store.h>

#include <cstring>
#include <functional>
#include <string>
#include <vector>

#include "store/requests.h"
#include "store/sqlite_files.h"

namespace holdfast::testing {

struct Note {
  enum Step : int32_t { kClaimed, kPaid, kCompleted, kAbandoned };
  int32_t step = 0;
  int32_t key = 0;
  hf_store_status status = 0;
  int32_t reserved = 0;
  uint64_t token = 0;
};

inline std::string KeyName(int key) { return "key " + std::to_string(key); }
inline std::string BodyOf(int key) { return std::string(static_cast<size_t>(key % 10 * 300), 'b'); }

// Lives through `keys` keys, from `first`; each answer goes to `noted` as soon as it is known.
inline void Live(sqlite::Store& store, int first, int keys,
                 const std::function<void(const Note&)>& noted) {
  for (int key = first; key < first + keys; ++key) {
    const StoreReply claim = store.Execute(Claim(KeyName(key), 1), Duration{0});
    noted({Note::kClaimed, key, claim.raw.status, 0, claim.raw.token});
    if (claim.raw.status != HF_STORE_WON) continue;
    const uint64_t token = claim.raw.token;
    const std::string body = BodyOf(key);
    if (key % 5 == 4) {
      const StoreReply gone = store.Execute(Abandon(KeyName(key), token), Duration{0});
      noted({Note::kAbandoned, key, gone.raw.status, 0, token});
    } else if (key % 3 == 2) {
      const StoreReply done = store.Execute(Complete(KeyName(key), token, body), Duration{0});
      noted({Note::kCompleted, key, done.raw.status, 0, token});
    } else {
      sqlite::JoinedClaim joined;
      const StoreRequest read = Read(KeyName(key));
      std::memcpy(joined.key_id, read.key_id, sizeof(joined.key_id));
      joined.token = token;
      const sqlite::JoinedReply paid =
          store.RunJoined(joined, [&](sqlite3* db) -> absl::StatusOr<std::string> {
            const std::string row = "INSERT INTO payment VALUES('" + KeyName(key) + "', 1)";
            const std::string said = Sql(db, row);
            if (said != "none") return absl::InternalError(said);
            return body;
          });
      const hf_store_status status =
          paid.work.ok() ? paid.store.raw.status : hf_store_status{HF_STORE_UNAVAILABLE};
      noted({Note::kPaid, key, status, 0, token});
    }
  }
}

// Holds a reopened store against all notes of one life.
inline void Audit(sqlite::Store& store, const std::vector<Note>& notes, const std::string& where) {
  const auto known = [](hf_store_status status) { return status != HF_STORE_INDETERMINATE; };
  for (size_t i = 0; i < notes.size(); ++i) {
    const Note& note = notes[i];
    const std::string at = where + ", " + KeyName(note.key);
    const bool last = i + 1 == notes.size();
    const bool settled = !last && notes[i + 1].key == note.key;
    const StoreReply found = store.Execute(Read(KeyName(note.key)), Duration{0});
    std::string rows;
    const absl::Status read = store.Read([&](sqlite3* db) {
      rows = Sql(db, "SELECT count(*) FROM payment WHERE id='" + KeyName(note.key) + "'");
      return absl::OkStatus();
    });
    ASSERT_TRUE(read.ok()) << at << read;
    const bool completed = found.raw.state == HF_RECORD_COMPLETED;
    switch (note.step) {
      case Note::kClaimed:
        if (note.status == HF_STORE_WON && !settled && !last) {
          EXPECT_EQ(found.raw.token, note.token) << at;
        } else if (note.status == HF_STORE_WON && !settled && last && note.key % 5 != 4) {
          // Killed somewhere behind it: the claim stands, perhaps already settled.
          EXPECT_EQ(found.raw.token, note.token) << at;
          EXPECT_EQ(rows, completed && note.key % 3 != 2 ? "1" : "0") << at;
        } else if (note.status != HF_STORE_WON && known(note.status)) {
          EXPECT_EQ(found.raw.status, HF_STORE_ABSENT) << at << " status " << note.status;
        }
        break;
      case Note::kPaid:
        EXPECT_EQ(rows, completed ? "1" : "0") << at << " status " << note.status;
        [[fallthrough]];
      case Note::kCompleted:
        if (note.status == HF_STORE_OK) {
          ASSERT_TRUE(completed) << at;
          EXPECT_TRUE(*found.body == BodyOf(note.key)) << at;
        } else if (known(note.status)) {
          EXPECT_FALSE(completed) << at << " status " << note.status;
          EXPECT_EQ(found.raw.token, note.token) << at;
        }
        break;
      case Note::kAbandoned:
        if (note.status == HF_STORE_OK) {
          EXPECT_EQ(found.raw.status, HF_STORE_ABSENT) << at;
        } else if (known(note.status)) {
          EXPECT_EQ(found.raw.token, note.token) << at;
        }
        break;
      default:
        FAIL() << at;
    }
  }
  std::string sound;
  ASSERT_TRUE(store
                  .Read([&](sqlite3* db) {
                    sound = Sql(db, "PRAGMA integrity_check");
                    return absl::OkStatus();
                  })
                  .ok());
  EXPECT_EQ(sound, "ok") << where;
}

}  // namespace holdfast::testing

#endif  // HOLDFAST_TESTS_STORE_SQLITE_LEDGER_H_
