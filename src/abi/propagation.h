// SPDX-License-Identifier: Apache-2.0
// What stands behind hf_propagation: an immutable policy, whom to believe and what to tell.
#ifndef HOLDFAST_ABI_PROPAGATION_H_
#define HOLDFAST_ABI_PROPAGATION_H_

#include <holdfast/c/propagation.h>

#include "abi/guard.h"
#include "codec/header_name.h"
#include "codec/key_list.h"

struct hf_propagation final : holdfast::abi::RefCounted {
  bool TrustsPeer() const { return boundary == HF_BOUNDARY_INTERNAL; }
  bool Carries(uint32_t field) const { return (left_out & field) == 0; }
  // Nullable: every key.
  const holdfast::codec::KeyList* BaggageFilter() const { return Filter(baggage_allow); }
  const holdfast::codec::KeyList* TracestateFilter() const { return Filter(tracestate_allow); }
  // Nullable: none.
  const holdfast::codec::KeyList* PrivateKeys() const {
    return baggage_private.empty() ? nullptr : &baggage_private;
  }
  holdfast::codec::Header DeadlineHeader() const {
    return transport == HF_TRANSPORT_GRPC ? holdfast::codec::Header::kGrpcTimeout
                                          : holdfast::codec::Header::kHttpTimeout;
  }

  hf_boundary boundary = HF_BOUNDARY_INGRESS;
  hf_transport transport = HF_TRANSPORT_HTTP;
  uint32_t read_formats = HF_FORMAT_W3C;  // less what is left out
  uint32_t write_formats = HF_FORMAT_W3C;
  uint32_t left_out = 0;
  uint32_t budget = 4096;
  hf_duration margin = 0;
  holdfast::codec::KeyList baggage_allow;
  holdfast::codec::KeyList baggage_private;
  holdfast::codec::KeyList tracestate_allow;

 private:
  const holdfast::codec::KeyList* Filter(const holdfast::codec::KeyList& allowed) const {
    return TrustsPeer() || allowed.all() ? nullptr : &allowed;
  }
};

namespace holdfast::abi {

// What a stranger is neither believed nor told.
inline constexpr uint32_t kIdentityFields =
    HF_FIELD_TENANT | HF_FIELD_PRINCIPAL | HF_FIELD_CRITICALITY;

}  // namespace holdfast::abi

#endif  // HOLDFAST_ABI_PROPAGATION_H_
