// SPDX-License-Identifier: Apache-2.0
// Never eject everything: of a group of breakers, only so many may refuse at once.
//
//   a member   event                                         next
//   FREE       refuses, fewer than `allowed` are EJECTED     EJECTED    its refusal stands
//   FREE       refuses, no room                              OVERRIDDEN it admits all the same
//   OVERRIDDEN refuses, room by now                          EJECTED
//   EJECTED    refuses, more are than allowed (some left)    OVERRIDDEN
//   any        its breaker closed, or it leaves              FREE
//
//   allowed = min(members - 1, max(1, members * max_ejected))      in whole members, rounded down
//
// Invariants: ejected <= allowed, but for members that left since, which the next refusal puts right; so one
//   member at least always admits. Each EJECTED member is counted once.
// Locking: none. Only refusals and changes of state come here: a member that admits costs nothing.
// Memory: fixed; one cell in each member.
#ifndef HOLDFAST_ENGINE_GROUP_H_
#define HOLDFAST_ENGINE_GROUP_H_

#include <holdfast/c/group.h>

#include <algorithm>
#include <cstdint>

#include "engine/cells.h"

namespace holdfast::engine {

struct GroupPolicy {
  uint32_t max_ejected_millis = 100;  // thousandths of the members
};

enum class Ejection : uint32_t { kFree, kEjected, kOverridden };

template <typename Storage>
class Group {
 public:
  // What a member keeps for its group.
  using Member = typename Storage::template Cell<uint32_t>;

  explicit Group(const GroupPolicy& policy) : max_ejected_(policy.max_ejected_millis) {}

  // Members stay as they are until they refuse next.
  void Update(const GroupPolicy& policy, hf_time now) {
    max_ejected_.Store(policy.max_ejected_millis);
    journal_.Write(HF_EVENT_KIND_UPDATED, now, HF_R_NONE, 0, updates_.Add(1) + 1);
  }
  typename Storage::Journal& journal() { return journal_; }

  void Join() { members_.Add(1); }
  void Leave(Member& member) {
    Closed(member);
    members_.Add(0u - 1);
  }

  // The breaker of `member` refuses: whether that stands. False: it admits all the same.
  bool Refuses(Member& member, hf_time now) {
    for (;;) {
      uint32_t state = member.Load();
      if (state == Of(Ejection::kEjected) && ejected_.Load() <= Allowed()) return true;
      if (state == Of(Ejection::kEjected)) {
        if (!member.CompareExchange(state, Of(Ejection::kOverridden))) continue;
        ejected_.Add(0u - 1);
        return Override(state, now);
      }
      if (!TakeRoom()) {
        if (state == Of(Ejection::kOverridden)) return Override(state, now);
        if (member.CompareExchange(state, Of(Ejection::kOverridden))) return Override(state, now);
        continue;
      }
      if (member.CompareExchange(state, Of(Ejection::kEjected))) return true;
      ejected_.Add(0u - 1);  // another thread was first
    }
  }

  // The breaker of `member` admits again.
  void Closed(Member& member) {
    uint32_t state = member.Load();
    while (state != Of(Ejection::kFree)) {
      if (!member.CompareExchange(state, Of(Ejection::kFree))) continue;
      if (state == Of(Ejection::kEjected)) ejected_.Add(0u - 1);
      return;
    }
  }

  uint32_t Members() const { return members_.Load(); }
  uint32_t Ejected() const { return ejected_.Load(); }
  uint64_t Overridden() const { return overridden_.Load(); }
  uint32_t Allowed() const {
    const uint64_t members = members_.Load();
    if (members == 0) return 0;
    const uint64_t share = members * max_ejected_.Load() / 1000;
    return static_cast<uint32_t>(std::min(members - 1, std::max<uint64_t>(share, 1)));
  }

 private:
  static uint32_t Of(Ejection ejection) { return static_cast<uint32_t>(ejection); }

  bool TakeRoom() {
    uint32_t ejected = ejected_.Load();
    do {
      if (ejected >= Allowed()) return false;
    } while (!ejected_.CompareExchange(ejected, ejected + 1));
    return true;
  }

  // Written down when it begins, not for each call.
  bool Override(uint32_t before, hf_time now) {
    overridden_.Add(1);
    if (before != Of(Ejection::kOverridden)) {
      journal_.Write(HF_EVENT_KIND_OVERRIDDEN, now, HF_R_BREAKER_OPEN, ejected_.Load(), Members());
    }
    return false;
  }

  typename Storage::template Cell<uint32_t> max_ejected_;
  typename Storage::template Cell<uint32_t> members_;
  typename Storage::template Cell<uint32_t> ejected_;
  typename Storage::template Cell<uint64_t> overridden_;  // calls
  typename Storage::template Cell<int64_t> updates_;
  typename Storage::Journal journal_;
};

}  // namespace holdfast::engine

#endif  // HOLDFAST_ENGINE_GROUP_H_
