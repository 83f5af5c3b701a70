// SPDX-License-Identifier: Apache-2.0
// Short words for tests of bindings: headers in braces, what is read as text.
#ifndef HOLDFAST_TESTS_UNIT_BINDING_H_
#define HOLDFAST_TESTS_UNIT_BINDING_H_

#include <holdfast/attribute.h>
#include <holdfast/c/binding.h>
#include <holdfast/envelope_headers.h>

#include <initializer_list>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace holdfast::testing {

using Pair = std::pair<std::string, std::string>;
using Pairs = std::vector<Pair>;

// The views last as long as `pairs`.
inline std::vector<hf_header> HeadersOf(const Pairs& pairs) {
  std::vector<hf_header> headers;
  for (const auto& [name, value] : pairs) headers.push_back({Borrow(name), Borrow(value)});
  return headers;
}

inline Pairs PairsOf(std::span<const hf_header> headers) {
  Pairs pairs;
  for (const hf_header& header : headers) pairs.emplace_back(View(header.name), View(header.value));
  return pairs;
}

// One read through the C ABI, into memory of its own.
struct BindingRead {
  BindingRead(hf_binding binding, Pairs given, std::optional<std::string> body_given = std::nullopt,
              std::optional<std::size_t> capacity = std::nullopt)
      : pairs(std::move(given)), body(std::move(body_given)) {
    const std::vector<hf_header> headers = HeadersOf(pairs);
    std::size_t room = 0;
    for (const auto& [name, value] : pairs) room += name.size() + value.size();
    buffer.resize(capacity.value_or(room));
    report.struct_size = sizeof report;
    code = hf_binding_read(binding, headers.data(), headers.size(), body ? body->data() : nullptr,
                           body ? body->size() : 0, nullptr, buffer.data(), buffer.size(),
                           &event.raw(), &report, &error);
  }

  std::string text(std::string_view name) const { return std::string(event.Text(name)); }

  Pairs pairs;
  std::optional<std::string> body;
  std::vector<char> buffer;
  EnvelopeView event;
  hf_binding_report report{};
  hf_error error{};
  hf_code code;
};

// The headers that every event has, with the prefix of a binding, and then these.
inline Pairs Required(const std::string& prefix, Pairs more = {}) {
  Pairs pairs = {{prefix + "specversion", "1.0"},
                 {prefix + "id", "1234-1234-1234"},
                 {prefix + "source", "/mycontext/subcontext"},
                 {prefix + "type", "com.example.someevent"}};
  pairs.insert(pairs.end(), more.begin(), more.end());
  return pairs;
}

}  // namespace holdfast::testing

#endif  // HOLDFAST_TESTS_UNIT_BINDING_H_
