// SPDX-License-Identifier: Apache-2.0
// c/idempotency.h over engine/idem.h and codec/key.h: sizes, ranges, defaults, and the session's storage.
//
// The storage is a tag (session.h), the machine, and room for the digest of an oversize body. It stays
// live after FINISH, so that it can be read; whatever else is asked of it then is a bad state.
#include <holdfast/c/idempotency.h>

#include <cstring>
#include <memory>
#include <new>

#include "abi/guard.h"
#include "abi/session.h"
#include "codec/key.h"
#include "engine/idem.h"
#include "engine/outcome.h"
#include "engine/record.h"

namespace holdfast::abi {

template <>
inline constexpr uint32_t kFirstSize<hf_idem_options> = offsetof(hf_idem_options, label);

namespace {

static_assert(HF_IDEM_KEY_MAX == codec::kKeyMax && HF_IDEM_PART_MAX == codec::kKeyPartMax);
static_assert(HF_IDEM_BODY_MAX == engine::kRecordBodyMax);
static_assert(HF_IDEM_SECRET_MIN == codec::kSecretMin && HF_IDEM_SECRET_MAX == codec::kSecretMax);

constexpr uint64_t kIdemTag = 0x68665F6964656D31;
constexpr hf_duration kDefaultLease = 30 * HF_S;
constexpr hf_duration kDefaultTtl = 24 * 3600 * HF_S;
constexpr hf_duration kLongestTtl = hf_duration{10} * 366 * 24 * 3600 * HF_S;
constexpr uint32_t kDefaultMaxAttempts = 10;
constexpr uint32_t kDefaultMaxBody = 64 * 1024;

struct IdemStorage {
  uint64_t tag;
  engine::IdemSession session;
  uint32_t max_body;
  uint8_t digest[codec::kSha256Size];
};
static_assert(sizeof(IdemStorage) <= sizeof(hf_idem) * 7 / 8, "keep room to grow");
static_assert(alignof(IdemStorage) <= alignof(hf_idem));
static_assert(std::is_trivially_destructible_v<IdemStorage>);

// The machine inside, or nullptr if there is none.
const IdemStorage* Enter(const hf_idem* idem) {
  if (idem == nullptr || !IsLive(idem, kIdemTag)) return nullptr;
  return std::launder(reinterpret_cast<const IdemStorage*>(idem));
}
IdemStorage* Enter(hf_idem* idem) {
  return const_cast<IdemStorage*>(Enter(static_cast<const hf_idem*>(idem)));
}

template <size_t kSize>
bool IsZero(const uint8_t (&bytes)[kSize]) {
  for (const uint8_t byte : bytes) {
    if (byte != 0) return false;
  }
  return true;
}

// A driver that ignores the code sees FINISH, and stops.

hf_code BadArgument(hf_action* next, hf_reason reason) {
  if (next != nullptr) {
    *next = hf_action{};
    next->kind = HF_DO_FINISH;
    next->code = HF_INVALID_ARGUMENT;
    next->reason = reason;
  }
  return HF_INVALID_ARGUMENT;
}

void FillDefaults(hf_idem_options* options) {
  if (options->deadline == 0) options->deadline = HF_INFINITE;
  if (options->lease == 0) options->lease = kDefaultLease;
  if (options->ttl == 0) options->ttl = options->lease > kDefaultTtl ? options->lease : kDefaultTtl;
  if (options->max_attempts == 0) options->max_attempts = kDefaultMaxAttempts;
  if (options->max_body == 0) options->max_body = kDefaultMaxBody;
  if (options->on_expiry == 0) options->on_expiry = HF_ON_EXPIRY_IN_DOUBT;
}

bool ValidString(const hf_str* string) {
  return string != nullptr && (string->data != nullptr || string->size == 0);
}

// Needs the defaults filled in.
hf_reason CheckOptions(const hf_idem_options& options) {
  if ((options.flags & ~HF_IDEM_NO_FINGERPRINT) != 0) return HF_R_UNSUPPORTED_FIELD;
  if (IsZero(options.key_id)) return HF_R_KEY_MISSING;
  const bool opted_out = (options.flags & HF_IDEM_NO_FINGERPRINT) != 0;
  if (IsZero(options.fingerprint) != opted_out) {
    return opted_out ? HF_R_BAD_OPTIONS : HF_R_FINGERPRINT_MISSING;
  }
  if (IsZero(options.nonce)) return HF_R_ZERO_NONCE;
  if (options.seed == 0) return HF_R_ZERO_SEED;
  if (!ValidString(&options.label)) return HF_R_NULL_ARGUMENT;
  const bool in_range =
      options.deadline >= 0 && options.lease >= 10 * HF_MS && options.lease <= engine::kLeaseMax &&
      options.ttl >= options.lease && options.ttl <= kLongestTtl && options.max_wait >= 0 &&
      options.max_attempts <= 1000000 && options.max_body <= HF_IDEM_BODY_MAX &&
      options.on_expiry >= HF_ON_EXPIRY_IN_DOUBT && options.on_expiry <= HF_ON_EXPIRY_RECONCILE &&
      options.label.size <= HF_RECORD_LABEL_MAX;
  return in_range ? HF_R_NONE : HF_R_OUT_OF_RANGE;
}

engine::IdemConfig ConfigFrom(const hf_idem_options& options) {
  engine::IdemConfig config = {};
  std::memcpy(config.key_id, options.key_id, sizeof(config.key_id));
  std::memcpy(config.fingerprint, options.fingerprint, sizeof(config.fingerprint));
  std::memcpy(config.nonce, options.nonce, sizeof(config.nonce));
  config.seed = options.seed;
  config.deadline = options.deadline;
  config.lease = options.lease;
  config.ttl = options.ttl;
  config.max_wait = options.max_wait;
  config.max_attempts = options.max_attempts;
  config.on_expiry = options.on_expiry;
  config.label = options.label;
  return config;
}

// A finished result contradicts an effect that says it is not.
bool AcceptableOutcome(const hf_outcome* outcome, hf_outcome* derived) {
  if (outcome == nullptr || !engine::OutcomeIsValid(*outcome)) return false;
  *derived = engine::DeriveOutcome(*outcome);
  return derived->code != HF_OK || derived->effect == HF_EFFECT_FINAL;
}

codec::Bytes AsBytes(const void* data, size_t size) {
  return {static_cast<const uint8_t*>(data), size};
}

// What is kept of a result: the body, or its digest in the session's storage.
engine::IdemBody Fitting(const void* body, size_t size, const hf_outcome& derived,
                         IdemStorage* storage) {
  if (size <= storage->max_body || derived.effect != HF_EFFECT_FINAL) {
    return {{static_cast<const char*>(body), size}, HF_BODY_WHOLE};
  }
  codec::Sha256(AsBytes(body, size), storage->digest);
  return {{reinterpret_cast<const char*>(storage->digest), sizeof(storage->digest)},
          HF_BODY_DIGEST};
}

}  // namespace
}  // namespace holdfast::abi

using holdfast::abi::AcceptableOutcome;
using holdfast::abi::AsBytes;
using holdfast::abi::BadArgument;
using holdfast::abi::Enter;
using holdfast::abi::Fitting;
using holdfast::abi::IdemStorage;
using holdfast::abi::ValidString;

hf_code hf_idem_key_id(const hf_str* space, const hf_str* tenant, const hf_str* operation,
                       const hf_str* key, uint8_t* id) noexcept {
  if (id == nullptr) return HF_INVALID_ARGUMENT;
  // A caller who ignores the code must not go on with yesterday's id: zero is refused by start.
  std::memset(id, 0, holdfast::codec::kSha256Size);
  if (!ValidString(space) || !ValidString(tenant) || !ValidString(operation) || !ValidString(key)) {
    return HF_INVALID_ARGUMENT;
  }
  const holdfast::codec::KeyFault fault = holdfast::codec::KeyId(
      {AsBytes(space->data, space->size), AsBytes(tenant->data, tenant->size),
       AsBytes(operation->data, operation->size), AsBytes(key->data, key->size)},
      holdfast::codec::Digest(id, holdfast::codec::kSha256Size));
  return fault == holdfast::codec::KeyFault::kNone ? HF_OK : HF_INVALID_ARGUMENT;
}

hf_code hf_idem_fingerprint(const void* data, size_t size, uint8_t* fingerprint) noexcept {
  if (fingerprint == nullptr || (data == nullptr && size > 0)) return HF_INVALID_ARGUMENT;
  holdfast::codec::Sha256(AsBytes(data, size),
                          holdfast::codec::Digest(fingerprint, holdfast::codec::kSha256Size));
  return HF_OK;
}

hf_code hf_idem_fingerprint_keyed(const void* secret, size_t secret_size, const void* data,
                                  size_t size, uint8_t* fingerprint) noexcept {
  if (fingerprint == nullptr) return HF_INVALID_ARGUMENT;
  std::memset(fingerprint, 0, holdfast::codec::kSha256Size);
  if (secret == nullptr || secret_size < HF_IDEM_SECRET_MIN || secret_size > HF_IDEM_SECRET_MAX ||
      (data == nullptr && size > 0)) {
    return HF_INVALID_ARGUMENT;
  }
  holdfast::codec::KeyedHash(AsBytes(secret, secret_size), AsBytes(data, size),
                             holdfast::codec::Digest(fingerprint, holdfast::codec::kSha256Size));
  return HF_OK;
}

hf_code hf_idem_start(hf_idem* idem, const hf_idem_options* options, hf_time now,
                      hf_action* next) noexcept {
  if (idem != nullptr) holdfast::abi::MarkOver(idem);
  if (idem == nullptr || options == nullptr || next == nullptr) {
    return BadArgument(next, HF_R_NULL_ARGUMENT);
  }
  hf_error error = {};
  hf_idem_options checked;
  if (holdfast::abi::CopyIn(options, &checked, &error) != HF_OK) {
    return BadArgument(next, error.reason);
  }
  if (now < 0) return BadArgument(next, HF_R_OUT_OF_RANGE);
  holdfast::abi::FillDefaults(&checked);
  const hf_reason fault = holdfast::abi::CheckOptions(checked);
  if (fault != HF_R_NONE) return BadArgument(next, fault);
  auto* storage = std::construct_at(
      reinterpret_cast<IdemStorage*>(idem),
      IdemStorage{.tag = holdfast::abi::SessionTag(idem, holdfast::abi::kIdemTag),
                  .session = holdfast::engine::IdemSession(holdfast::abi::ConfigFrom(checked)),
                  .max_body = checked.max_body,
                  .digest = {}});
  *next = storage->session.Start(now);
  return HF_OK;
}

hf_code hf_idem_request(const hf_idem* idem, hf_store_request* request) noexcept {
  if (idem == nullptr || request == nullptr) return HF_INVALID_ARGUMENT;
  const IdemStorage* storage = Enter(idem);
  if (storage == nullptr || !storage->session.AwaitsReply()) return HF_INVALID_ARGUMENT;
  *request = storage->session.Request();
  return HF_OK;
}

hf_code hf_idem_on_reply(hf_idem* idem, const hf_store_reply* reply, hf_time now,
                         hf_action* next) noexcept {
  if (idem == nullptr || reply == nullptr || next == nullptr) {
    return BadArgument(next, HF_R_NULL_ARGUMENT);
  }
  if (now < 0) return BadArgument(next, HF_R_OUT_OF_RANGE);
  IdemStorage* storage = Enter(idem);
  if (storage == nullptr || !storage->session.AwaitsReply())
    return BadArgument(next, HF_R_BAD_STATE);
  if (reply->retry_after < 0 || reply->changed > 1) return BadArgument(next, HF_R_OUT_OF_RANGE);
  const std::optional<hf_action> action = storage->session.OnReply(*reply, now);
  if (!action.has_value()) return BadArgument(next, HF_R_OUT_OF_RANGE);
  *next = *action;
  return HF_OK;
}

hf_code hf_idem_on_time(hf_idem* idem, hf_time now, hf_action* next) noexcept {
  if (idem == nullptr || next == nullptr) return BadArgument(next, HF_R_NULL_ARGUMENT);
  if (now < 0) return BadArgument(next, HF_R_OUT_OF_RANGE);
  IdemStorage* storage = Enter(idem);
  if (storage == nullptr || !storage->session.Sleeps()) return BadArgument(next, HF_R_BAD_STATE);
  *next = storage->session.OnTime(now);
  return HF_OK;
}

hf_code hf_idem_on_wake(hf_idem* idem, hf_time now, hf_action* next) noexcept {
  if (idem == nullptr || next == nullptr) return BadArgument(next, HF_R_NULL_ARGUMENT);
  if (now < 0) return BadArgument(next, HF_R_OUT_OF_RANGE);
  IdemStorage* storage = Enter(idem);
  if (storage == nullptr || !storage->session.Sleeps()) return BadArgument(next, HF_R_BAD_STATE);
  *next = storage->session.OnWake(now);
  return HF_OK;
}

hf_code hf_idem_on_result(hf_idem* idem, const hf_outcome* outcome, const void* body, size_t size,
                          hf_time now, hf_action* next) noexcept {
  if (idem == nullptr || next == nullptr || (body == nullptr && size > 0)) {
    return BadArgument(next, HF_R_NULL_ARGUMENT);
  }
  if (now < 0) return BadArgument(next, HF_R_OUT_OF_RANGE);
  IdemStorage* storage = Enter(idem);
  if (storage == nullptr || !storage->session.Runs()) return BadArgument(next, HF_R_BAD_STATE);
  hf_outcome derived = {};
  if (!AcceptableOutcome(outcome, &derived)) return BadArgument(next, HF_R_OUT_OF_RANGE);
  *next = storage->session.OnResult(derived, Fitting(body, size, derived, storage), now);
  return HF_OK;
}

hf_code hf_idem_on_reconciled(hf_idem* idem, const hf_outcome* outcome, const void* body,
                              size_t size, hf_time now, hf_action* next) noexcept {
  if (idem == nullptr || next == nullptr || (body == nullptr && size > 0)) {
    return BadArgument(next, HF_R_NULL_ARGUMENT);
  }
  if (now < 0) return BadArgument(next, HF_R_OUT_OF_RANGE);
  IdemStorage* storage = Enter(idem);
  if (storage == nullptr || !storage->session.Reconciles()) {
    return BadArgument(next, HF_R_BAD_STATE);
  }
  hf_outcome derived = {};
  if (!AcceptableOutcome(outcome, &derived)) return BadArgument(next, HF_R_OUT_OF_RANGE);
  *next = storage->session.OnReconciled(derived, Fitting(body, size, derived, storage), now);
  return HF_OK;
}

hf_code hf_idem_on_spilled(hf_idem* idem, const hf_outcome* outcome, const void* where, size_t size,
                           hf_time now, hf_action* next) noexcept {
  if (idem == nullptr || next == nullptr || where == nullptr) {
    return BadArgument(next, HF_R_NULL_ARGUMENT);
  }
  if (now < 0) return BadArgument(next, HF_R_OUT_OF_RANGE);
  IdemStorage* storage = Enter(idem);
  if (storage == nullptr || !(storage->session.Runs() || storage->session.Reconciles())) {
    return BadArgument(next, HF_R_BAD_STATE);
  }
  hf_outcome derived = {};
  if (!AcceptableOutcome(outcome, &derived) || derived.effect != HF_EFFECT_FINAL || size == 0 ||
      size > storage->max_body) {
    return BadArgument(next, HF_R_OUT_OF_RANGE);
  }
  const holdfast::engine::IdemBody reference = {{static_cast<const char*>(where), size},
                                                HF_BODY_REFERENCE};
  *next = storage->session.Runs() ? storage->session.OnResult(derived, reference, now)
                                  : storage->session.OnReconciled(derived, reference, now);
  return HF_OK;
}

hf_code hf_idem_on_joined(hf_idem* idem, const hf_outcome* outcome, hf_time now,
                          hf_action* next) noexcept {
  if (idem == nullptr || next == nullptr) return BadArgument(next, HF_R_NULL_ARGUMENT);
  if (now < 0) return BadArgument(next, HF_R_OUT_OF_RANGE);
  IdemStorage* storage = Enter(idem);
  if (storage == nullptr || !storage->session.Runs()) return BadArgument(next, HF_R_BAD_STATE);
  hf_outcome derived = {};
  if (!AcceptableOutcome(outcome, &derived) || derived.effect != HF_EFFECT_FINAL) {
    return BadArgument(next, HF_R_OUT_OF_RANGE);
  }
  *next = storage->session.OnJoined(derived, now);
  return HF_OK;
}

hf_code hf_idem_renew(hf_idem* idem, hf_time now, hf_store_request* request) noexcept {
  if (idem == nullptr || request == nullptr || now < 0) return HF_INVALID_ARGUMENT;
  IdemStorage* storage = Enter(idem);
  if (storage == nullptr || !storage->session.MayAskBesides()) return HF_INVALID_ARGUMENT;
  *request = storage->session.Renew(now);
  return HF_OK;
}

hf_code hf_idem_on_renewed(hf_idem* idem, const hf_store_reply* reply, hf_time now,
                           hf_time* lease_until) noexcept {
  if (idem == nullptr || reply == nullptr || lease_until == nullptr || now < 0) {
    return HF_INVALID_ARGUMENT;
  }
  IdemStorage* storage = Enter(idem);
  if (storage == nullptr || storage->session.besides() != HF_STORE_RENEW) {
    return HF_INVALID_ARGUMENT;
  }
  const hf_code code = storage->session.OnRenewed(*reply, now);
  *lease_until = storage->session.lease_until();
  return code;
}

hf_code hf_idem_checkpoint(hf_idem* idem, const void* data, size_t size, hf_time now,
                           hf_store_request* request) noexcept {
  if (idem == nullptr || request == nullptr || now < 0) return HF_INVALID_ARGUMENT;
  if ((data == nullptr && size > 0) || size > HF_IDEM_CHECKPOINT_MAX) return HF_INVALID_ARGUMENT;
  IdemStorage* storage = Enter(idem);
  if (storage == nullptr || !storage->session.MayAskBesides()) return HF_INVALID_ARGUMENT;
  *request = storage->session.Checkpoint({static_cast<const char*>(data), size}, now);
  return HF_OK;
}

hf_code hf_idem_on_checkpointed(hf_idem* idem, const hf_store_reply* reply, hf_time now) noexcept {
  if (idem == nullptr || reply == nullptr || now < 0) return HF_INVALID_ARGUMENT;
  IdemStorage* storage = Enter(idem);
  if (storage == nullptr || storage->session.besides() != HF_STORE_CHECKPOINT) {
    return HF_INVALID_ARGUMENT;
  }
  return storage->session.OnCheckpointed(*reply, now);
}

int32_t hf_idem_abort(hf_idem* idem, hf_time /*now*/, hf_store_request* request) noexcept {
  if (request != nullptr) *request = hf_store_request{};
  IdemStorage* storage = Enter(idem);
  if (storage == nullptr) return 0;
  hf_store_request last = {};
  if (!storage->session.Abort(&last) || request == nullptr) return 0;
  *request = last;
  return 1;
}

hf_code hf_idem_read(const hf_idem* idem, hf_idem_snapshot* out) noexcept {
  if (idem == nullptr || out == nullptr) return HF_INVALID_ARGUMENT;
  const IdemStorage* storage = Enter(idem);
  if (storage == nullptr) return HF_INVALID_ARGUMENT;
  return holdfast::abi::CopyOut(storage->session.Snapshot(), out);
}
