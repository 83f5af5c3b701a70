// SPDX-License-Identifier: Apache-2.0
// Redacted: a secret that no log line shows.
//
//   struct Login { std::string user; holdfast::Redacted<std::string> password; };
//   LOG(INFO) << login.password;          // [redacted]
//   Connect(login.user, login.password.Reveal());
//
// Streams, absl::StrCat (AbslStringify), GoogleTest and, with <holdfast/logging/fmt.h>, fmt and spdlog write
// [redacted]. Nothing converts to the value; Reveal() is the one word to search a program for. As large as
// the value and as quick. The bytes are not wiped when it dies: that is the value's own type's business.
#ifndef HOLDFAST_REDACTED_H_
#define HOLDFAST_REDACTED_H_

#include <absl/strings/str_cat.h>
#include <holdfast/c/idempotency.h>
#include <holdfast/entropy.h>

#include <array>
#include <concepts>
#include <cstdint>
#include <ostream>
#include <string>
#include <string_view>
#include <type_traits>
#include <utility>

namespace holdfast::inline v0_5 {

inline constexpr std::string_view kRedacted = "[redacted]";

// Whoever has it can test guesses of a secret against its digits in a log, so it is a secret itself. The
// same key in all processes makes their lines comparable.
using LogHashKey = std::array<std::uint8_t, 16>;

// One that only this process knows, from the operating system.
inline LogHashKey FreshLogHashKey() {
  LogHashKey key{};
  FillRandom(key);
  return key;
}

// T may be a reference: Redacted(token) of a variable refers to it and copies nothing, so it must not
// outlive it; Redacted<std::string>(token) keeps its own.
template <class T>
class Redacted {
 public:
  using Value = std::remove_reference_t<T>;

  constexpr Redacted()
    requires std::default_initializable<T>
  = default;
  explicit constexpr Redacted(T secret) : secret_(std::forward<T>(secret)) {}

  constexpr const Value& Reveal() const& { return secret_; }
  constexpr T Reveal() && { return std::forward<T>(secret_); }

  // Eight hex digits, equal for equal secrets under one key: enough to tell in a log whether two are the
  // same, too few to be the secret. The first four bytes of SHA-256 over the key and the secret's own
  // SHA-256. Under a key of zeros, which somebody forgot to fill: [redacted]. Never allocates.
  std::string Hashed(const LogHashKey& key) const
    requires std::convertible_to<const Value&, std::string_view>
  {
    const std::string_view secret = secret_;
    std::uint8_t inner[32];
    std::uint8_t outer[32];
    hf_idem_fingerprint(secret.data(), secret.size(), inner);
    const hf_str space{"log", 3};
    const hf_str none{nullptr, 0};
    const hf_str tenant{reinterpret_cast<const char*>(key.data()), key.size()};
    const hf_str digest{reinterpret_cast<const char*>(inner), sizeof inner};
    const bool keyed = key != LogHashKey{};
    if (!keyed || hf_idem_key_id(&space, &tenant, &none, &digest, outer) != HF_OK) {
      return std::string(kRedacted);
    }
    std::string digits(8, '0');
    for (std::size_t i = 0; i < digits.size(); ++i) {
      digits[i] = "0123456789abcdef"[outer[i / 2] >> (i % 2 == 0 ? 4 : 0) & 15];
    }
    return digits;
  }

  friend std::ostream& operator<<(std::ostream& out, const Redacted&) { return out << kRedacted; }

  // From Abseil LTS 20230125 on.
  template <class Sink>
  friend void AbslStringify(Sink& sink, const Redacted&) {
    sink.Append(kRedacted.data());  // its view may be std's or Abseil's own
  }
#if defined(ABSL_LTS_RELEASE_VERSION) && ABSL_LTS_RELEASE_VERSION < 20230125
  // What absl::StrCat takes, for those that do not know AbslStringify. Only ever to this type.
  template <class Piece>
    requires std::same_as<Piece, absl::AlphaNum>
  operator Piece() const {
    return absl::AlphaNum(kRedacted.data());
  }
#endif

 private:
  T secret_{};
};

template <class T>
Redacted(T&&) -> Redacted<T>;

}  // namespace holdfast::inline v0_5

#endif  // HOLDFAST_REDACTED_H_
