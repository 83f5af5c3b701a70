// SPDX-License-Identifier: Apache-2.0
// The caller's own key in a record's label, sealed: for operators who must find an order by its number, where the number
// must not be readable to whoever can read the storage. KeySealer is what a run-once label with a sealed key asks for.
//
// A sealed key is at most 53 bytes longer than the key. It says nothing of the record that it stands in: who opens one
// and acts on it compares hf_idem_key_id of the label's parts and this key with the record's id.
#ifndef HOLDFAST_SEALED_LABEL_KEY_H_
#define HOLDFAST_SEALED_LABEL_KEY_H_

#include <absl/status/statusor.h>
#include <holdfast/sealed/key_ring.h>

#include <functional>
#include <memory>
#include <string>
#include <string_view>

namespace holdfast::inline v0_5::sealed {

// Thread-safe, and keeps the ring. `keys` must not be null.
// Errors of the function: FAILED_PRECONDITION HF_R_STORE_ERASED: the tenant's key was erased; UNAVAILABLE
// HF_R_STORE_UNAVAILABLE: it has none; INVALID_ARGUMENT HF_R_KEY_OVERSIZE: a key above HF_IDEM_KEY_MAX.
std::function<absl::StatusOr<std::string>(std::string_view tenant, std::string_view key)> KeySealer(
    std::shared_ptr<const KeyRing> keys);

// The key that was sealed.
// Errors: DATA_LOSS HF_R_STORE_CORRUPT, FAILED_PRECONDITION HF_R_STORE_ERASED.
absl::StatusOr<std::string> OpenKey(const KeyRing& keys, std::string_view tenant,
                                    std::string_view sealed_key);

}  // namespace holdfast::inline v0_5::sealed

#endif  // HOLDFAST_SEALED_LABEL_KEY_H_
