// SPDX-License-Identifier: Apache-2.0
// KillSwitch: an operator stops some calls now, says who and why, and cannot forget to let them go again.
//
//   auto token = kill_switch.Arm({.match = {.operation = "charge", .tenant = "acme"},
//                                 .owner = "ann", .reason = "double charges, INC-7", .expiry = 10min}, now);
//   for (const auto& rule : kill_switch.List(now)) ...    // what it means, and would have refused by now
//   kill_switch.Fire(*token, now);
//
// A cheap handle over a shared, thread-safe object: one per process, asked before everything else. A call
// pays one load while nothing is armed or on. States and promises: c/kill_switch.h.
#ifndef HOLDFAST_KILL_SWITCH_H_
#define HOLDFAST_KILL_SWITCH_H_

#include <absl/status/status.h>
#include <absl/status/statusor.h>
#include <holdfast/c/kill_switch.h>
#include <holdfast/handle.h>
#include <holdfast/match.h>
#include <holdfast/status.h>

#include <chrono>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace holdfast::inline v0_5 {

// Zero in any field is its default.
struct KillSwitchOptions {
  uint32_t capacity = 64;                          // rules armed or on: 1..64
  Duration arm_window = std::chrono::seconds(60);  // from Arm to Fire: 1 s..1 h
  hf_journal* journal = nullptr;                   // shared; ignored by Update
  uint64_t object = 0;                             // its number there; ignored by Update
};

enum class KillState : hf_kill_state {
  kArmed = HF_KILL_ARMED,  // refuses nothing, counts what it would
  kOn = HF_KILL_ON,
  kLifted = HF_KILL_LIFTED,
  kExpired = HF_KILL_EXPIRED,
  kLapsed = HF_KILL_LAPSED,  // armed, and not fired in time
};

// Owner, reason and expiry are required.
struct KillRule {
  Match match = {};              // all empty: every call, which needs `everything`
  std::string_view owner = {};   // who answers for it: 1..63 bytes
  std::string_view reason = {};  // why, for those who are stopped: 1..127 bytes
  Duration expiry{0};            // how long at most, from Fire on: 1 s..30 days
  absl::StatusCode code = absl::StatusCode::kUnavailable;  // what refused calls get
  bool everything = false;                                 // yes, every call
};

// One rule, as it is listed.
struct KillEntry {
  uint64_t token = 0;
  KillState state = KillState::kArmed;
  absl::StatusCode code = absl::StatusCode::kUnavailable;
  uint64_t hits = 0;     // calls it meant while on
  uint64_t watched = 0;  // calls it meant while armed
  Duration expiry{0};
  Duration left{0};  // until it expires or lapses; 0 when over
  std::string owner, reason, ended_by;
  std::string operation, tenant, correlation_id, target;
};

struct KillSwitchSnapshot {
  uint32_t capacity = 0;
  uint32_t armed = 0;
  uint32_t on = 0;
  uint64_t refused = 0;  // calls
  uint64_t fired = 0;    // rules, ever
  uint64_t updates = 0;
};

// Thread-safe. Only List, and a refusal's status, allocate. All times are of one steady clock.
class KillSwitch {
 public:
  using Options = KillSwitchOptions;

  // Nothing is on. Errors: kInvalidArgument, whose message names the field.
  static absl::StatusOr<KillSwitch> Create(const Options& options = {}) {
    const hf_kill_switch_options raw = Raw(options);
    hf_kill_switch* created = nullptr;
    hf_error error;
    if (hf_kill_switch_new(&raw, &created, &error) != HF_OK) return MakeStatus(error);
    return KillSwitch(created);
  }

  // Empty: may only be assigned, destroyed or tested.
  KillSwitch() = default;
  explicit operator bool() const { return static_cast<bool>(handle_); }

  // New capacity and arm_window; no rule is touched. Errors: as Create, and nothing is changed.
  absl::Status Update(const Options& options, hf_time now) const {
    const hf_kill_switch_options given = Raw(options);
    hf_error error;
    if (hf_kill_switch_update(raw(), &given, now, &error) != HF_OK) return MakeStatus(error);
    return absl::OkStatus();
  }

  // The first step: checked, listed, and counting what it would refuse. The token is for Fire and Lift.
  // Errors: kInvalidArgument naming the field; kResourceExhausted, HF_R_REGISTRY_FULL.
  absl::StatusOr<uint64_t> Arm(const KillRule& rule, hf_time now) const {
    hf_kill_options given = HF_INIT(hf_kill_options);
    given.match = ToMatch(rule.match);
    given.owner = ToStr(rule.owner);
    given.reason = ToStr(rule.reason);
    given.expiry = rule.expiry.count();
    given.code = static_cast<hf_code>(rule.code);
    given.flags = rule.everything ? HF_KILL_EVERYTHING : 0;
    uint64_t token = 0;
    hf_error error;
    if (hf_kill_switch_arm(raw(), &given, now, &token, &error) != HF_OK) return MakeStatus(error);
    return token;
  }

  // The second step: the rule is on when this returns. Errors: kDeadlineExceeded once arm_window is over;
  // kNotFound if it is not armed.
  absl::Status Fire(uint64_t token, hf_time now) const {
    hf_error error;
    if (hf_kill_switch_fire(raw(), token, now, &error) != HF_OK) return MakeStatus(error);
    return absl::OkStatus();
  }

  // Ends a rule, armed or on; `who` is kept in its entry. Errors: kNotFound if it is over already.
  absl::Status Lift(uint64_t token, std::string_view who, hf_time now) const {
    const hf_str by = ToStr(who);
    hf_error error;
    if (hf_kill_switch_lift(raw(), token, &by, now, &error) != HF_OK) return MakeStatus(error);
    return absl::OkStatus();
  }

  // Ends all rules of one owner, armed or on; how many. Errors: kInvalidArgument.
  absl::StatusOr<uint32_t> LiftOwned(std::string_view owner, std::string_view who,
                                     hf_time now) const {
    const hf_str of = ToStr(owner), by = ToStr(who);
    uint32_t lifted = 0;
    hf_error error;
    if (hf_kill_switch_lift_owned(raw(), &of, &by, now, &lifted, &error) != HF_OK) {
      return MakeStatus(error);
    }
    return lifted;
  }

  // Whether a call may go on. Errors: the rule's code with a Rejection, HF_R_KILLED, whose retry_after is
  // when every rule that means the call is over at the latest.
  absl::Status Check(const Facts& facts, hf_time now) const {
    const hf_facts known = ToFacts(facts);
    hf_rejection why{};
    if (hf_kill_switch_check(raw(), &known, now, &why) == HF_OK) return absl::OkStatus();
    return MakeStatus(why.code, why.reason, "refused by a kill switch", Duration{why.retry_after});
  }

  // The rules, the oldest first: all that are armed or on, and the last ones that are over.
  std::vector<KillEntry> List(hf_time now) const {
    std::vector<hf_kill_entry> given(64);
    size_t count = 0;
    hf_kill_switch_list(raw(), now, given.data(), given.size(), &count);
    std::vector<KillEntry> entries;
    for (size_t i = 0; i < count && i < given.size(); ++i) entries.push_back(Entry(given[i]));
    return entries;
  }

  KillSwitchSnapshot Snapshot(hf_time now) const {
    hf_kill_switch_snapshot read{};
    read.struct_size = sizeof(read);
    KillSwitchSnapshot snapshot;
    if (hf_kill_switch_read(raw(), now, &read) != HF_OK) return snapshot;
    snapshot.capacity = read.capacity;
    snapshot.armed = read.armed;
    snapshot.on = read.on;
    snapshot.refused = read.refused;
    snapshot.fired = read.fired;
    snapshot.updates = read.updates;
    return snapshot;
  }

  // The C object, borrowed.
  hf_kill_switch* raw() const { return handle_.get(); }

 private:
  explicit KillSwitch(hf_kill_switch* owned) : handle_(decltype(handle_)::Adopt(owned)) {}

  static hf_kill_switch_options Raw(const Options& options) {
    hf_kill_switch_options given = HF_INIT(hf_kill_switch_options);
    given.capacity = options.capacity;
    given.arm_window = options.arm_window.count();
    given.journal = options.journal;
    given.object = options.object;
    return given;
  }

  static KillEntry Entry(const hf_kill_entry& given) {
    KillEntry entry;
    entry.token = given.token;
    entry.state = static_cast<KillState>(given.state);
    entry.code = static_cast<absl::StatusCode>(given.code);
    entry.hits = given.hits;
    entry.watched = given.watched;
    entry.expiry = Duration{given.expiry};
    entry.left = Duration{given.left};
    entry.owner = given.owner;
    entry.reason = given.reason;
    entry.ended_by = given.ended_by;
    entry.operation = given.operation;
    entry.tenant = given.tenant;
    entry.correlation_id = given.correlation_id;
    entry.target = given.target;
    return entry;
  }

  Handle<hf_kill_switch, hf_kill_switch_ref, hf_kill_switch_unref> handle_;
};

}  // namespace holdfast::inline v0_5

#endif  // HOLDFAST_KILL_SWITCH_H_
