// SPDX-License-Identifier: Apache-2.0
// Events byte by byte, as no writer would write them; and what the reader says of them.
#ifndef HOLDFAST_TESTS_UNIT_EVENT_BYTES_H_
#define HOLDFAST_TESTS_UNIT_EVENT_BYTES_H_

#include <gtest/gtest.h>
#include <holdfast/c/envelope.h>

#include <cstdint>
#include <ostream>
#include <string>
#include <string_view>
#include <vector>

namespace holdfast::testing_bytes {

inline std::string Varint(std::uint64_t value) {
  std::string bytes;
  for (; value >= 0x80; value >>= 7) bytes += static_cast<char>(value | 0x80);
  return bytes + static_cast<char>(value);
}
inline std::string Tag(std::uint64_t number, int wire) {
  return Varint(number << 3 | static_cast<unsigned>(wire));
}
inline std::string Number(std::uint64_t number, std::uint64_t value) {
  return Tag(number, 0) + Varint(value);
}
inline std::string Bytes(std::uint64_t number, std::string_view bytes) {
  return Tag(number, 2) + Varint(bytes.size()) + std::string(bytes);
}

// The fields that every event has: 31 bytes.
inline std::string Required() {
  return Bytes(1, "id-1") + Bytes(2, "/here") + Bytes(3, "1.0") + Bytes(4, "acme.placed");
}
constexpr std::size_t kRequiredSize = 31;

inline std::string Attribute(std::string_view name, std::string_view value) {
  return Bytes(5, Bytes(1, name) + Bytes(2, value));
}
inline std::string String(std::string_view name, std::string_view text) {
  return Attribute(name, Bytes(3, text));
}

struct Said {
  hf_code code = HF_OK;
  hf_reason reason = HF_R_NONE;
  std::string text;

  friend bool operator==(const Said&, const Said&) = default;
  friend std::ostream& operator<<(std::ostream& out, const Said& said) {
    return out << said.code << " " << hf_reason_name(said.reason) << " \"" << said.text << "\"";
  }
};
inline Said Malformed(std::string_view text) {
  return {HF_INVALID_ARGUMENT, HF_R_MALFORMED, std::string(text)};
}
inline Said Over(std::string_view text) {
  return {HF_RESOURCE_EXHAUSTED, HF_R_OUT_OF_RANGE, std::string(text)};
}
inline Said Outside(std::string_view text) {
  return {HF_INVALID_ARGUMENT, HF_R_OUT_OF_RANGE, std::string(text)};
}

inline Said SaidOf(const hf_error& error) { return {error.code, error.reason, error.text}; }

// An event with room for all attributes, pinned.
struct Event {
  Event() {
    raw.attributes = attributes;
    raw.attribute_capacity = HF_ENVELOPE_ATTRIBUTES;
  }
  Event(const Event&) = delete;
  Event& operator=(const Event&) = delete;

  Said Decode(std::string_view bytes, const hf_envelope_limits* limits = nullptr) {
    return DecodeHead(bytes, bytes.size(), limits);
  }
  // From a copy that has not one byte more than it should.
  Said DecodeHead(std::string_view head, std::size_t size,
                  const hf_envelope_limits* limits = nullptr) {
    bytes.assign(head.begin(), head.end());
    hf_error error{};
    const hf_code code =
        head.size() == size
            ? hf_envelope_decode(bytes.data(), size, limits, &raw, &error)
            : hf_envelope_decode_head(bytes.data(), bytes.size(), size, limits, &raw, &error);
    EXPECT_EQ(code, error.code);
    if (code != HF_OK && raw.struct_size == sizeof raw) {
      EXPECT_TRUE(raw.id.size == 0 && raw.attribute_count == 0 && raw.unknown_count == 0 &&
                  raw.data_kind == HF_DATA_NONE && raw.data.data == nullptr);
    }
    return SaidOf(error);
  }
  Said Check(const hf_envelope_limits* limits = nullptr) const {
    hf_error error{};
    EXPECT_EQ(hf_envelope_check(&raw, limits, &error), error.code);
    return SaidOf(error);
  }
  // The bytes of a legal event.
  std::string Encode() const {
    std::size_t need = 0;
    EXPECT_EQ(hf_envelope_encode(&raw, nullptr, nullptr, 0, &need, nullptr), HF_RESOURCE_EXHAUSTED);
    std::string out(need + 4, '?');
    EXPECT_EQ(hf_envelope_encode(&raw, nullptr, out.data(), need, &need, nullptr), HF_OK);
    EXPECT_EQ(out.size(), need + 4);
    EXPECT_EQ(out.substr(need), "????");  // not a byte beyond
    return out.substr(0, need);
  }

  hf_envelope raw = HF_INIT(hf_envelope);
  hf_attribute attributes[HF_ENVELOPE_ATTRIBUTES];
  std::vector<char> bytes;
};

inline Said Read(std::string_view bytes, const hf_envelope_limits* limits = nullptr) {
  Event event;
  return event.Decode(bytes, limits);
}

inline std::string_view View(const hf_str& text) { return {text.data, text.size}; }
inline hf_str Str(std::string_view text) { return {text.data(), text.size()}; }

}  // namespace holdfast::testing_bytes

#endif  // HOLDFAST_TESTS_UNIT_EVENT_BYTES_H_
