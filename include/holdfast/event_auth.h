// SPDX-License-Identifier: Apache-2.0
// EventAuth: who triggered an event (CloudEvents extension authcontext). For people and policies that trust the publisher:
// it proves nothing, and holds no credential.
#ifndef HOLDFAST_EVENT_AUTH_H_
#define HOLDFAST_EVENT_AUTH_H_

#include <absl/status/statusor.h>
#include <holdfast/event_field.h>

#include <algorithm>
#include <cstddef>
#include <optional>
#include <string_view>

namespace holdfast::inline v0_5 {

// A closed set.
enum class AuthType {
  kAppUser,
  kUser,
  kServiceAccount,
  kApiKey,
  kSystem,
  kUnauthenticated,
  kUnknown,
};

inline constexpr std::string_view kAuthTypeWords[] = {
    "app_user", "user", "service_account", "api_key", "system", "unauthenticated", "unknown"};

// "service_account". Static storage.
constexpr std::string_view AuthTypeWord(AuthType type) {
  return kAuthTypeWords[static_cast<std::size_t>(type)];
}

// Whether text looks like what opens a door: an Authorization header's value, a private key, a JSON Web Token. A net for
// accidents, no proof of the contrary.
inline bool LooksLikeCredential(std::string_view text) {
  const auto holds = [&](std::string_view part) {
    const auto equal = [](char a, char b) { return (a >= 'A' && a <= 'Z' ? a + 32 : a) == b; };
    return std::search(text.begin(), text.end(), part.begin(), part.end(), equal) != text.end();
  };
  if (holds("bearer ") || holds("basic ") || holds("private key-----")) return true;
  // Three runs of base64url with dots between them, the first of which begins as `{"` does.
  constexpr std::string_view kDigits =
      "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
  for (std::size_t at = text.find("eyJ"); at != text.npos; at = text.find("eyJ", at)) {
    const std::size_t first = text.find_first_not_of(kDigits, at);
    at = std::min(first, text.size());  // whatever else begins in a run ends with it
    if (first == text.npos || text[first] != '.') continue;
    const std::size_t second = text.find_first_not_of(kDigits, first + 1);
    if (second != text.npos && second > first + 1 && text[second] == '.') return true;
  }
  return false;
}

// Borrowed: views of the event's text.
struct EventAuth {
  AuthType type = AuthType::kUnknown;
  std::string_view id = {};      // of an account, a label of a key; never the key. Empty: none
  std::string_view claims = {};  // a JSON object, as text. Empty: none

  // nullopt: no `authtype`, whatever else there is. Errors: as event_field.h; an `authtype` out of the set.
  static absl::StatusOr<std::optional<EventAuth>> Read(const EnvelopeView& event) {
    const auto word = kType.Read(event);
    if (!word.ok()) return word.status();
    if (!*word) return std::nullopt;
    const auto* const known =
        std::find(std::begin(kAuthTypeWords), std::end(kAuthTypeWords), **word);
    if (known == std::end(kAuthTypeWords)) {
      return internal::BadField(kType.name, "is no type of principal");
    }
    const auto id = kId.Read(event);
    if (!id.ok()) return id.status();
    const auto claims = kClaims.Read(event);
    if (!claims.ok()) return claims.status();
    return EventAuth{static_cast<AuthType>(known - std::begin(kAuthTypeWords)), id->value_or(""),
                     claims->value_or("")};
  }

  // Errors: as event_field.h; id or claims look like a credential, or claims like no JSON object.
  absl::Status Write(Envelope* event) const {
    if (LooksLikeCredential(id)) return internal::BadField(kId.name, kNoCredentials);
    if (LooksLikeCredential(claims)) return internal::BadField(kClaims.name, kNoCredentials);
    if (!claims.empty() && (claims.front() != '{' || claims.back() != '}')) {
      return internal::BadField(kClaims.name, "is no JSON object");
    }
    const Attribute fields[] = {TextAttribute(kType.name, AuthTypeWord(type)),
                                internal::TextOrNone(kId, id),
                                internal::TextOrNone(kClaims, claims)};
    return internal::SetFields(fields, event);
  }

 private:
  static constexpr TextField kType{"authtype"};
  static constexpr TextField kId{"authid"};
  static constexpr TextField kClaims{"authclaims"};
  static constexpr std::string_view kNoCredentials = "looks like a credential";
};

}  // namespace holdfast::inline v0_5

#endif  // HOLDFAST_EVENT_AUTH_H_
