// SPDX-License-Identifier: Apache-2.0
// KeyRing: the keys that bodies are sealed with, by tenant and number. One in memory, filled by hand or from a file;
// one of your own, in front of a key service, is a class with two functions.
//
//   key        seals       opens           by
//   ready      if newest   always          Add
//   erased     never       never: ERASED   Erase: the bytes are gone, the number is remembered
//   missing    never       never: CORRUPT  nobody: a ring that was set up wrongly, or a body of somewhere else
//
// Rotation is adding a key with a higher number: the newest seals, the older ones still open. Erasing a tenant is
// erasing its keys; what was sealed with them, in backups too, is noise from then on.
#ifndef HOLDFAST_SEALED_KEY_RING_H_
#define HOLDFAST_SEALED_KEY_RING_H_

#include <absl/status/status.h>
#include <holdfast/status.h>

#include <array>
#include <cstdint>
#include <functional>
#include <map>
#include <mutex>
#include <optional>
#include <span>
#include <string>
#include <string_view>

namespace holdfast::inline v0_5::sealed {

// 32 secret bytes, wiped when they die. Nothing prints them.
class SealingKey {
 public:
  static constexpr size_t kBytes = 32;

  SealingKey() = default;  // zeros: seals nothing
  explicit SealingKey(std::span<const uint8_t, kBytes> bytes);
  SealingKey(const SealingKey&) = default;
  SealingKey& operator=(const SealingKey&) = default;
  ~SealingKey();

  // From the operating system.
  static SealingKey Fresh();

  const uint8_t* data() const { return bytes_.data(); }

 private:
  std::array<uint8_t, kBytes> bytes_{};
};

enum class KeyState { kMissing, kReady, kErased };

struct KeyFound {
  KeyState state = KeyState::kMissing;
  uint32_t number = 0;
  SealingKey key{};  // if kReady
};

// Thread-safe. Asked at every claim and for every body: must not block or throw.
class KeyRing {
 public:
  virtual ~KeyRing() = default;

  // The tenant's newest key: kErased if it was erased and none has come since.
  virtual KeyFound Current(std::string_view tenant) const = 0;
  virtual KeyFound Find(std::string_view tenant, uint32_t number) const = 0;
};

// Thread-safe.
class MemoryKeyRing final : public KeyRing {
 public:
  static constexpr size_t kTenantMax = 256;  // bytes

  // Errors: INVALID_ARGUMENT HF_R_OUT_OF_RANGE for number 0, a tenant above 256 bytes, a key of zeros;
  // ALREADY_EXISTS for a number that is not above all of the tenant's.
  absl::Status Add(std::string_view tenant, uint32_t number, const SealingKey& key);

  // Forgets all keys of a tenant for good. NOT_FOUND: it has none.
  absl::Status Erase(std::string_view tenant);

  // Takes the keys of a file in place of all it has, or none of them. Call it again when the file has changed. Lines:
  //
  //   # tenant   number   64 hex digits, or erased
  //   acme       1        9f86d0...
  //   -          1        erased            (- is the empty tenant, hex:00ff one of any bytes)
  //
  // Errors: UNAVAILABLE: the file cannot be read. FAILED_PRECONDITION HF_R_BAD_OPTIONS: others than its owner may read
  // it (chmod 600). INVALID_ARGUMENT HF_R_MALFORMED naming the line, never what is in it.
  absl::Status Load(const std::string& path);

  KeyFound Current(std::string_view tenant) const override;
  KeyFound Find(std::string_view tenant, uint32_t number) const override;

 private:
  using Numbered = std::map<uint32_t, std::optional<SealingKey>>;  // nullopt: erased
  using Tenants = std::map<std::string, Numbered, std::less<>>;

  mutable std::mutex mutex_;
  Tenants tenants_;
};

}  // namespace holdfast::inline v0_5::sealed

#endif  // HOLDFAST_SEALED_KEY_RING_H_
