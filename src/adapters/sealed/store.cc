// SPDX-License-Identifier: Apache-2.0
// See sealed/store.h.
#include <holdfast/c/idempotency.h>
#include <holdfast/sealed/store.h>
#include <sodium.h>

#include <array>
#include <new>
#include <optional>
#include <span>
#include <utility>

#include "adapters/sealed/sealed_body.h"

namespace holdfast::inline v0_5::sealed {
namespace {

constexpr const char* kDoesNotOpen = "a sealed body does not open";
constexpr const char* kCheckpointDoesNotOpen =
    "a sealed checkpoint does not open; the key stays claimed until its lease is over";
constexpr const char* kErased = "the key that sealed it was erased";
constexpr const char* kNoKey = "there is no key to seal with";

using IdView = std::span<const uint8_t, 32>;

std::string_view ViewOf(const hf_str& bytes) { return {bytes.data, bytes.size}; }

Place PlaceOf(const StoreRequest& request, BodyKind kind) {
  if (kind == BodyKind::kCheckpoint) return {.key_id = IdView(request.key_id), .kind = kind};
  return {.key_id = IdView(request.key_id),
          .kind = kind,
          .truncated = request.truncated,
          .code = request.code};
}

// The key to seal with. Under an erased one a key that nobody has: what it seals is erased from the start.
bool KeyFor(const KeyRing& keys, std::string_view tenant, KeyFound* key) {
  *key = keys.Current(tenant);
  if (key->state == KeyState::kErased) key->key = SealingKey::Fresh();
  return key->state != KeyState::kMissing;
}

bool Sound(const hf_str& body) {
  return body.size <= HF_IDEM_BODY_MAX && (body.size == 0 || body.data != nullptr);
}

// `bytes` is where the digest goes.
void StoreDigest(std::string_view plain, std::string& bytes, StoreRequest& request) {
  bytes.assign(crypto_hash_sha256_BYTES, '\0');
  crypto_hash_sha256(reinterpret_cast<unsigned char*>(bytes.data()),
                     reinterpret_cast<const unsigned char*>(plain.data()), plain.size());
  request.body = {bytes.data(), bytes.size()};
  request.truncated = HF_BODY_DIGEST;
}

struct Opening {
  hf_store_status status = HF_STORE_OK;  // or CORRUPT, ERASED
  std::optional<std::string> body;       // none: it was never sealed, and that is accepted
};

Opening OpenIn(const Options& options, const Place& place, std::string_view bytes) {
  Header header;
  const Look look = ReadHeader(bytes, &header);
  if (look == Look::kUnsealed && options.accept_unsealed) return {};
  if (look != Look::kSealed) return {HF_STORE_CORRUPT, {}};
  const KeyFound key = options.keys->Find(options.tenant, header.key_number);
  if (key.state == KeyState::kErased) return {HF_STORE_ERASED, {}};
  if (key.state == KeyState::kMissing) return {HF_STORE_CORRUPT, {}};
  std::optional<std::string> body = Open(key.key, place, bytes, header);
  if (!body) return {HF_STORE_CORRUPT, {}};
  return {HF_STORE_OK, std::move(body)};
}

}  // namespace

absl::StatusOr<std::unique_ptr<Store>> Store::Open(Options options) {
  if (options.store == nullptr || options.keys == nullptr) {
    return MakeStatus(HF_INVALID_ARGUMENT, HF_R_NULL_ARGUMENT,
                      options.store == nullptr ? "store: none" : "keys: none");
  }
  if (options.tenant.size() > MemoryKeyRing::kTenantMax) {
    return MakeStatus(HF_INVALID_ARGUMENT, HF_R_OUT_OF_RANGE, "tenant: above 256 bytes");
  }
  if (options.max_body > HF_IDEM_BODY_MAX) {
    return MakeStatus(HF_INVALID_ARGUMENT, HF_R_OUT_OF_RANGE, "max_body: above 8 MiB");
  }
  if (options.max_body == 0) options.max_body = HF_IDEM_BODY_MAX;
  if (sodium_init() < 0) {
    return MakeStatus(HF_INTERNAL, HF_R_INTERNAL, "libsodium does not start");
  }
  return std::unique_ptr<Store>(new Store(std::move(options)));
}

Store::Store(Options options) : StoreLayer(options.store), options_(std::move(options)) {}

bool Store::Before(Passage& passage, StoreReply& reply) {
  switch (passage.request.verb) {
    case HF_STORE_CLAIM: {
      // Asked before the work runs, and not after it: a result that cannot be sealed is not stored in the clear.
      const KeyState state = options_.keys->Current(options_.tenant).state;
      if (state == KeyState::kReady) return false;
      const bool erased = state == KeyState::kErased;
      reply =
          StorageReply(erased ? HF_STORE_ERASED : HF_STORE_UNAVAILABLE, erased ? kErased : kNoKey);
      return true;
    }
    case HF_STORE_COMPLETE:
      return SealResult(passage, reply);
    case HF_STORE_RESOLVE:
      return passage.request.effect == HF_EFFECT_FINAL && SealResult(passage, reply);
    case HF_STORE_CHECKPOINT:
      return SealCheckpoint(passage, reply);
    default:
      return false;
  }
}

bool Store::SealResult(Passage& passage, StoreReply& reply) const {
  StoreRequest& request = passage.request;
  // Unsound requests are the store's to refuse, digests are stored as they are.
  if (!Sound(request.body) || request.truncated == HF_BODY_DIGEST) return false;
  KeyFound key;
  if (!KeyFor(*options_.keys, options_.tenant, &key)) {
    reply = StorageReply(HF_STORE_UNAVAILABLE, kNoKey);
    return true;
  }
  std::string_view plain = ViewOf(request.body);
  std::string redacted;  // outlives plain
  if (options_.redact != nullptr && request.truncated == HF_BODY_WHOLE) {
    try {
      redacted = options_.redact(plain);
    } catch (...) {  // the effect stands, so its record must too
      StoreDigest(plain, passage.body, request);
      return false;
    }
    plain = redacted;
  }
  if (plain.size() <= HF_IDEM_BODY_MAX) {
    passage.body = Seal(key, PlaceOf(request, BodyKind::kResult), plain, !options_.no_compression);
    request.body = {passage.body.data(), passage.body.size()};
  }
  const uint32_t most =
      request.truncated == HF_BODY_WHOLE ? options_.max_body : uint32_t{HF_IDEM_BODY_MAX};
  if (plain.size() > HF_IDEM_BODY_MAX || passage.body.size() > most) {
    StoreDigest(plain, passage.body, request);
  }
  return false;
}

bool Store::SealCheckpoint(Passage& passage, StoreReply& reply) const {
  StoreRequest& request = passage.request;
  if (!Sound(request.body)) return false;
  KeyFound key;
  if (!KeyFor(*options_.keys, options_.tenant, &key)) {
    reply = StorageReply(HF_STORE_UNAVAILABLE, kNoKey);
    return true;
  }
  passage.body = Seal(key, PlaceOf(request, BodyKind::kCheckpoint), ViewOf(request.body),
                      !options_.no_compression);
  if (passage.body.size() > HF_IDEM_CHECKPOINT_MAX) {
    reply = StorageReply(HF_STORE_OVERLOADED, "a checkpoint that is too large once it is sealed");
    return true;
  }
  request.body = {passage.body.data(), passage.body.size()};
  return false;
}

void Store::After(const Passage& passage, StoreReply& reply) {
  hf_store_reply& raw = reply.raw;
  const bool replay = raw.status == HF_STORE_REPLAY;
  const bool won = raw.status == HF_STORE_WON || raw.status == HF_STORE_RECONCILE;
  if (replay ? raw.truncated == HF_BODY_DIGEST : !won) return;
  const std::string_view bytes = reply.body == nullptr ? std::string_view() : *reply.body;
  if (won && bytes.empty()) return;  // no checkpoint
  const Place place{.key_id = IdView(passage.request.key_id),
                    .kind = replay ? BodyKind::kResult : BodyKind::kCheckpoint,
                    .truncated = replay ? raw.truncated : HF_BODY_WHOLE,
                    .code = replay ? raw.code : HF_OK};
  Opening opening;
  try {
    opening = OpenIn(options_, place, bytes);
    if (opening.status == HF_STORE_OK && !opening.body) return;
    if (opening.body) reply.body = std::make_shared<const std::string>(*std::move(opening.body));
  } catch (const std::bad_alloc&) {
    opening.status = won ? HF_STORE_INDETERMINATE : HF_STORE_OVERLOADED;
  }
  if (opening.status != HF_STORE_OK) {
    raw.status = opening.status;
    reply.body = nullptr;
    raw.body = {};
    if (opening.status == HF_STORE_ERASED) reply.detail = kErased;
    if (opening.status == HF_STORE_CORRUPT) {
      reply.detail = won ? kCheckpointDoesNotOpen : kDoesNotOpen;
    }
    return;
  }
  raw.body = {reply.body->data(), reply.body->size()};
}

absl::StatusOr<std::string> Store::OpenBody(const StoredRecord& stored) const {
  const hf_record& record = stored.record;
  const bool result = record.state == HF_RECORD_COMPLETED;
  if (stored.body.empty() && !result) return std::string();
  if (result && record.truncated == HF_BODY_DIGEST) return stored.body;
  const Place place{.key_id = IdView(stored.key_id),
                    .kind = result ? BodyKind::kResult : BodyKind::kCheckpoint,
                    .truncated = result ? record.truncated : HF_BODY_WHOLE,
                    .code = result ? record.code : HF_OK};
  Opening opening = OpenIn(options_, place, stored.body);
  if (opening.status == HF_STORE_ERASED) {
    return MakeStatus(HF_FAILED_PRECONDITION, HF_R_STORE_ERASED, kErased);
  }
  if (opening.status != HF_STORE_OK) {
    return MakeStatus(HF_DATA_LOSS, HF_R_STORE_CORRUPT, kDoesNotOpen);
  }
  return opening.body ? *std::move(opening.body) : stored.body;
}

}  // namespace holdfast::inline v0_5::sealed
