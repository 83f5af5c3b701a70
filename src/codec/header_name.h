// SPDX-License-Identifier: Apache-2.0
//
// The names of the headers that carry a context, and which of them a name is. Case does not matter in HTTP
// (RFC 9110 5.1), and is lower in HTTP/2.
#ifndef HOLDFAST_CODEC_HEADER_NAME_H_
#define HOLDFAST_CODEC_HEADER_NAME_H_

#include <cstddef>
#include <cstdint>
#include <string_view>

namespace holdfast::codec {

enum class Header : std::uint8_t {
  kTraceparent,
  kTracestate,
  kBaggage,
  kB3,
  kB3TraceId,
  kB3SpanId,
  kB3ParentSpanId,
  kB3Sampled,
  kB3Flags,
  kCorrelationId,
  kCausationId,
  kRequestId,
  kTenant,
  kPrincipal,
  kCriticality,
  kAttempt,
  kRetries,
  kGrpcTimeout,
  kHttpTimeout,
  kOther,
};
inline constexpr std::size_t kHeaders = static_cast<std::size_t>(Header::kOther);

constexpr std::size_t Index(Header header) { return static_cast<std::size_t>(header); }

inline constexpr std::string_view kHeaderNames[kHeaders] = {
    "traceparent",
    "tracestate",
    "baggage",
    "b3",
    "x-b3-traceid",
    "x-b3-spanid",
    "x-b3-parentspanid",
    "x-b3-sampled",
    "x-b3-flags",
    "x-correlation-id",
    "x-causation-id",
    "x-request-id",
    "holdfast-tenant",
    "holdfast-principal",
    "holdfast-criticality",
    "holdfast-attempt",
    "holdfast-retries",
    "grpc-timeout",
    "holdfast-timeout",
};

constexpr std::string_view NameOf(Header header) { return kHeaderNames[Index(header)]; }

Header HeaderNamed(std::string_view name);

}  // namespace holdfast::codec

#endif  // HOLDFAST_CODEC_HEADER_NAME_H_
