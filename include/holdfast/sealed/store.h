// SPDX-License-Identifier: Apache-2.0
// sealed::Store: bodies that the storage cannot read, in front of any store.
//
//   auto keys = std::make_shared<holdfast::sealed::MemoryKeyRing>();
//   auto acme = holdfast::sealed::Store::Open({.store = redis, .keys = keys, .tenant = "acme"});
//   holdfast::RunOnce(**acme, {.tenant = "acme", ...}, ...);
//
// One object per tenant over one shared store: it is small, and a request to complete a record does not say whose it
// is. Keys, fingerprints, codes, times and attempts are not sealed: the table needs them.
//
//   body                       stored as                                      with
//   result, reference          sealed, compressed first if that saves 20 %    COMPLETE, RESOLVE as done
//   checkpoint                 likewise                                       CHECKPOINT
//   digest (HF_BODY_DIGEST)    as it is: the SHA-256 of what was too large
//   result too large to seal   its digest, as if it had been above max_body   within 53 bytes of Options::max_body
//
//   the key is    CLAIM                        COMPLETE, CHECKPOINT            a body to open
//   ready         passed on                    sealed                          opened
//   erased        ERASED, nothing happens      kept as erased: the effect is   ERASED
//                                              on record, its result is not
//   missing       UNAVAILABLE, nothing         UNAVAILABLE, nothing            CORRUPT
//
// Sealing is XChaCha20-Poly1305 (libsodium) with a random nonce. Sealed in with it are the record's key id, what kind
// of body it is, its code and truncation: a body that somebody moved to another record, or passed off as another
// result of it, does not open. Whatever does not open is CORRUPT, without a word on why. A WON or RECONCILE whose
// checkpoint does not open is CORRUPT too; the key then stays claimed until its lease is over.
//
// The size of a body stays visible, and with compression its redundancy: where callers can put text of their choice
// next to a secret of someone else in one result, set no_compression.
//
// Scan and Find give bodies as they are stored; OpenBody opens one.
#ifndef HOLDFAST_SEALED_STORE_H_
#define HOLDFAST_SEALED_STORE_H_

#include <absl/status/statusor.h>
#include <holdfast/sealed/key_ring.h>
#include <holdfast/store.h>
#include <holdfast/store_layer.h>

#include <functional>
#include <memory>
#include <string>
#include <string_view>

namespace holdfast::inline v0_5::sealed {

struct Options {
  std::shared_ptr<holdfast::Store> store = nullptr;  // required
  std::shared_ptr<const KeyRing> keys = nullptr;     // required
  std::string tenant = {};                           // whose keys; up to 256 bytes
  // What is stored, and replayed, in place of a whole result; the caller whose work ran has the result itself. For
  // results of one operation only, if they differ: open one store for each. If it throws, the result's digest is
  // stored. Checkpoints are not redacted: the work needs them. Runs on the asker's thread, with no lock held.
  std::function<std::string(std::string_view result)> redact = nullptr;
  bool no_compression = false;
  // Bytes of a body that the store below keeps whole, where that has a limit of its own (sqlite::Options::max_body):
  // the digest that it would keep instead is that of sealed bytes, of use to nobody. Default HF_IDEM_BODY_MAX.
  uint32_t max_body = 0;
  // Bodies that were stored before there was a seal are given as they are. Only while they last: whoever can write to
  // the storage can then put results of his own there.
  bool accept_unsealed = false;
};

// Thread-safe.
class Store final : public StoreLayer {
 public:
  // Errors: INVALID_ARGUMENT naming the option.
  static absl::StatusOr<std::unique_ptr<Store>> Open(Options options);

  // The body of a record of this tenant, as Scan or Find gave it with bodies.
  // Errors: DATA_LOSS HF_R_STORE_CORRUPT, FAILED_PRECONDITION HF_R_STORE_ERASED.
  absl::StatusOr<std::string> OpenBody(const StoredRecord& stored) const;

 protected:
  bool Before(Passage& passage, StoreReply& reply) override;
  void After(const Passage& passage, StoreReply& reply) override;

 private:
  explicit Store(Options options);

  bool SealResult(Passage& passage, StoreReply& reply) const;
  bool SealCheckpoint(Passage& passage, StoreReply& reply) const;

  const Options options_;
};

}  // namespace holdfast::inline v0_5::sealed

#endif  // HOLDFAST_SEALED_STORE_H_
