// SPDX-License-Identifier: Apache-2.0
// StoreObserver: who wants to know when a key needs a person. Told by a MeteredStore (metered_store.h).
//
//   event        when                                                          how often
//   kInDoubt     a reply says that this very request put the key into doubt    once per doubt, over all processes
//   kPoison      likewise, because it was claimed more often than it may       likewise
//   kFenced      a result came too late: another owner has the key             once per result
//   kLeaseLow    work was settled after more than 0.7 of its lease             once per piece of work
//
// "Once" is the store's word (hf_store_reply.changed): whoever hears the reply tells. If that reply is lost, nobody does:
// a census (store_census.h) finds such keys.
#ifndef HOLDFAST_STORE_OBSERVER_H_
#define HOLDFAST_STORE_OBSERVER_H_

#include <holdfast/c/record.h>

#include <array>
#include <cstdint>
#include <string_view>

namespace holdfast::inline v0_5 {

enum class StoreEventKind { kInDoubt, kPoison, kFenced, kLeaseLow };

struct StoreEvent {
  StoreEventKind kind = StoreEventKind::kInDoubt;
  std::string_view store;  // what the MeteredStore was called
  std::string_view key;    // eight hex digits of its id
  uint64_t token = 0;      // of the record now
  uint32_t attempt = 0;    // likewise
  double lease_use = 0;    // kLeaseLow: above 1 if it was over
};

// Eight hex digits of a key's id: what a log may show of it. Not terminated.
inline std::array<char, 8> KeyDigits(const uint8_t* key_id) {
  constexpr char kDigits[] = "0123456789abcdef";
  std::array<char, 8> digits{};
  for (size_t i = 0; i < digits.size(); ++i) {
    digits[i] = kDigits[key_id[i / 2] >> (i % 2 == 0 ? 4 : 0) & 15];
  }
  return digits;
}

// Thread-safe. Runs on the thread that got the reply, with no lock held, and holds it up: must not block or throw.
// What the event points to lives as long as the call.
class StoreObserver {
 public:
  virtual ~StoreObserver() = default;
  virtual void OnStoreEvent(const StoreEvent& event) = 0;
};

}  // namespace holdfast::inline v0_5

#endif  // HOLDFAST_STORE_OBSERVER_H_
