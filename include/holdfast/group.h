// SPDX-License-Identifier: Apache-2.0
// BreakerGroup: of the breakers of one service's hosts, only so many are ejected at once.
//
//   auto group = holdfast::BreakerGroup::Create({.max_ejected = 0.3});
//   for (auto& host : hosts) (void)group->Add(host.breaker);      // before they are shared
//
// A member that trips beyond the share goes on admitting: its permits are overridden, and not judged. What
// becomes of whom: c/group.h. Keys of a registry join by RegistryOptions::group.
#ifndef HOLDFAST_GROUP_H_
#define HOLDFAST_GROUP_H_

#include <absl/status/status.h>
#include <absl/status/statusor.h>
#include <holdfast/breaker.h>
#include <holdfast/c/group.h>
#include <holdfast/handle.h>
#include <holdfast/status.h>

#include <cstdint>

namespace holdfast::inline v0_5 {

// Zero in any field is its default.
struct BreakerGroupOptions {
  double max_ejected = 0.1;       // share of the members: 0.001..1; one at least, and never all
  hf_journal* journal = nullptr;  // borrowed; the group takes a reference
  uint64_t object = 0;            // the group's number there
};

struct BreakerGroupSnapshot {
  uint32_t members = 0;
  uint32_t ejected = 0;     // members whose refusals stand
  uint32_t allowed = 0;     // how many that may be
  uint64_t overridden = 0;  // calls admitted though their breaker refused
};

// A cheap handle over a shared, thread-safe object.
class BreakerGroup {
 public:
  using Options = BreakerGroupOptions;

  // Errors: kInvalidArgument, whose message names the field.
  static absl::StatusOr<BreakerGroup> Create(const Options& options = {}) {
    const hf_group_options raw = Raw(options);
    hf_group* created = nullptr;
    hf_error error;
    if (hf_group_new(&raw, &created, &error) != HF_OK) return MakeStatus(error);
    return BreakerGroup(created);
  }

  // Empty: may only be assigned, destroyed or tested.
  BreakerGroup() = default;
  explicit operator bool() const { return static_cast<bool>(handle_); }

  // Before the breaker is shared with other threads; it stays a member for as long as it lives.
  // Errors: kFailedPrecondition if it is in a group.
  absl::Status Add(const CircuitBreaker& breaker) const {
    return MakeStatus(hf_group_add(raw(), breaker.raw()), HF_R_BAD_STATE,
                      "breaker: is in a group already");
  }

  // Swaps the share in. Errors: as Create; the old one stays.
  absl::Status Update(const Options& options, hf_time now) const {
    const hf_group_options next = Raw(options);
    hf_error error;
    if (hf_group_update(raw(), &next, now, &error) != HF_OK) return MakeStatus(error);
    return absl::OkStatus();
  }

  BreakerGroupSnapshot Snapshot() const {
    hf_group_snapshot now{};
    now.struct_size = sizeof(now);
    if (hf_group_read(raw(), &now) != HF_OK) return {};
    return {now.members, now.ejected, now.allowed, now.overridden};
  }

  // The C object, borrowed.
  hf_group* raw() const { return handle_.get(); }

 private:
  explicit BreakerGroup(hf_group* owned) : handle_(decltype(handle_)::Adopt(owned)) {}

  static hf_group_options Raw(const Options& options) {
    hf_group_options raw = HF_INIT(hf_group_options);
    raw.max_ejected = options.max_ejected;
    raw.journal = options.journal;
    raw.object = options.object;
    return raw;
  }

  Handle<hf_group, hf_group_ref, hf_group_unref> handle_;
};

}  // namespace holdfast::inline v0_5

#endif  // HOLDFAST_GROUP_H_
