// SPDX-License-Identifier: Apache-2.0
// See sealed/label_key.h. Keys are never compressed: they are short, and their length is all that would be told.
#include <holdfast/c/idempotency.h>
#include <holdfast/sealed/label_key.h>

#include <array>
#include <optional>
#include <utility>

#include "adapters/sealed/sealed_body.h"

namespace holdfast::inline v0_5::sealed {
namespace {

// The tenant's key is what ties it to the tenant; the record is not known where it is sealed.
constexpr std::array<uint8_t, 32> kNoRecord{};
constexpr Place kInLabel{.key_id = kNoRecord, .kind = BodyKind::kLabelKey};

absl::Status Erased() {
  return MakeStatus(HF_FAILED_PRECONDITION, HF_R_STORE_ERASED, "the key that seals it was erased");
}

absl::Status Corrupt() {
  return MakeStatus(HF_DATA_LOSS, HF_R_STORE_CORRUPT, "a sealed key does not open");
}

}  // namespace

std::function<absl::StatusOr<std::string>(std::string_view tenant, std::string_view key)> KeySealer(
    std::shared_ptr<const KeyRing> keys) {
  return [keys = std::move(keys)](std::string_view tenant,
                                  std::string_view key) -> absl::StatusOr<std::string> {
    if (key.size() > HF_IDEM_KEY_MAX) {
      return MakeStatus(HF_INVALID_ARGUMENT, HF_R_KEY_OVERSIZE, "key: above 1024 bytes");
    }
    const KeyFound found = keys->Current(tenant);
    if (found.state == KeyState::kErased) return Erased();
    if (found.state == KeyState::kMissing) {
      return MakeStatus(HF_UNAVAILABLE, HF_R_STORE_UNAVAILABLE, "there is no key to seal with");
    }
    return Seal(found, kInLabel, key, false);
  };
}

absl::StatusOr<std::string> OpenKey(const KeyRing& keys, std::string_view tenant,
                                    std::string_view sealed_key) {
  Header header;
  if (ReadHeader(sealed_key, &header) != Look::kSealed) return Corrupt();
  const KeyFound found = keys.Find(tenant, header.key_number);
  if (found.state == KeyState::kErased) return Erased();
  if (found.state == KeyState::kMissing) return Corrupt();
  std::optional<std::string> key = Open(found.key, kInLabel, sealed_key, header);
  if (!key) return Corrupt();
  return *std::move(key);
}

}  // namespace holdfast::inline v0_5::sealed
