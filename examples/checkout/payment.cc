// SPDX-License-Identifier: Apache-2.0
// The payment service: one row in the ledger per charge. The same handler twice, without and with
// holdfast.
#include <absl/strings/str_cat.h>
#include <holdfast/grpc/server.h>
#include <holdfast/sqlite/run_once.h>

#include <mutex>
#include <optional>

#include "books.h"
#include "checkout.grpc.pb.h"
#include "roles.h"

namespace checkout {
namespace {

::grpc::Status Failed(const absl::Status& status) {
  return ::grpc::Status(::grpc::StatusCode::UNAVAILABLE, std::string(status.message()));
}

// Called right after the commit: the money has moved, and the caller does not know yet.
void Charged(const RunFiles& files, const FaultPoint& faults, uint32_t order, int64_t payment) {
  files.board.RaiseCharges(static_cast<uint32_t>(payment));
  files.log.Note(order, absl::StrCat("charged: ledger row ", payment));
  faults.DieIfDue(order, static_cast<uint32_t>(payment),
                  "the charge committed and not yet answered");
}

// --- plain gRPC --------------------------------------------------------------------------------------

class BarePayments final : public Payments::Service {
 public:
  BarePayments(const RunFiles& files, const FaultPoint& faults, Database db)
      : files_(files), faults_(faults), db_(std::move(db)) {}

  ::grpc::Status Charge(::grpc::ServerContext* context, const ChargeRequest* request,
                        ChargeReply* reply) override {
    return faults_.Around(*context, request->order(), [&](uint32_t arrival) {
      absl::StatusOr<int64_t> payment;
      {
        const std::lock_guard lock(mutex_);
        payment = AddPayment(db_.get(), request->order(), request->cents(), arrival);
      }
      if (!payment.ok()) return Failed(payment.status());
      Charged(files_, faults_, request->order(), *payment);
      reply->set_payment(*payment);
      return ::grpc::Status::OK;
    });
  }

 private:
  const RunFiles& files_;
  const FaultPoint& faults_;
  std::mutex mutex_;
  Database db_;
};

absl::Status RunBare(const Settings& settings, const RunFiles& files, const FaultPoint& faults) {
  absl::StatusOr<Database> db = OpenDatabase(settings.folder + "/payments.db");
  if (!db.ok()) return db.status();
  if (absl::Status made = CreatePayments(db->get()); !made.ok()) return made;
  BarePayments service(files, faults, *std::move(db));
  return ServeUntilStopped(&service, settings.payment_port, Place::kPayment, files.board);
}

// --- with holdfast -----------------------------------------------------------------------------------

// Lets a guard run its work inside the store's transaction.
auto JoinedTo(holdfast::sqlite::Store& store) {
  return [&store](const holdfast::Key& key, const holdfast::RunOnceOptions& options, auto&& work) {
    return holdfast::sqlite::RunOnceJoined(
        store, key, options,
        [&](holdfast::Ticket& ticket, sqlite3* db) -> absl::StatusOr<std::string> {
          return holdfast::grpc::BodyOf(work(ticket, db));
        });
  };
}

class HoldfastPayments final : public Payments::Service {
 public:
  HoldfastPayments(const RunFiles& files, const FaultPoint& faults, holdfast::sqlite::Store& store,
                   holdfast::grpc::Guard guard)
      : files_(files), faults_(faults), store_(store), guard_(std::move(guard)) {}

  ::grpc::Status Charge(::grpc::ServerContext* context, const ChargeRequest* request,
                        ChargeReply* reply) override {
    return faults_.Around(*context, request->order(), [&](uint32_t arrival) {
      std::optional<int64_t> payment;  // stays empty if this is a duplicate
      const ::grpc::Status status =
          guard_.HandleWith(JoinedTo(store_), context, *request, reply, "charge", [&](sqlite3* db) {
            // The ledger row and the record of this key are committed together, or neither is.
            const auto added = AddPayment(db, request->order(), request->cents(), arrival);
            if (!added.ok()) return Failed(added.status());
            reply->set_payment(*added);
            payment = *added;
            return ::grpc::Status::OK;
          });
      if (!status.ok()) {
        files_.log.Note(request->order(), absl::StrCat("refused: ", status.error_message()));
      } else if (payment.has_value()) {
        Charged(files_, faults_, request->order(), *payment);
      } else {
        files_.board.counters().replays += 1;
        files_.log.Note(
            request->order(),
            absl::StrCat("a duplicate: replays the stored answer, ledger row ", reply->payment()));
      }
      return status;
    });
  }

 private:
  const RunFiles& files_;
  const FaultPoint& faults_;
  holdfast::sqlite::Store& store_;
  holdfast::grpc::Guard guard_;
};

absl::Status RunGuarded(const Settings& settings, const RunFiles& files, const FaultPoint& faults) {
  auto store = holdfast::sqlite::Store::Open({.path = settings.folder + "/payments.db"});
  if (!store.ok()) return store.status();
  if (absl::Status made = (*store)->Setup(CreatePayments); !made.ok()) return made;
  const auto guard = holdfast::grpc::Guard::Create({
      .space = "payments",
      // A charge is a row in this very file: a claim that outlived its process left nothing behind.
      .on_expiry = holdfast::OnExpiry::kTakeover,
      .lease = std::chrono::milliseconds(500),
      .max_wait = std::chrono::milliseconds(150),
      // A poisoned key would wait for an operator; here each attempt may be made again, so let it.
      .max_attempts = 100000,
  });
  if (!guard.ok()) return guard.status();
  HoldfastPayments service(files, faults, **store, *guard);
  return ServeUntilStopped(&service, settings.payment_port, Place::kPayment, files.board);
}

}  // namespace

absl::Status RunPayments(const Settings& settings) {
  BlockStopSignal();
  const absl::StatusOr<RunFiles> files = RunFiles::Open(settings, "payment");
  if (!files.ok()) return files.status();
  const FaultPoint faults(*files, Place::kPayment, settings.orders);
  return GuardsOf(settings.guards).idempotency ? RunGuarded(settings, *files, faults)
                                               : RunBare(settings, *files, faults);
}

}  // namespace checkout
