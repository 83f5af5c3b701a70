// SPDX-License-Identifier: Apache-2.0
// The policy of c/propagation.h. Reading is in extract.cc, writing in inject.cc.
//
// Locking: none, a policy never changes. Memory: the handle and its lists.
#include "abi/propagation.h"

#include <memory>

namespace holdfast::abi {
namespace {

constexpr uint32_t kFormats = HF_FORMAT_W3C | HF_FORMAT_B3_SINGLE | HF_FORMAT_B3_MULTI;
constexpr size_t kKeySizeMax = 256;

hf_code CheckBits(hf_error* error, std::string_view field, uint32_t bits, uint32_t known) {
  if ((bits & ~known) == 0) return HF_OK;
  return FailField(error, HF_INVALID_ARGUMENT, HF_R_OUT_OF_RANGE, field, "has an unknown bit");
}

hf_code CopyKeys(hf_error* error, std::string_view field, const hf_str* keys, uint32_t count,
                 codec::KeyList* out) {
  if (const hf_code code = CheckRange(error, field, count, 0, HF_PROPAGATION_KEYS); code != HF_OK) {
    return code;
  }
  if (count != 0 && keys == nullptr) return FailNull(error, field);
  for (uint32_t i = 0; i < count; ++i) {
    if (keys[i].data == nullptr || keys[i].size == 0) return FailNull(error, field);
    if (keys[i].size > kKeySizeMax) {
      return FailField(error, HF_INVALID_ARGUMENT, HF_R_OUT_OF_RANGE, field,
                       "has a key longer than 256 bytes");
    }
    out->Add({keys[i].data, keys[i].size});
  }
  return HF_OK;
}

hf_code CheckNumbers(hf_error* error, const hf_propagation_options& options) {
  hf_code code = CheckRange(error, "boundary", options.boundary, 0, HF_BOUNDARY_INTERNAL);
  if (code == HF_OK) {
    code = CheckRange(error, "transport", options.transport, 0, HF_TRANSPORT_GRPC);
  }
  if (code == HF_OK) code = CheckBits(error, "read_formats", options.read_formats, kFormats);
  if (code == HF_OK) code = CheckBits(error, "write_formats", options.write_formats, kFormats);
  if (code == HF_OK) code = CheckBits(error, "left_out", options.left_out, HF_FIELDS);
  if (code == HF_OK && options.budget != 0) {
    code = CheckRange(error, "budget", options.budget, 256, 65536);
  }
  if (code == HF_OK) code = CheckRange(error, "margin", options.margin, 0, 3600 * HF_S);
  if (code == HF_OK) code = CheckReserved(error, "reserved0", options.reserved0);
  return code;
}

// The formats that are told, less those whose field is left out.
uint32_t Effective(uint32_t formats, uint32_t left_out) {
  if (formats == 0) formats = HF_FORMAT_W3C;
  if ((left_out & HF_FIELD_TRACEPARENT) != 0) formats &= ~HF_FORMAT_W3C;
  if ((left_out & HF_FIELD_B3) != 0) formats &= ~(HF_FORMAT_B3_SINGLE | HF_FORMAT_B3_MULTI);
  return formats;
}

hf_code Fill(const hf_propagation_options& options, hf_propagation* policy, hf_error* error) {
  hf_code code = CheckNumbers(error, options);
  if (code == HF_OK) {
    code = CopyKeys(error, "baggage_allow", options.baggage_allow, options.baggage_allow_count,
                    &policy->baggage_allow);
  }
  if (code == HF_OK) {
    code = CopyKeys(error, "baggage_private", options.baggage_private,
                    options.baggage_private_count, &policy->baggage_private);
  }
  if (code == HF_OK) {
    code = CopyKeys(error, "tracestate_allow", options.tracestate_allow,
                    options.tracestate_allow_count, &policy->tracestate_allow);
  }
  if (code != HF_OK) return code;
  if (options.boundary != 0) policy->boundary = options.boundary;
  if (options.transport != 0) policy->transport = options.transport;
  if (options.budget != 0) policy->budget = options.budget;
  policy->read_formats = Effective(options.read_formats, options.left_out);
  policy->write_formats = Effective(options.write_formats, options.left_out);
  policy->left_out = options.left_out;
  policy->margin = options.margin;
  return HF_OK;
}

}  // namespace
}  // namespace holdfast::abi

namespace abi = holdfast::abi;

hf_code hf_propagation_new(const hf_propagation_options* options, hf_propagation** out,
                           hf_error* error) noexcept {
  return abi::Guarded(error, [&] {
    if (out == nullptr) return abi::FailNull(error, "out");
    *out = nullptr;
    hf_propagation_options known;
    hf_code code = abi::CopyIn(options, &known, error);
    if (code != HF_OK) return code;
    const auto unref = [](hf_propagation* policy) { hf_propagation_unref(policy); };
    std::unique_ptr<hf_propagation, decltype(unref)> policy(new hf_propagation);
    code = abi::Fill(known, policy.get(), error);
    if (code != HF_OK) return code;
    *out = policy.release();
    return abi::Succeed(error);
  });
}

void hf_propagation_ref(hf_propagation* propagation) noexcept { abi::Ref(propagation); }
void hf_propagation_unref(hf_propagation* propagation) noexcept { abi::Unref(propagation); }
