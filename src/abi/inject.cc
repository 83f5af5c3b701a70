// SPDX-License-Identifier: Apache-2.0
// hf_context_inject: context -> headers, in the order in which a small budget spends itself best.
//
// Values are borrowed from the context wherever they go out as they are; numbers, ids in hex, and lists that
// had to be cut are written to the caller's buffer.
#include <algorithm>
#include <span>

#include "abi/context.h"
#include "abi/propagation.h"
#include "codec/b3.h"
#include "codec/baggage.h"
#include "codec/grpc_timeout.h"
#include "codec/hex.h"
#include "codec/request_id.h"
#include "codec/traceparent.h"
#include "codec/tracestate.h"

namespace holdfast::abi {
namespace {

using codec::Header;

// RFC 7541 4.1: the cost of an entry besides its bytes.
constexpr size_t kEntryOverhead = 32;

hf_str Raw(std::string_view text) { return {text.data(), text.size()}; }

class Injection {
 public:
  Injection(const hf_propagation& policy, const hf_context& context, hf_header* headers,
            std::span<char> buffer)
      : policy_(policy),
        context_(context),
        headers_(headers),
        buffer_(buffer),
        budget_left_(policy.budget) {
    report_.struct_size = sizeof report_;
  }

  // False if the buffer is too small.
  bool Write(hf_time now);
  size_t count() const { return count_; }
  const hf_propagation_snapshot& report() const { return report_; }

 private:
  void WriteTrace();
  void WriteB3Multi();
  void WriteText(Header header, uint32_t field, hf_context::Text which);
  void WriteDeadline(hf_time now);
  void WriteNumber(Header header, uint32_t field, uint32_t number);
  void WriteHints();
  void WriteTracestate();
  void WriteBaggage();

  // Where a value of `size` bytes at most may be formatted; null if the budget would not hold it, or the
  // buffer: then Write answers false. What Put adds is not handed out again.
  char* Slot(std::string_view name, uint32_t field, size_t size);
  // Adds a header if the budget allows.
  void Put(std::string_view name, uint32_t field, std::string_view value);
  // How large a value of that name the budget allows.
  size_t RoomFor(std::string_view name) const {
    const size_t overhead = name.size() + kEntryOverhead;
    return budget_left_ > overhead ? budget_left_ - overhead : 0;
  }

  const hf_propagation& policy_;
  const hf_context& context_;
  hf_header* const headers_;
  std::span<char> buffer_;
  size_t budget_left_;
  size_t count_ = 0;
  bool too_small_ = false;
  hf_propagation_snapshot report_{};
};

char* Injection::Slot(std::string_view name, uint32_t field, size_t size) {
  if (RoomFor(name) < size) {
    report_.over |= field;
    return nullptr;
  }
  if (size > buffer_.size()) {
    too_small_ = true;
    return nullptr;
  }
  return buffer_.data();
}

void Injection::Put(std::string_view name, uint32_t field, std::string_view value) {
  if (RoomFor(name) < value.size()) {
    report_.over |= field;
    return;
  }
  budget_left_ -= name.size() + value.size() + kEntryOverhead;
  const bool formatted = value.data() == buffer_.data();
  if (formatted) buffer_ = buffer_.subspan(value.size());
  headers_[count_++] = {Raw(name), Raw(value)};
  report_.carried |= field;
}

bool Injection::Write(hf_time now) {
  if (codec::HasTraceIds(context_.trace)) WriteTrace();
  WriteText(Header::kCorrelationId, HF_FIELD_CORRELATION_ID, hf_context::kCorrelationId);
  WriteText(Header::kRequestId, HF_FIELD_REQUEST_ID, hf_context::kRequestId);
  WriteDeadline(now);
  WriteHints();
  WriteText(Header::kCausationId, HF_FIELD_CAUSATION_ID, hf_context::kCausationId);
  WriteText(Header::kTenant, HF_FIELD_TENANT, hf_context::kTenant);
  WriteText(Header::kPrincipal, HF_FIELD_PRINCIPAL, hf_context::kPrincipal);
  if ((report_.carried & HF_FIELD_TRACEPARENT) != 0) WriteTracestate();
  WriteBaggage();
  report_.bytes = static_cast<uint32_t>(policy_.budget - budget_left_);
  return !too_small_;
}

void Injection::WriteTrace() {
  if ((policy_.write_formats & HF_FORMAT_W3C) != 0) {
    const std::string_view name = codec::NameOf(Header::kTraceparent);
    if (char* const value = Slot(name, HF_FIELD_TRACEPARENT, HF_TRACEPARENT_SIZE)) {
      codec::FormatTraceparent(context_.trace, value);
      Put(name, HF_FIELD_TRACEPARENT, {value, HF_TRACEPARENT_SIZE});
    }
  }
  if ((policy_.write_formats & HF_FORMAT_B3_SINGLE) != 0) {
    const std::string_view name = codec::NameOf(Header::kB3);
    if (char* const value = Slot(name, HF_FIELD_B3, codec::kB3Size)) {
      codec::FormatB3(context_.trace, value);
      Put(name, HF_FIELD_B3, {value, codec::kB3Size});
    }
  }
  if ((policy_.write_formats & HF_FORMAT_B3_MULTI) != 0) WriteB3Multi();
}

void Injection::WriteB3Multi() {
  const bool lower = policy_.transport == HF_TRANSPORT_GRPC;
  const std::string_view trace = lower ? codec::NameOf(Header::kB3TraceId) : "X-B3-TraceId";
  const std::string_view span = lower ? codec::NameOf(Header::kB3SpanId) : "X-B3-SpanId";
  const std::string_view sampled = lower ? codec::NameOf(Header::kB3Sampled) : "X-B3-Sampled";
  // Ids without one another say nothing, and without the decision they ask for another.
  constexpr size_t kBoth = codec::kB3TraceIdSize + codec::kB3SpanIdSize;
  const size_t others = span.size() + sampled.size() + 1 + 2 * kEntryOverhead;
  if (RoomFor(trace) < kBoth + others) {
    report_.over |= HF_FIELD_B3;
    return;
  }
  if (char* const value = Slot(trace, HF_FIELD_B3, kBoth)) {
    codec::EncodeHex(context_.trace.trace_id, sizeof context_.trace.trace_id, value);
    Put(trace, HF_FIELD_B3, {value, codec::kB3TraceIdSize});
  }
  if (char* const value = Slot(span, HF_FIELD_B3, codec::kB3SpanIdSize)) {
    codec::EncodeHex(context_.trace.span_id, sizeof context_.trace.span_id, value);
    Put(span, HF_FIELD_B3, {value, codec::kB3SpanIdSize});
  }
  Put(sampled, HF_FIELD_B3, (context_.trace.flags & codec::kTraceSampled) != 0 ? "1" : "0");
}

void Injection::WriteText(Header header, uint32_t field, hf_context::Text which) {
  const std::string_view value = context_.view(which);
  if (value.empty() || !policy_.Carries(field)) return;
  if (!policy_.TrustsPeer() && (field & kIdentityFields) != 0) {
    report_.untrusted |= field;
    return;
  }
  Put(codec::NameOf(header), field, value);
}

void Injection::WriteDeadline(hf_time now) {
  if (context_.deadline == 0 || context_.deadline == HF_INFINITE) return;
  if (!policy_.Carries(HF_FIELD_DEADLINE)) return;
  const std::string_view name = codec::NameOf(policy_.DeadlineHeader());
  if (char* const value = Slot(name, HF_FIELD_DEADLINE, codec::kGrpcTimeoutSize)) {
    Put(name, HF_FIELD_DEADLINE, {value, codec::FormatGrpcTimeout(context_.deadline - now, value)});
  }
}

void Injection::WriteNumber(Header header, uint32_t field, uint32_t number) {
  if (!policy_.Carries(field)) return;
  const std::string_view name = codec::NameOf(header);
  if (char* const value = Slot(name, field, codec::kNumberSize)) {
    Put(name, field, {value, codec::FormatNumber(number, value)});
  }
}

void Injection::WriteHints() {
  const int32_t retries = context_.RetriesForPeople();
  if (retries != 0) {
    WriteNumber(Header::kRetries, HF_FIELD_RETRIES, static_cast<uint32_t>(std::max(retries, 0)));
  }
  // A child's is that of the layer above its parent: nothing that the next layer should hear.
  const uint32_t attempt = context_.ledger == &context_ ? context_.attempt : 0;
  if (attempt != 0) {
    WriteNumber(Header::kAttempt, HF_FIELD_ATTEMPT, std::min(attempt, codec::kAttemptMax));
  }
  if (context_.criticality == 0 || !policy_.Carries(HF_FIELD_CRITICALITY)) return;
  if (!policy_.TrustsPeer()) {
    report_.untrusted |= HF_FIELD_CRITICALITY;
    return;
  }
  Put(codec::NameOf(Header::kCriticality), HF_FIELD_CRITICALITY,
      codec::FormatCriticality(context_.criticality));
}

void Injection::WriteTracestate() {
  const std::string_view list = context_.view(hf_context::kTracestate);
  if (list.empty() || !policy_.Carries(HF_FIELD_TRACESTATE)) return;
  const std::string_view name = codec::NameOf(Header::kTracestate);
  const codec::KeyList* const filter = policy_.TracestateFilter();
  const size_t room = RoomFor(name);
  if (filter == nullptr && list.size() <= room) {
    Put(name, HF_FIELD_TRACESTATE, list);
    return;
  }
  const size_t limit = std::min(room, list.size());
  char* const value = Slot(name, HF_FIELD_TRACESTATE, limit);
  if (value == nullptr) return;
  const codec::FittedTracestate fit = codec::FitTracestate(list, limit, filter, value);
  report_.tracestate_dropped = fit.over + fit.untrusted;
  if (fit.over != 0) report_.over |= HF_FIELD_TRACESTATE;
  if (fit.untrusted != 0) report_.untrusted |= HF_FIELD_TRACESTATE;
  if (fit.size != 0) Put(name, HF_FIELD_TRACESTATE, {value, fit.size});
}

void Injection::WriteBaggage() {
  const std::string_view list = context_.view(hf_context::kBaggage);
  if (list.empty() || !policy_.Carries(HF_FIELD_BAGGAGE)) return;
  const std::string_view name = codec::NameOf(Header::kBaggage);
  const codec::KeyList* const filter = policy_.BaggageFilter();
  const size_t room = RoomFor(name);
  const bool as_it_is = filter == nullptr && policy_.PrivateKeys() == nullptr &&
                        !context_.has_private_baggage && list.size() <= room;
  if (as_it_is) {
    Put(name, HF_FIELD_BAGGAGE, list);
    return;
  }
  const size_t limit = std::min(room, list.size());
  char* const value = Slot(name, HF_FIELD_BAGGAGE, limit);
  if (value == nullptr) return;
  const codec::FittedBaggage fit =
      codec::FitBaggage(list, limit, filter, policy_.PrivateKeys(), value);
  report_.baggage_untrusted = fit.untrusted;
  report_.baggage_private = fit.kept_private;
  report_.baggage_over = fit.over;
  if (fit.untrusted != 0) report_.untrusted |= HF_FIELD_BAGGAGE;
  if (fit.over != 0) report_.over |= HF_FIELD_BAGGAGE;
  if (fit.size != 0) Put(name, HF_FIELD_BAGGAGE, {value, fit.size});
}

hf_code Check(const hf_propagation* propagation, const hf_header* headers, const size_t* count,
              const char* buffer, size_t capacity, const hf_propagation_snapshot* report,
              hf_error* error) {
  if (count == nullptr) return FailNull(error, "count");
  if (propagation == nullptr) return FailNull(error, "propagation");
  if (headers == nullptr) return FailNull(error, "headers");
  if (buffer == nullptr && capacity != 0) return FailNull(error, "buffer");
  if (report == nullptr) return HF_OK;
  const hf_code code = CheckOutSize(report->struct_size, sizeof *report);
  if (code == HF_OK) return HF_OK;
  return FailField(error, code, HF_R_STRUCT_SIZE, "report", "struct_size is too small");
}

}  // namespace
}  // namespace holdfast::abi

namespace abi = holdfast::abi;

hf_code hf_context_inject(const hf_propagation* propagation, const hf_context* context, hf_time now,
                          hf_header* headers, size_t* count, char* buffer, size_t capacity,
                          hf_propagation_snapshot* report, hf_error* error) noexcept {
  return abi::Guarded(error, [&] {
    if (count != nullptr) *count = 0;
    hf_code code = abi::Check(propagation, headers, count, buffer, capacity, report, error);
    if (code == HF_OK) code = abi::CheckRange(error, "now", now, 0, HF_INFINITE - 1);
    if (code != HF_OK) return code;
    if (context == nullptr) {
      if (report != nullptr) abi::CopyOut(hf_propagation_snapshot{}, report);
      return abi::Succeed(error);
    }
    const bool tells_deadline = propagation->Carries(HF_FIELD_DEADLINE) && context->deadline != 0;
    if (tells_deadline && context->deadline <= now) {
      return abi::Fail(error, HF_DEADLINE_EXCEEDED, HF_R_DEADLINE,
                       "the deadline of the context has passed");
    }
    abi::Injection injection(*propagation, *context, headers, {buffer, capacity});
    if (!injection.Write(now)) {
      return abi::FailField(error, HF_RESOURCE_EXHAUSTED, HF_R_BUFFER_TOO_SMALL, "buffer",
                            "is smaller than the budget of the policy");
    }
    *count = injection.count();
    if (report != nullptr) abi::CopyOut(injection.report(), report);
    return abi::Succeed(error);
  });
}
