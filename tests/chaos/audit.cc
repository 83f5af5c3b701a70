// SPDX-License-Identifier: Apache-2.0
// See audit.h.
#include "chaos/audit.h"

#include <absl/strings/str_cat.h>

#include <chrono>

#include "chaos/history.h"
#include "store/requests.h"

namespace holdfast::chaos {
namespace {

constexpr size_t kMostComplaints = 20;
constexpr int kPatience = 50;

class Auditor {
 public:
  Auditor(Store& store, EffectLedger& ledger, JoinedWorld* joined)
      : store_(store), ledger_(ledger), joined_(joined) {}

  void Key(Family family, uint64_t number) {
    ++result_.keys;
    const std::string key = KeyName(family, number);
    const StoreReply found = Read(key);
    if (found.raw.status >= HF_STORE_UNAVAILABLE) {
      ++result_.unread;
      return Complain(key, absl::StrCat(StatusName(found.raw.status), " ", found.detail));
    }
    const bool completed = found.raw.status == HF_STORE_REPLAY;
    result_.completed += completed ? 1 : 0;
    result_.in_doubt += found.raw.status == HF_STORE_IN_DOUBT ? 1 : 0;
    if (family == Family::kRaw) return;
    const uint64_t effects = Effects(family, key);
    result_.effects += effects;
    const uint64_t more = effects > 1 ? effects - 1 : 0;
    if (family == Family::kTakeover) {
      result_.repeats += more;
    } else if (more > 0) {
      result_.duplicates += more;
      Complain(key, absl::StrCat(effects, " effects"));
    }
    if (completed && found.raw.code == HF_OK && effects == 0) {
      ++result_.lost;
      Complain(key, "completed, and no effect");
    }
    if (family == Family::kJoined && !completed && effects > 0) {
      ++result_.duplicates;
      Complain(key, absl::StrCat("an effect, and ", StatusName(found.raw.status)));
    }
  }

  AuditResult Take() { return std::move(result_); }

 private:
  StoreReply Read(const std::string& key) {
    StoreReply reply;
    for (int tries = 0; tries < kPatience; ++tries) {
      reply = store_.Execute(testing::Read(key), Duration{0});
      if (reply.raw.status < HF_STORE_UNAVAILABLE) break;
    }
    return reply;
  }

  uint64_t Effects(Family family, const std::string& key) {
    if (family != Family::kJoined) return ledger_.Effects(key);
    if (joined_ == nullptr) return 0;
    const absl::StatusOr<uint64_t> effects = joined_->Effects(key);
    if (effects.ok()) return *effects;
    ++result_.unread;
    Complain(key, std::string(effects.status().message()));
    return 0;
  }

  void Complain(const std::string& key, const std::string& what) {
    if (result_.complaints.size() < kMostComplaints) {
      result_.complaints.push_back(absl::StrCat(key, ": ", what));
    }
  }

  Store& store_;
  EffectLedger& ledger_;
  JoinedWorld* const joined_;
  AuditResult result_;
};

}  // namespace

AuditResult Audit(Store& store, EffectLedger& ledger, JoinedWorld* joined, const Board& board,
                  uint64_t slice, uint64_t slices) {
  Auditor auditor(store, ledger, joined);
  for (uint32_t family = 0; family < kFamilies; ++family) {
    const uint64_t keys = board.keys[family].load();
    for (uint64_t number = slice; number < keys; number += slices) {
      auditor.Key(static_cast<Family>(family), number);
    }
  }
  return auditor.Take();
}

void Add(const AuditResult& part, AuditResult* sum) {
  for (const auto field : {&AuditResult::keys, &AuditResult::completed, &AuditResult::in_doubt,
                           &AuditResult::effects, &AuditResult::duplicates, &AuditResult::lost,
                           &AuditResult::repeats, &AuditResult::unread}) {
    sum->*field += part.*field;
  }
  sum->complaints.insert(sum->complaints.end(), part.complaints.begin(), part.complaints.end());
}

}  // namespace holdfast::chaos
