// SPDX-License-Identifier: Apache-2.0
// A script of requests with what each leaves behind, worked out beforehand by the one transition table.
//
// With the clock in the script's hands everything is known in advance, tokens included. So whatever becomes of
// the process that runs it, the file must hold exactly what some prefix of the script leaves: at least all that
// was answered, at most one step more, and of that step all or nothing.
#ifndef HOLDFAST_TESTS_STORE_SQLITE_SCRIPT_H_
#define HOLDFAST_TESTS_STORE_SQLITE_SCRIPT_H_

#include <gtest/gtest.h>
#include <holdfast/sqlite/store.h>

#include <algorithm>
#include <cstring>
#include <deque>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "store/requests.h"
#include "store/sqlite_files.h"

namespace holdfast::testing {

// What a store holds, in memory.
struct Picture {
  struct Entry {
    hf_record record{};  // no bytes
    std::string body;
    std::string label;
  };

  std::map<std::string, Entry> records;     // by key
  std::map<std::string, uint64_t> highest;  // token each key ever had
  uint64_t floor = 0;
  int payments = 0;
  int audits = 0;
  int64_t now = kEpochNow;

  hf_store_reply Apply(const std::string& key, const StoreRequest& request) {
    const auto found = records.find(key);
    hf_record old{};
    if (found != records.end()) {
      old = found->second.record;
      old.body = {found->second.body.data(), found->second.body.size()};
      old.label = {found->second.label.data(), found->second.label.size()};
    }
    hf_record next{};
    hf_record_change change = HF_RECORD_KEEP;
    hf_store_reply reply{};
    EXPECT_EQ(hf_record_apply(found == records.end() ? nullptr : &old, &request, now, floor, &next,
                              &change, &reply),
              HF_OK);
    if (change == HF_RECORD_ERASE) {
      floor = std::max(floor, next.token);
      records.erase(found);
    } else if (change == HF_RECORD_WRITE) {
      Entry entry;
      if (next.body.size > 0) entry.body.assign(next.body.data, next.body.size);
      if (next.label.size > 0) entry.label.assign(next.label.data, next.label.size);
      entry.record = next;
      entry.record.body = entry.record.label = {};
      records[key] = std::move(entry);
    }
    highest[key] = std::max(highest[key], reply.token);
    return reply;
  }
};

inline bool PastItsTime(const hf_record& record, int64_t now) {
  const bool settled = record.state == HF_RECORD_COMPLETED || record.state == HF_RECORD_RETRYABLE;
  return settled && record.expires_at <= now;
}

class Script {
 public:
  enum class Kind { kPlain, kMany, kPay, kPayStep, kAudited, kPurge };
  struct Step {
    Kind kind = Kind::kPlain;
    std::string key = {};
    std::vector<std::string> keys = {};  // of kMany
    std::vector<StoreRequest> requests = {};
    std::vector<hf_store_status> expected = {};
    int64_t at = 0;
    std::string bytes = {};
  };

  Script() { pictures_.emplace_back(); }
  Script(Script&&) = default;  // not copied: requests point into their steps

  const std::deque<Step>& steps() const { return steps_; }
  // After `count` steps.
  const Picture& After(size_t count) const { return pictures_[count]; }

  void Advance(hf_duration by) { now_ += by; }

  uint64_t Claims(const std::string& key, uint64_t who,
                  hf_on_expiry on_expiry = HF_ON_EXPIRY_TAKEOVER, std::string label = {}) {
    StoreRequest claim = Claim(key, who, on_expiry);
    return Add(Kind::kPlain, key, claim, std::move(label)).token;
  }
  void Renews(const std::string& key, uint64_t token) {
    Add(Kind::kPlain, key, Renew(key, token), {});
  }
  void Completes(const std::string& key, uint64_t token, std::string body) {
    Add(Kind::kPlain, key, Complete(key, token, {}), std::move(body));
  }
  void Checkpoints(const std::string& key, uint64_t token, std::string body) {
    Add(Kind::kPlain, key, Checkpoint(key, token, {}), std::move(body));
  }
  void Fails(const std::string& key, uint64_t token, hf_effect effect) {
    Add(Kind::kPlain, key, Fail(key, token, effect, HF_S), {});
  }
  void Abandons(const std::string& key, uint64_t token) {
    Add(Kind::kPlain, key, Abandon(key, token), {});
  }
  // Joined: one payment, and the record completed or its checkpoint written.
  void Pays(const std::string& key, uint64_t token, std::string body) {
    Add(Kind::kPay, key, Complete(key, token, {}), std::move(body));
  }
  void PaysStep(const std::string& key, uint64_t token, std::string body) {
    Add(Kind::kPayStep, key, Checkpoint(key, token, {}), std::move(body));
  }
  void Releases(const std::string& key, hf_effect effect) {
    StoreRequest release = Request(HF_STORE_RELEASE, key);
    release.effect = effect;
    Add(Kind::kAudited, key, release, {});
  }
  void Purges() {
    steps_.push_back({.kind = Kind::kPurge, .at = now_});
    pictures_.push_back(pictures_.back());
    Picture& picture = pictures_.back();
    picture.now = now_;
    std::erase_if(picture.records,
                  [&](const auto& one) { return PastItsTime(one.second.record, now_); });
  }
  void ClaimsMany(const std::vector<std::string>& keys, uint64_t who) {
    steps_.push_back({.kind = Kind::kMany, .keys = keys, .at = now_});
    pictures_.push_back(pictures_.back());
    for (const std::string& key : keys) Apply(&steps_.back(), key, Claim(key, who), {});
  }

  // Runs step `index` on a store whose clock is `clock`. False: an answer is not the expected one.
  bool Run(size_t index, sqlite::Store& store, StoreClock& clock) const {
    const Step& step = steps_[index];
    clock.Set(step.at);
    switch (step.kind) {
      case Kind::kPlain:
        return store.Execute(step.requests[0], Duration{0}).raw.status == step.expected[0];
      case Kind::kAudited:
        return store.ExecuteAudited(step.requests[0], {.actor = "ann", .reason = "test"}, {})
                   .raw.status == step.expected[0];
      case Kind::kPurge:
        return store.Purge(1000, {}).ok();
      case Kind::kMany: {
        const auto replies = store.ExecuteMany(step.requests, Duration{0});
        for (size_t i = 0; i < replies.size(); ++i) {
          if (replies[i].raw.status != step.expected[i]) return false;
        }
        return true;
      }
      default:
        return RunJoined(step, store);
    }
  }

 private:
  hf_store_reply Add(Kind kind, const std::string& key, const StoreRequest& request,
                     std::string bytes) {
    steps_.push_back({.kind = kind, .key = key, .at = now_, .bytes = std::move(bytes)});
    pictures_.push_back(pictures_.back());
    return Apply(&steps_.back(), key, request, steps_.back().bytes);
  }

  hf_store_reply Apply(Step* step, const std::string& key, StoreRequest request,
                       std::string_view bytes) {
    const hf_str text = {bytes.data(), bytes.size()};
    if (request.verb == HF_STORE_CLAIM) {
      request.label = text;
    } else {
      request.body = text;
    }
    Picture& picture = pictures_.back();
    picture.now = now_;
    const hf_store_reply reply = picture.Apply(key, request);
    picture.payments += step->kind == Kind::kPay || step->kind == Kind::kPayStep ? 1 : 0;
    picture.audits += step->kind == Kind::kAudited ? 1 : 0;
    step->requests.push_back(request);
    step->expected.push_back(reply.status);
    return reply;
  }

  static bool RunJoined(const Step& step, sqlite::Store& store) {
    sqlite::JoinedClaim claim;
    std::memcpy(claim.key_id, step.requests[0].key_id, sizeof(claim.key_id));
    claim.token = step.requests[0].token;
    claim.ttl = Duration{step.requests[0].ttl};
    const sqlite::Work work = [&](sqlite3* db) -> absl::StatusOr<std::string> {
      const std::string said = Sql(db, "INSERT INTO payment VALUES('" + step.key + "', 1)");
      if (said != "none") return absl::InternalError(said);
      return step.bytes;
    };
    const sqlite::JoinedReply reply =
        step.kind == Kind::kPay ? store.RunJoined(claim, work) : store.RunJoinedStep(claim, work);
    return reply.work.ok() && reply.store.raw.status == step.expected[0];
  }

  std::deque<Step> steps_;
  std::deque<Picture> pictures_;
  int64_t now_ = kEpochNow;
};

// How the store differs from what the first `count` steps leave; empty: it does not. What is past its time may be
// gone or not.
inline std::string Difference(sqlite::Store& store, const Script& script, size_t count) {
  const Picture& picture = script.After(count);
  for (const auto& [key, highest] : script.After(script.steps().size()).highest) {
    KeyId id;
    const StoreRequest read = Read(key);
    std::memcpy(id.data(), read.key_id, id.size());
    const auto found = store.Find(id, {});
    const auto expected = picture.records.find(key);
    const bool is_there = found.ok() && !PastItsTime(found->record, picture.now);
    const bool should_be =
        expected != picture.records.end() && !PastItsTime(expected->second.record, picture.now);
    if (!found.ok() && found.status().code() != absl::StatusCode::kNotFound) {
      return key + ": " + found.status().ToString();
    }
    if (is_there != should_be) return key + (is_there ? ": there" : ": not there");
    if (!is_there) continue;
    const Picture::Entry& entry = expected->second;
    if (found->damaged) return key + ": damaged";
    if (std::memcmp(&found->record, &entry.record, sizeof(hf_record)) != 0) return key;
    if (found->body != entry.body || found->label != entry.label) return key + ": bytes";
  }
  std::string counts;
  const absl::Status read = store.Read([&](sqlite3* db) {
    counts = Sql(db,
                 "SELECT (SELECT count(*) FROM payment)||' payments, '||"
                 "(SELECT count(*) FROM holdfast_audit)||' audit rows'");
    return absl::OkStatus();
  });
  const std::string expected = std::to_string(picture.payments) + " payments, " +
                               std::to_string(picture.audits) + " audit rows";
  return counts == expected ? "" : counts + read.ToString() + ", not " + expected;
}

}  // namespace holdfast::testing

#endif  // HOLDFAST_TESTS_STORE_SQLITE_SCRIPT_H_
