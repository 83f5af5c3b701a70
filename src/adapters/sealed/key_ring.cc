// SPDX-License-Identifier: Apache-2.0
// See sealed/key_ring.h. A key file is small and read rarely; its text is wiped once it is read.
#include <absl/strings/numbers.h>
#include <absl/strings/str_cat.h>
#include <absl/strings/str_split.h>
#include <absl/strings/string_view.h>
#include <fcntl.h>
#include <holdfast/sealed/key_ring.h>
#include <sodium.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <utility>
#include <vector>

namespace holdfast::inline v0_5::sealed {
namespace {

constexpr size_t kFileMax = size_t{16} << 20;

// Bytes that do not outlive their use.
struct Wiped {
  std::string text;
  ~Wiped() { sodium_memzero(text.data(), text.size()); }
};

class Descriptor {
 public:
  explicit Descriptor(const std::string& path) : fd_(open(path.c_str(), O_RDONLY | O_CLOEXEC)) {}
  ~Descriptor() {
    if (fd_ >= 0) close(fd_);
  }
  Descriptor(const Descriptor&) = delete;
  Descriptor& operator=(const Descriptor&) = delete;
  int get() const { return fd_; }

 private:
  const int fd_;
};

bool AllZeros(const SealingKey& key) { return sodium_is_zero(key.data(), SealingKey::kBytes) == 1; }

absl::Status Unreadable() {
  return MakeStatus(HF_UNAVAILABLE, HF_R_STORE_UNAVAILABLE, "key file: cannot be read");
}

absl::Status BadLine(size_t number, std::string_view what) {
  return MakeStatus(
      HF_INVALID_ARGUMENT, HF_R_MALFORMED,
      absl::StrCat("key file, line ", number, ": ", absl::string_view(what.data(), what.size())));
}

absl::Status ReadKeyFile(const std::string& path, std::string& text) {
  const Descriptor file(path);
  struct stat about{};
  if (file.get() < 0 || fstat(file.get(), &about) != 0 || !S_ISREG(about.st_mode)) {
    return Unreadable();
  }
  if ((about.st_mode & 077) != 0) {
    return MakeStatus(HF_FAILED_PRECONDITION, HF_R_BAD_OPTIONS,
                      "key file: others than its owner may read it (chmod 600)");
  }
  if (static_cast<uint64_t>(about.st_size) > kFileMax) {
    return MakeStatus(HF_INVALID_ARGUMENT, HF_R_MALFORMED, "key file: above 16 MiB");
  }
  text.resize(static_cast<size_t>(about.st_size));
  for (size_t have = 0; have < text.size();) {
    const ssize_t got = read(file.get(), text.data() + have, text.size() - have);
    if (got < 0 && errno == EINTR) continue;
    if (got <= 0) return Unreadable();
    have += static_cast<size_t>(got);
  }
  return absl::OkStatus();
}

bool FromHex(absl::string_view digits, uint8_t* bytes, size_t size) {
  size_t got = 0;
  return sodium_hex2bin(bytes, size, digits.data(), digits.size(), nullptr, &got, nullptr) == 0 &&
         got == size && digits.size() == 2 * size;
}

std::optional<std::string> TenantOf(absl::string_view word) {
  constexpr absl::string_view kHex = "hex:";
  if (word == "-") return std::string();
  if (word.substr(0, kHex.size()) != kHex) return std::string(word);
  word.remove_prefix(kHex.size());
  std::string bytes(word.size() / 2, '\0');
  if (!FromHex(word, reinterpret_cast<uint8_t*>(bytes.data()), bytes.size())) return std::nullopt;
  return bytes;
}

}  // namespace

SealingKey::SealingKey(std::span<const uint8_t, kBytes> bytes) {
  std::copy(bytes.begin(), bytes.end(), bytes_.begin());
}

SealingKey::~SealingKey() { sodium_memzero(bytes_.data(), bytes_.size()); }

SealingKey SealingKey::Fresh() {
  SealingKey key;
  randombytes_buf(key.bytes_.data(), key.bytes_.size());
  return key;
}

absl::Status MemoryKeyRing::Add(std::string_view tenant, uint32_t number, const SealingKey& key) {
  if (number == 0 || tenant.size() > kTenantMax || AllZeros(key)) {
    return MakeStatus(HF_INVALID_ARGUMENT, HF_R_OUT_OF_RANGE,
                      number == 0                  ? "number: 0"
                      : tenant.size() > kTenantMax ? "tenant: above 256 bytes"
                                                   : "key: all zeros");
  }
  const std::lock_guard lock(mutex_);
  Numbered& keys = tenants_[std::string(tenant)];
  if (!keys.empty() && keys.rbegin()->first >= number) {
    return MakeStatus(HF_ALREADY_EXISTS, HF_R_OUT_OF_RANGE,
                      "number: not above those that the tenant has");
  }
  keys[number] = key;
  return absl::OkStatus();
}

absl::Status MemoryKeyRing::Erase(std::string_view tenant) {
  const std::lock_guard lock(mutex_);
  const auto found = tenants_.find(tenant);
  if (found == tenants_.end()) return absl::NotFoundError("the tenant has no key");
  for (auto& [number, key] : found->second) key.reset();
  return absl::OkStatus();
}

absl::Status MemoryKeyRing::Load(const std::string& path) {
  Wiped file;
  if (absl::Status status = ReadKeyFile(path, file.text); !status.ok()) return status;
  MemoryKeyRing fresh;
  size_t number_of_line = 0;
  for (const absl::string_view line : absl::StrSplit(file.text, '\n')) {
    ++number_of_line;
    const std::vector<absl::string_view> words =
        absl::StrSplit(line, absl::ByAnyChar(" \t\r"), absl::SkipEmpty());
    if (words.empty() || words[0][0] == '#') continue;
    if (words.size() != 3) return BadLine(number_of_line, "not a tenant, a number and a key");
    const std::optional<std::string> tenant = TenantOf(words[0]);
    if (!tenant) return BadLine(number_of_line, "hex: is not followed by pairs of hex digits");
    uint32_t number = 0;
    if (!absl::SimpleAtoi(words[1], &number)) return BadLine(number_of_line, "not a number");
    SealingKey key = SealingKey::Fresh();  // an erased one was a key once
    Wiped bytes{std::string(SealingKey::kBytes, '\0')};
    auto* const raw = reinterpret_cast<uint8_t*>(bytes.text.data());
    const bool erased = words[2] == "erased";
    if (!erased) {
      if (!FromHex(words[2], raw, SealingKey::kBytes)) {
        return BadLine(number_of_line, "the key is neither 64 hex digits nor the word erased");
      }
      key = SealingKey(std::span<const uint8_t, SealingKey::kBytes>(raw, SealingKey::kBytes));
    }
    if (absl::Status status = fresh.Add(*tenant, number, key); !status.ok()) {
      return BadLine(number_of_line, {status.message().data(), status.message().size()});
    }
    if (erased) fresh.tenants_[*tenant][number].reset();
  }
  const std::lock_guard lock(mutex_);
  tenants_.swap(fresh.tenants_);
  return absl::OkStatus();
}

KeyFound MemoryKeyRing::Current(std::string_view tenant) const {
  const std::lock_guard lock(mutex_);
  const auto found = tenants_.find(tenant);
  if (found == tenants_.end() || found->second.empty()) return {};
  const auto& [number, key] = *found->second.rbegin();
  if (!key) return {.state = KeyState::kErased, .number = number};
  return {.state = KeyState::kReady, .number = number, .key = *key};
}

KeyFound MemoryKeyRing::Find(std::string_view tenant, uint32_t number) const {
  const std::lock_guard lock(mutex_);
  const auto found = tenants_.find(tenant);
  if (found == tenants_.end()) return {};
  const auto at = found->second.find(number);
  if (at == found->second.end()) return {};
  if (!at->second) return {.state = KeyState::kErased, .number = number};
  return {.state = KeyState::kReady, .number = number, .key = *at->second};
}

}  // namespace holdfast::inline v0_5::sealed
