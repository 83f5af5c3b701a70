// SPDX-License-Identifier: Apache-2.0
// Store requests and clocks for tests: sound by default, so that each test names only what it is about.
#ifndef HOLDFAST_TESTS_STORE_REQUESTS_H_
#define HOLDFAST_TESTS_STORE_REQUESTS_H_

#include <holdfast/c/idempotency.h>

#include <atomic>
#include <cstdint>
#include <cstring>
#include <functional>
#include <string_view>

namespace holdfast::testing {

inline constexpr hf_duration kLease = 10 * HF_S;
inline constexpr hf_duration kTtl = 3600 * HF_S;
// An ordinary moment of 2023, in nanoseconds since the epoch.
inline constexpr int64_t kEpochNow = 1700000000 * HF_S;

using StoreClockFn = std::function<int64_t()>;

// A store's clock that a test moves by hand. Thread-safe.
class StoreClock {
 public:
  int64_t Now() const { return now_.load(); }
  void Set(int64_t now) { now_.store(now); }
  void Advance(hf_duration by) { now_.fetch_add(by); }
  StoreClockFn Function() {
    return [this] { return Now(); };
  }

 private:
  std::atomic<int64_t> now_{kEpochNow};
};

inline hf_store_request Request(hf_store_verb verb, std::string_view key) {
  hf_store_request request = {};
  request.verb = verb;
  request.on_expiry = HF_ON_EXPIRY_IN_DOUBT;
  const hf_str none = {nullptr, 0};
  const hf_str bytes = {key.data(), key.size()};
  hf_idem_key_id(&none, &none, &none, &bytes, request.key_id);
  request.lease = kLease;
  request.ttl = kTtl;
  request.max_attempts = 10;
  return request;
}

// `who` becomes the nonce: two claims of the same `who` are one owner asking twice.
inline hf_store_request Claim(std::string_view key, uint64_t who,
                              hf_on_expiry on_expiry = HF_ON_EXPIRY_IN_DOUBT) {
  hf_store_request request = Request(HF_STORE_CLAIM, key);
  request.on_expiry = on_expiry;
  std::memcpy(request.nonce, &who, sizeof(who));
  hf_idem_fingerprint("request", 7, request.fingerprint);
  return request;
}

inline hf_store_request WithFingerprint(hf_store_request request, std::string_view bytes) {
  hf_idem_fingerprint(bytes.data(), bytes.size(), request.fingerprint);
  return request;
}

inline hf_store_request Renew(std::string_view key, uint64_t token) {
  hf_store_request request = Request(HF_STORE_RENEW, key);
  request.token = token;
  return request;
}

// `body` must outlive the request.
inline hf_store_request Complete(std::string_view key, uint64_t token, std::string_view body,
                                 hf_code code = HF_OK) {
  hf_store_request request = Request(HF_STORE_COMPLETE, key);
  request.token = token;
  request.code = code;
  request.body = {body.data(), body.size()};
  return request;
}

inline hf_store_request Fail(std::string_view key, uint64_t token, hf_effect effect,
                             hf_duration retry_after = 0,
                             hf_on_expiry on_expiry = HF_ON_EXPIRY_IN_DOUBT) {
  hf_store_request request = Request(HF_STORE_FAIL, key);
  request.on_expiry = on_expiry;
  request.token = token;
  request.code = HF_UNAVAILABLE;
  request.effect = effect;
  request.retry_after = retry_after;
  return request;
}

// `body` must outlive the request.
inline hf_store_request Checkpoint(std::string_view key, uint64_t token, std::string_view body) {
  hf_store_request request = Request(HF_STORE_CHECKPOINT, key);
  request.token = token;
  request.body = {body.data(), body.size()};
  return request;
}

inline hf_store_request Abandon(std::string_view key, uint64_t token) {
  hf_store_request request = Request(HF_STORE_ABANDON, key);
  request.token = token;
  return request;
}

inline hf_store_request Read(std::string_view key) { return Request(HF_STORE_READ, key); }

inline hf_store_request Resolve(std::string_view key, hf_effect effect,
                                std::string_view body = {}) {
  hf_store_request request = Request(HF_STORE_RESOLVE, key);
  request.effect = effect;
  request.body = {body.data(), body.size()};
  return request;
}

inline hf_store_request Release(std::string_view key, hf_effect effect,
                                hf_duration retry_after = 0) {
  hf_store_request request = Request(HF_STORE_RELEASE, key);
  request.effect = effect;
  request.retry_after = retry_after;
  return request;
}

}  // namespace holdfast::testing

#endif  // HOLDFAST_TESTS_STORE_REQUESTS_H_
