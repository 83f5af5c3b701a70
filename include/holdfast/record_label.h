// SPDX-License-Identifier: Apache-2.0
// RecordLabel: what a record says of itself to operators: whose it is, what it is about, who holds it. Stores keep it
// as bytes they do not understand; RunOnce fills it in, `holdfast idem` and tools of your own read it.
//
//   label = version (1 byte, 1) { tag (1 byte) size (2 bytes, big-endian) bytes }
//
//   tag  part        bytes at most, more is cut
//   1    tenant      256
//   2    operation   256
//   3    owner       128
//   4    space       128
//   5    key         1152; form (1 byte, KeyForm) and bytes. More is left out: half a sealed key opens nothing
//
// Text is cut between two characters of UTF-8 where it is UTF-8. Parts that are empty are left out; unknown tags
// are skipped, so that a later version may add some. A label is never longer than HF_RECORD_LABEL_MAX.
//
// What is read from a label was written by whoever wrote the record: escape it before it meets a terminal.
#ifndef HOLDFAST_RECORD_LABEL_H_
#define HOLDFAST_RECORD_LABEL_H_

#include <absl/status/statusor.h>
#include <holdfast/c/record.h>

#include <cstddef>
#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <string_view>

namespace holdfast::inline v0_5 {

// What a label tells of the caller's own key. The record's id, a hash of it, tells who has the key in any case.
enum class KeyForm : uint8_t {
  kHash = 0,    // nothing besides that hash; the default
  kNone = 1,    // likewise, and tools are to offer no look-up by key
  kSealed = 2,  // the key, sealed by a function: only who can open it reads it
  kPlain = 3,   // the key as it is. Keys are often order numbers, or worse: card numbers
};

// Seals a key for a tenant, into at most 1151 bytes; see a sealing store's documentation. Called before the claim;
// its failure is the call's. Thread-safe.
using SealKey =
    std::function<absl::StatusOr<std::string>(std::string_view tenant, std::string_view key)>;

struct RecordLabel {
  std::string tenant{};
  std::string operation{};
  std::string owner{};  // "host:pid", or what the process calls itself
  std::string space{};
  KeyForm key_form = KeyForm::kHash;
  std::string key{};  // kSealed: sealed; kPlain: as it is

  friend bool operator==(const RecordLabel&, const RecordLabel&) = default;
};

// The parts as views, for who has them as such.
struct RecordLabelParts {
  std::string_view tenant{};
  std::string_view operation{};
  std::string_view owner{};
  std::string_view space{};
  KeyForm key_form = KeyForm::kHash;
  std::string_view key{};
};

namespace internal {

enum class LabelTag : uint8_t { kTenant = 1, kOperation, kOwner, kSpace, kKey };

inline constexpr char kLabelVersion = 1;
inline constexpr size_t kLabelKeyMax = 1152;

// The longest beginning that ends with a character. Bytes that are no UTF-8 are cut anywhere.
inline std::string_view CutText(std::string_view text, size_t most) {
  if (text.size() <= most) return text;
  size_t end = most;
  for (int back = 0; back < 3 && end > 0; ++back) {
    if ((static_cast<uint8_t>(text[end]) & 0xC0) != 0x80) return text.substr(0, end);
    --end;
  }
  const bool begins = (static_cast<uint8_t>(text[end]) & 0xC0) == 0xC0;
  return text.substr(0, begins ? end : most);
}

inline void AppendPart(LabelTag tag, std::string_view head, std::string_view bytes,
                       std::string* label) {
  const size_t size = head.size() + bytes.size();
  if (size == 0) return;
  *label += static_cast<char>(tag);
  *label += static_cast<char>(size >> 8);
  *label += static_cast<char>(size & 0xFF);
  label->append(head).append(bytes);
}

inline void ReadKeyPart(std::string_view part, RecordLabel* label) {
  if (part.empty() || static_cast<uint8_t>(part[0]) > static_cast<uint8_t>(KeyForm::kPlain)) return;
  label->key_form = static_cast<KeyForm>(part[0]);
  label->key = part.substr(1);
}

}  // namespace internal

// Never fails: what is too long is cut as the table above says.
inline std::string EncodeRecordLabel(const RecordLabelParts& parts) {
  using internal::LabelTag;
  const bool tells = parts.key_form == KeyForm::kSealed || parts.key_form == KeyForm::kPlain;
  const bool fits = parts.key.size() < internal::kLabelKeyMax;
  const std::string_view key = tells && fits ? parts.key : std::string_view{};
  const KeyForm form = tells && !fits ? KeyForm::kHash : parts.key_form;
  const char form_byte = static_cast<char>(form);
  std::string label;
  label.reserve(1 + 5 * 3 + 1 + parts.tenant.size() + parts.operation.size() + parts.owner.size() +
                parts.space.size() + key.size());
  label += internal::kLabelVersion;
  internal::AppendPart(LabelTag::kTenant, {}, internal::CutText(parts.tenant, 256), &label);
  internal::AppendPart(LabelTag::kOperation, {}, internal::CutText(parts.operation, 256), &label);
  internal::AppendPart(LabelTag::kOwner, {}, internal::CutText(parts.owner, 128), &label);
  internal::AppendPart(LabelTag::kSpace, {}, internal::CutText(parts.space, 128), &label);
  if (form != KeyForm::kHash) {
    internal::AppendPart(LabelTag::kKey, std::string_view(&form_byte, 1), key, &label);
  }
  return label;
}

// Bytes of any kind; nullopt if they are no label: another version, or parts that do not add up. A part that
// comes twice counts as it came last; a key of an unknown form is left out.
inline std::optional<RecordLabel> DecodeRecordLabel(std::string_view bytes) {
  using internal::LabelTag;
  if (bytes.empty() || bytes[0] != internal::kLabelVersion) return std::nullopt;
  bytes.remove_prefix(1);
  RecordLabel label;
  while (!bytes.empty()) {
    if (bytes.size() < 3) return std::nullopt;
    const auto tag = static_cast<LabelTag>(bytes[0]);
    const size_t size = static_cast<size_t>(static_cast<uint8_t>(bytes[1])) << 8 |
                        static_cast<size_t>(static_cast<uint8_t>(bytes[2]));
    bytes.remove_prefix(3);
    if (bytes.size() < size) return std::nullopt;
    const std::string_view part = bytes.substr(0, size);
    bytes.remove_prefix(size);
    switch (tag) {
      case LabelTag::kTenant:
        label.tenant = part;
        break;
      case LabelTag::kOperation:
        label.operation = part;
        break;
      case LabelTag::kOwner:
        label.owner = part;
        break;
      case LabelTag::kSpace:
        label.space = part;
        break;
      case LabelTag::kKey:
        internal::ReadKeyPart(part, &label);
        break;
    }
  }
  return label;
}

}  // namespace holdfast::inline v0_5

#endif  // HOLDFAST_RECORD_LABEL_H_
