// SPDX-License-Identifier: Apache-2.0
// c/breaker.h over engine/breaker.h.
#include "abi/breaker.h"

#include <algorithm>
#include <new>

namespace holdfast::abi {
namespace {

constexpr uint32_t kDefaultShards = 8;

bool CanBeForced(hf_breaker_state state) {
  return state == HF_BREAKER_FORCED_OPEN || state == HF_BREAKER_DISABLED ||
         state == HF_BREAKER_CLOSED || state == HF_BREAKER_METRICS_ONLY;
}

void Tell(hf_events* events, hf_events value) {
  if (events != nullptr) *events = value;
}

hf_code CheckSaved(const hf_breaker_saved& saved, hf_error* error) {
  if (saved.state != HF_BREAKER_OPEN && !CanBeForced(saved.state)) {
    return FailField(error, HF_INVALID_ARGUMENT, HF_R_OUT_OF_RANGE, "state",
                     "is none that can be saved");
  }
  hf_code code = CheckRange(error, "open_left", saved.open_left, 0, HF_INFINITE);
  if (code != HF_OK) return code;
  code = CheckRange(error, "ramp_left", saved.ramp_left, 0, HF_INFINITE);
  if (code != HF_OK) return code;
  code = CheckRange(error, "closed_for", saved.closed_for, 0, HF_INFINITE);
  if (code != HF_OK) return code;
  code = CheckRange(error, "failures", saved.failures, 0, saved.calls);
  if (code != HF_OK) return code;
  code = CheckRange(error, "slow", saved.slow, 0, saved.calls);
  if (code != HF_OK) return code;
  return CheckReserved(error, "reserved0", saved.reserved0);
}

}  // namespace
}  // namespace holdfast::abi

holdfast::abi::BreakerHome::BreakerHome(const hf_breaker_options& options,
                                        const engine::BreakerPolicy& policy)
    : room(engine::Capacity::Largest(options.shards != 0 ? options.shards : kDefaultShards)),
      lines(new BreakerLine[(room.Cells() + 7) / 8]),
      peers(new engine::Peer[options.peers]),
      fleet({peers.get(), options.peers}),
      live(policy) {}

// Whatever the last step of it fails with, the breaker that is there by then is destroyed.
hf_breaker::hf_breaker(const hf_breaker_options& options,
                       const holdfast::engine::BreakerPolicy& first)
    : hf_breaker(*new holdfast::abi::BreakerHome(options, first)) {
  machine.journal().Connect(options.journal, options.object);
}

hf_breaker::hf_breaker(holdfast::abi::BreakerHome& owned) noexcept
    : share_(&owned), machine(owned.live, owned.room, owned.lines[0].cells.data(), &owned.fleet) {}

hf_breaker::hf_breaker(holdfast::abi::BreakerShare& shared, Policy& policy,
                       const holdfast::engine::Capacity& room, holdfast::abi::BreakerCell* cells)
    : share_(&shared), machine(policy, room, cells) {
  if (shared.group != nullptr) shared.group->engine.Join();
}

hf_breaker::~hf_breaker() {
  if (share_->group != nullptr) share_->group->engine.Leave(ejection_);
  delete home();
}

holdfast::abi::BreakerHome* hf_breaker::home() const {
  return IsKept() ? nullptr : static_cast<holdfast::abi::BreakerHome*>(share_);
}

bool hf_breaker::Join(hf_group* group) {
  if (share_->group != nullptr || home() == nullptr) return false;
  group->AddRef();
  group->engine.Join();
  share_->group = group;
  return true;
}

void hf_breaker::LeaveEjection() {
  if (share_->group != nullptr) share_->group->engine.Closed(ejection_);
}

namespace {

constexpr size_t kLine = 128;  // two of 64: processors fetch pairs

// From the begin of its memory to that of a breaker made by itself; its machine is its last member.
constexpr size_t kAhead = kLine - (sizeof(hf_breaker) - sizeof(hf_breaker::machine)) % kLine;

}  // namespace

void* hf_breaker::operator new(size_t size) {
  return static_cast<unsigned char*>(::operator new(kAhead + size, std::align_val_t{kLine})) +
         kAhead;
}

void hf_breaker::operator delete(void* breaker) noexcept {
  ::operator delete(static_cast<unsigned char*>(breaker) - kAhead, std::align_val_t{kLine});
}

holdfast::engine::Admission hf_breaker::AcquireWatched(hf_time now) {
  holdfast::engine::Admission admission = machine.Acquire(now);
  if (admission.why.code != HF_OK || admission.events != 0) [[unlikely]] {
    if (share_->group != nullptr) AskGroup(&admission, now);
  }
  return admission;
}

void hf_breaker::AskGroup(holdfast::engine::Admission* admission, hf_time now) {
  Note(admission->events);
  if (admission->why.code == HF_OK) return;
  *admission = holdfast::abi::JudgeInGroup(*share_->group, ejection_, *admission, now, [&] {
    const hf_breaker_state state = State(now);
    return state != HF_BREAKER_OPEN && state != HF_BREAKER_HALF_OPEN;
  });
}

hf_code hf_breaker_new(const hf_breaker_options* options, hf_breaker** out,
                       hf_error* error) noexcept {
  using namespace holdfast;
  if (out == nullptr) return abi::FailNull(error, "out");
  *out = nullptr;
  hf_breaker_options known;
  hf_code code = abi::CopyIn(options, &known, error);
  if (code != HF_OK) return code;
  engine::BreakerPolicy policy;
  code = abi::BreakerPolicyOf(known, &policy, error);
  if (code != HF_OK) return code;
  return abi::NewHandle(out, error, known, policy);
}

void hf_breaker_ref(hf_breaker* breaker) noexcept { holdfast::abi::Ref(breaker); }
void hf_breaker_unref(hf_breaker* breaker) noexcept { holdfast::abi::Unref(breaker); }

hf_code hf_breaker_acquire(hf_breaker* breaker, hf_time now, hf_permit* permit, hf_rejection* why,
                           hf_events* events) noexcept {
  using namespace holdfast;
  if (breaker == nullptr || permit == nullptr) {
    abi::Tell(events, 0);
    if (permit != nullptr) *permit = hf_permit{};
    return abi::Reject(why, HF_INVALID_ARGUMENT, HF_R_NULL_ARGUMENT);
  }
  const engine::Admission admission = breaker->Acquire(now);
  // Field by field: a 16-byte copy would wait for the two 8-byte stores it is made of.
  permit->generation = admission.permit.generation;
  permit->kind = admission.permit.kind;
  permit->stamp = admission.permit.stamp;
  abi::Tell(events, admission.events);
  if (admission.why.code != HF_OK && why != nullptr) *why = admission.why;
  return admission.why.code;
}

hf_code hf_breaker_record(hf_breaker* breaker, hf_permit* permit, hf_verdict verdict, hf_time now,
                          hf_events* events) noexcept {
  using namespace holdfast;
  abi::Tell(events, 0);
  if (breaker == nullptr || permit == nullptr || permit->kind == HF_PERMIT_NONE) {
    return HF_INVALID_ARGUMENT;
  }
  if (verdict < HF_VERDICT_SUCCESS || verdict > HF_VERDICT_IGNORED) return HF_INVALID_ARGUMENT;
  const engine::Settlement settlement = breaker->Record(*permit, verdict, now);
  if (!settlement.accepted) return HF_INVALID_ARGUMENT;
  *permit = hf_permit{};
  abi::Tell(events, settlement.events);
  return HF_OK;
}

hf_code hf_breaker_force(hf_breaker* breaker, hf_breaker_state state, hf_time now) noexcept {
  if (breaker == nullptr || !holdfast::abi::CanBeForced(state)) return HF_INVALID_ARGUMENT;
  breaker->machine.Force(state, now);
  breaker->LeaveEjection();
  return HF_OK;
}

hf_code hf_breaker_update(hf_breaker* breaker, const hf_breaker_options* options, hf_time now,
                          hf_error* error) noexcept {
  using namespace holdfast;
  if (breaker == nullptr) return abi::FailNull(error, "breaker");
  if (breaker->home() == nullptr) {
    return abi::FailField(error, HF_FAILED_PRECONDITION, HF_R_CHANGED_SHAPE, "breaker",
                          "shares its policy with its registry: update that");
  }
  hf_breaker_options known;
  hf_code code = abi::CopyIn(options, &known, error);
  if (code != HF_OK) return code;
  engine::BreakerPolicy policy;
  code = abi::BreakerPolicyOf(known, &policy, error);
  if (code != HF_OK) return code;
  breaker->Note(breaker->machine.Update(policy, now));
  return abi::Succeed(error);
}

hf_code hf_breaker_merge(hf_breaker* breaker, uint64_t peer, const hf_breaker_counts* counts,
                         hf_time now, hf_events* events) noexcept {
  using namespace holdfast;
  abi::Tell(events, 0);
  if (breaker == nullptr || counts == nullptr) return HF_INVALID_ARGUMENT;
  if (counts->struct_size < sizeof(hf_breaker_counts)) return HF_INVALID_ARGUMENT;
  if (counts->failures > counts->calls || counts->slow > counts->calls) return HF_INVALID_ARGUMENT;
  if (!breaker->machine.HasPeers()) return HF_INVALID_ARGUMENT;
  hf_events merged = 0;
  const engine::WindowTotals totals{counts->calls, counts->failures, counts->slow};
  if (!breaker->machine.Merge(peer, totals, now, &merged)) return HF_RESOURCE_EXHAUSTED;
  abi::Tell(events, merged);
  return HF_OK;
}

hf_code hf_breaker_save(hf_breaker* breaker, hf_time now, hf_breaker_saved* out) noexcept {
  if (breaker == nullptr || out == nullptr) return HF_INVALID_ARGUMENT;
  return holdfast::abi::CopyOut(breaker->machine.Save(now), out);
}

hf_code hf_breaker_restore(hf_breaker* breaker, const hf_breaker_saved* saved, hf_time now,
                           hf_error* error) noexcept {
  using namespace holdfast;
  if (breaker == nullptr) return abi::FailNull(error, "breaker");
  if (saved == nullptr) return abi::FailNull(error, "saved");
  hf_code code = abi::CheckRange(error, "struct_size", saved->struct_size, sizeof(hf_breaker_saved),
                                 UINT32_MAX);
  if (code != HF_OK) return code;
  code = abi::CheckSaved(*saved, error);
  if (code != HF_OK) return code;
  breaker->machine.Restore(*saved, now);
  breaker->LeaveEjection();  // if it is open, its next refusal takes that back
  return abi::Succeed(error);
}

hf_code hf_breaker_read(const hf_breaker* breaker, hf_time now, hf_breaker_snapshot* out) noexcept {
  if (breaker == nullptr || out == nullptr) return HF_INVALID_ARGUMENT;
  return holdfast::abi::CopyOut(breaker->machine.Read(now), out);
}
