// SPDX-License-Identifier: Apache-2.0
//
// A whole request, one header a line ("name: value"; the first byte chooses the policy): there is always a
// context, what it writes keeps the budget and is legal as metadata, and reading that again changes nothing.
#include <holdfast/c/propagation.h>

#include <algorithm>
#include <cstdint>
#include <cstdlib>
#include <cstring>
#include <string>
#include <string_view>
#include <vector>

#include "codec/baggage.h"

namespace {

void Require(bool holds) {
  if (!holds) std::abort();
}

hf_str Str(std::string_view text) { return {text.data(), text.size()}; }
std::string_view View(const hf_str& text) { return {text.data, text.size}; }

hf_propagation* Policy(bool internal, bool grpc, bool formats, bool tight) {
  static const hf_str kKeys[] = {{"a", 1}, {"k", 1}, {"email", 5}};
  hf_propagation_options options = HF_INIT(hf_propagation_options);
  options.boundary = internal ? HF_BOUNDARY_INTERNAL : HF_BOUNDARY_INGRESS;
  options.transport = grpc ? HF_TRANSPORT_GRPC : HF_TRANSPORT_HTTP;
  if (formats) {
    options.read_formats = options.write_formats =
        HF_FORMAT_W3C | HF_FORMAT_B3_SINGLE | HF_FORMAT_B3_MULTI;
  }
  options.budget = tight ? 400 : 65536;
  options.baggage_allow = options.tracestate_allow = kKeys;
  options.baggage_allow_count = options.tracestate_allow_count = 3;
  options.baggage_private = kKeys + 2;
  options.baggage_private_count = 1;
  hf_propagation* policy = nullptr;
  Require(hf_propagation_new(&options, &policy, nullptr) == HF_OK);
  return policy;
}

hf_propagation* PolicyOf(unsigned choice) {
  static hf_propagation* const policies[16] = {
#define ROW(n) Policy((n) & 1, (n) & 2, (n) & 4, (n) & 8)
      ROW(0), ROW(1),  ROW(2),  ROW(3),  ROW(4),  ROW(5),  ROW(6), ROW(7), ROW(8),
      ROW(9), ROW(10), ROW(11), ROW(12), ROW(13), ROW(14), ROW(15)
#undef ROW
  };
  return policies[choice % 16];
}

hf_context* Read(const hf_propagation* policy, const std::vector<hf_header>& headers, hf_time now) {
  std::uint8_t entropy[HF_EXTRACT_ENTROPY];
  std::memset(entropy, 0x5a, sizeof entropy);
  hf_extract_options options = HF_INIT(hf_extract_options);
  options.now = now;
  options.entropy = entropy;
  hf_context* context = nullptr;
  hf_propagation_snapshot report{};
  report.struct_size = sizeof report;
  Require(hf_context_extract(policy, headers.data(), headers.size(), &options, &context, &report,
                             nullptr) == HF_OK);
  return context;
}

void RequireNothingPrivate(std::string_view baggage) {
  while (!baggage.empty()) {
    const std::string_view member = holdfast::codec::TakeMember(baggage);
    Require(!holdfast::codec::IsPrivate(member) && holdfast::codec::KeyOf(member) != "email");
  }
}

struct Written {
  std::vector<hf_header> headers;
  std::vector<char> buffer;
};

Written Write(const hf_propagation* policy, const hf_context* context, std::size_t budget) {
  Written written{std::vector<hf_header>(HF_INJECT_HEADERS), std::vector<char>(budget)};
  std::size_t count = 0;
  Require(hf_context_inject(policy, context, 0, written.headers.data(), &count,
                            written.buffer.data(), written.buffer.size(), nullptr,
                            nullptr) == HF_OK);
  written.headers.resize(count);
  std::size_t bytes = 0;
  for (const hf_header& header : written.headers) {
    bytes += header.name.size + header.value.size + 32;
    for (const char byte : View(header.value)) Require(byte >= 0x20 && byte <= 0x7e);
    if (View(header.name) == "baggage") RequireNothingPrivate(View(header.value));
  }
  Require(bytes <= budget);
  return written;
}

std::string Flat(const std::vector<hf_header>& headers) {
  std::string text;
  for (const hf_header& header : headers) {
    text.append(View(header.name)).append(": ").append(View(header.value)).append("\n");
  }
  return text;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size == 0) return 0;
  const unsigned choice = data[0] % 16;
  const hf_propagation* const policy = PolicyOf(choice);
  const std::size_t budget = (choice & 8) != 0 ? 400 : 65536;
  std::string_view left(reinterpret_cast<const char*>(data) + 1, size - 1);
  std::vector<hf_header> headers;
  while (!left.empty()) {
    const std::size_t end = std::min(left.find('\n'), left.size());
    const std::string_view line = left.substr(0, end);
    const std::size_t colon = std::min(line.find(':'), line.size());
    headers.push_back(
        {Str(line.substr(0, colon)), Str(line.substr(std::min(line.size(), colon + 1)))});
    left.remove_prefix(std::min(left.size(), end + 1));
  }
  // The deadline is relative on the wire: one instant for all, so that it can be the same again.
  hf_context* const context = Read(policy, headers, 0);
  const Written once = Write(policy, context, budget);
  hf_context* const again = Read(policy, once.headers, 0);
  const Written twice = Write(policy, again, budget);
  // A stranger's request id is made anew each time, here of the same bytes; a tight budget may keep back more.
  if ((choice & 8) == 0) Require(Flat(once.headers) == Flat(twice.headers));
  hf_context_unref(context);
  hf_context_unref(again);
  return 0;
}
