// SPDX-License-Identifier: Apache-2.0
// c/group.h over engine/group.h.
#include "abi/group.h"

#include <cmath>

#include "abi/breaker.h"

namespace abi = holdfast::abi;

namespace {

hf_code ReadPolicy(const hf_group_options& options, holdfast::engine::GroupPolicy* policy,
                   hf_error* error) {
  if (options.max_ejected == 0) return HF_OK;
  const hf_code code = abi::CheckReal(error, "max_ejected", options.max_ejected, 0.001, 1);
  if (code != HF_OK) return code;
  policy->max_ejected_millis = static_cast<uint32_t>(std::llround(options.max_ejected * 1000));
  return HF_OK;
}

}  // namespace

hf_code hf_group_new(const hf_group_options* options, hf_group** out, hf_error* error) noexcept {
  if (out == nullptr) return abi::FailNull(error, "out");
  *out = nullptr;
  hf_group_options given;
  hf_code code = abi::CopyIn(options, &given, error);
  if (code != HF_OK) return code;
  holdfast::engine::GroupPolicy policy;
  code = ReadPolicy(given, &policy, error);
  if (code == HF_OK) code = abi::NewHandle(out, error, policy);
  if (code == HF_OK) (*out)->engine.journal().Connect(given.journal, given.object);
  return code;
}

void hf_group_ref(hf_group* group) noexcept { abi::Ref(group); }
void hf_group_unref(hf_group* group) noexcept { abi::Unref(group); }

hf_code hf_group_add(hf_group* group, hf_breaker* breaker) noexcept {
  if (group == nullptr || breaker == nullptr) return HF_INVALID_ARGUMENT;
  return breaker->Join(group) ? HF_OK : HF_FAILED_PRECONDITION;
}

hf_code hf_group_update(hf_group* group, const hf_group_options* options, hf_time now,
                        hf_error* error) noexcept {
  if (group == nullptr) return abi::FailNull(error, "group");
  hf_group_options given;
  hf_code code = abi::CopyIn(options, &given, error);
  if (code != HF_OK) return code;
  holdfast::engine::GroupPolicy policy;
  code = ReadPolicy(given, &policy, error);
  if (code != HF_OK) return code;
  group->engine.Update(policy, now);
  return abi::Succeed(error);
}

hf_code hf_group_read(const hf_group* group, hf_group_snapshot* out) noexcept {
  if (group == nullptr) return HF_INVALID_ARGUMENT;
  hf_group_snapshot now{};
  now.members = group->engine.Members();
  now.ejected = group->engine.Ejected();
  now.allowed = group->engine.Allowed();
  now.overridden = group->engine.Overridden();
  return abi::CopyOut(now, out);
}
