// SPDX-License-Identifier: Apache-2.0
// Propagation: a context out of a request's headers, and into those of the next one.
//
// A Propagator is an immutable policy: who is at the other end (Boundary), which formats are spoken, which
// baggage may pass, and how many bytes a hop may cost. The table of headers, and what comes of each when it
// is missing, malformed or repeated: c/propagation.h. Several fields of one name are given as several headers,
// never joined beforehand, so that a doubled traceparent is seen.
#ifndef HOLDFAST_PROPAGATION_H_
#define HOLDFAST_PROPAGATION_H_

#include <absl/status/status.h>
#include <absl/status/statusor.h>
#include <holdfast/c/propagation.h>
#include <holdfast/clock.h>
#include <holdfast/context.h>
#include <holdfast/entropy.h>
#include <holdfast/handle.h>
#include <holdfast/status.h>

#include <array>
#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace holdfast::inline v0_5 {

// Who is at the other end.
enum class Boundary : hf_boundary {
  kIngress =
      HF_BOUNDARY_INGRESS,  // a stranger: neither believed nor told more than the lists allow
  kInternal = HF_BOUNDARY_INTERNAL,  // one of ours
};

enum class Transport : hf_transport {
  kHttp = HF_TRANSPORT_HTTP,
  kGrpc = HF_TRANSPORT_GRPC,  // lower-case names, grpc-timeout
};

// One header field, borrowed.
inline hf_header MakeHeader(std::string_view name, std::string_view value) {
  return {{name.data(), name.size()}, {value.data(), value.size()}};
}

// The lists are looked at by Create only; "*" in one is every key.
struct PropagationOptions {
  Boundary boundary = Boundary::kIngress;
  Transport transport = Transport::kHttp;
  std::uint32_t read_formats = HF_FORMAT_W3C;   // HF_FORMAT_*
  std::uint32_t write_formats = HF_FORMAT_W3C;  // HF_FORMAT_*
  std::uint32_t left_out = 0;   // HF_FIELD_* that are neither read nor written: somebody else does
  std::uint32_t budget = 4096;  // bytes written at most, name + value + 32 each: 256..65536
  Duration margin = {};         // taken off a deadline that is read: 0..1 h
  std::span<const std::string_view> baggage_allow = {};     // let through at ingress: at most 64
  std::span<const std::string_view> baggage_private = {};   // made private where read: at most 64
  std::span<const std::string_view> tracestate_allow = {};  // let through at ingress: at most 64
};

struct ExtractOptions {
  hf_time now = 0;  // on the clock of the deadlines; 0: what a request tells of one is left out
  hf_time deadline = 0;  // known besides the headers; the earlier one counts; 0: none
};

// What came of each field. Masks of HF_FIELD_*.
using PropagationReport = hf_propagation_snapshot;

// Cheap to copy. Thread-safe.
class Propagator {
 public:
  using Options = PropagationOptions;

  // Errors: kInvalidArgument naming the field; kResourceExhausted.
  static absl::StatusOr<Propagator> Create(const Options& options = {}) {
    const std::vector<hf_str> allow = Raw(options.baggage_allow);
    const std::vector<hf_str> tagged = Raw(options.baggage_private);
    const std::vector<hf_str> states = Raw(options.tracestate_allow);
    hf_propagation_options raw = HF_INIT(hf_propagation_options);
    raw.boundary = static_cast<hf_boundary>(options.boundary);
    raw.transport = static_cast<hf_transport>(options.transport);
    raw.read_formats = options.read_formats;
    raw.write_formats = options.write_formats;
    raw.left_out = options.left_out;
    raw.budget = options.budget;
    raw.margin = options.margin.count();
    raw.baggage_allow = allow.data();
    raw.baggage_allow_count = static_cast<std::uint32_t>(allow.size());
    raw.baggage_private = tagged.data();
    raw.baggage_private_count = static_cast<std::uint32_t>(tagged.size());
    raw.tracestate_allow = states.data();
    raw.tracestate_allow_count = static_cast<std::uint32_t>(states.size());
    hf_propagation* created = nullptr;
    hf_error error;
    if (hf_propagation_new(&raw, &created, &error) != HF_OK) return MakeStatus(error);
    const std::size_t budget = options.budget == 0 ? kStackBuffer : options.budget;
    return Propagator(HandleType::Adopt(created), options.boundary, budget);
  }

  // Reads a context, with a trace, a correlation id and a request id whatever the bytes: nothing a peer
  // sends is an error, *report (nullable) tells what was left out. The trace's span id is the caller's: work on a Child.
  // Errors: kInvalidArgument: `now` or `deadline` below 0; kResourceExhausted.
  absl::StatusOr<Context> Extract(std::span<const hf_header> headers,
                                  const ExtractOptions& options = {},
                                  PropagationReport* report = nullptr) const {
    std::array<std::uint8_t, HF_EXTRACT_ENTROPY> entropy;
    hf_extract_options raw = HF_INIT(hf_extract_options);
    raw.now = options.now;
    raw.deadline = options.deadline;
    if (report != nullptr) report->struct_size = sizeof *report;
    hf_context* read = nullptr;
    hf_error error{};
    // Random bytes cost more than most of the rest, and are seldom needed behind the edge.
    hf_code code = HF_FAILED_PRECONDITION;
    if (boundary_ == Boundary::kInternal) code = Call(headers, raw, &read, report, &error);
    while (code == HF_FAILED_PRECONDITION) {
      FillRandom(entropy);
      raw.entropy = entropy.data();
      code = Call(headers, raw, &read, report, &error);
    }
    if (code != HF_OK) return MakeStatus(error);
    return Context::Adopt(read);
  }

  // Gives sink(std::string_view name, std::string_view value) each header to send for a step (a Child); the
  // views last until it returns. The most needed come first, and what the budget does not hold is left out.
  // Errors, before the sink is called: kDeadlineExceeded HF_R_DEADLINE: nothing is to be sent;
  // kInvalidArgument: `now` below 0; kResourceExhausted.
  template <class Sink>
  absl::Status Inject(const Context& step, hf_time now, Sink&& sink,
                      PropagationReport* report = nullptr) const {
    char on_stack[kStackBuffer];
    std::string larger;
    if (budget_ > kStackBuffer) larger.resize(budget_);
    char* const buffer = larger.empty() ? on_stack : larger.data();
    hf_header headers[HF_INJECT_HEADERS];
    std::size_t count = 0;
    if (report != nullptr) report->struct_size = sizeof *report;
    hf_error error;
    if (hf_context_inject(handle_.get(), step.raw(), now, headers, &count, buffer, budget_, report,
                          &error) != HF_OK) {
      return MakeStatus(error);
    }
    for (const hf_header& header : std::span(headers, count)) {
      sink(std::string_view(header.name.data, header.name.size),
           std::string_view(header.value.data, header.value.size));
    }
    return absl::OkStatus();
  }

  // The C object, borrowed.
  hf_propagation* raw() const { return handle_.get(); }

 private:
  using HandleType = Handle<hf_propagation, hf_propagation_ref, hf_propagation_unref>;
  static constexpr std::size_t kStackBuffer = 4096;

  Propagator(HandleType handle, Boundary boundary, std::size_t budget)
      : handle_(std::move(handle)), boundary_(boundary), budget_(budget) {}

  static std::vector<hf_str> Raw(std::span<const std::string_view> keys) {
    std::vector<hf_str> raw;
    for (const std::string_view key : keys) raw.push_back({key.data(), key.size()});
    return raw;
  }

  hf_code Call(std::span<const hf_header> headers, const hf_extract_options& options,
               hf_context** out, PropagationReport* report, hf_error* error) const {
    return hf_context_extract(handle_.get(), headers.data(), headers.size(), &options, out, report,
                              error);
  }

  HandleType handle_;
  Boundary boundary_;
  std::size_t budget_;
};

}  // namespace holdfast::inline v0_5

#endif  // HOLDFAST_PROPAGATION_H_
