// SPDX-License-Identifier: Apache-2.0
// The order service: writes the order down, has it charged, confirms it. The same handler twice, without
// and with holdfast.
#include <absl/strings/str_cat.h>
#include <holdfast/grpc/client.h>
#include <holdfast/grpc/server.h>
#include <holdfast/sqlite/store.h>

#include <mutex>
#include <thread>

#include "books.h"
#include "checkout.grpc.pb.h"
#include "dependency.h"
#include "roles.h"

namespace checkout {
namespace {

using std::chrono::milliseconds;

::grpc::Status Failed(const absl::Status& status) {
  return ::grpc::Status(::grpc::StatusCode::UNAVAILABLE, std::string(status.message()));
}

// Called when the charge was answered: paid for, and not yet confirmed.
void Paid(const RunFiles& files, const FaultPoint& faults, uint32_t order) {
  faults.DieIfDue(order, files.board.counters().charges, "the order paid and not yet confirmed");
}

ChargeRequest ChargeFor(const PlaceOrderRequest& order) {
  ChargeRequest charge;
  charge.set_order(order.order());
  charge.set_cents(order.cents());
  return charge;
}

// --- plain gRPC --------------------------------------------------------------------------------------

class BareOrders final : public Orders::Service {
 public:
  BareOrders(const RunFiles& files, const FaultPoint& faults, Database db, int payment_port)
      : files_(files),
        faults_(faults),
        db_(std::move(db)),
        payments_(Payments::NewStub(PlainChannelTo(payment_port))) {}

  ::grpc::Status PlaceOrder(::grpc::ServerContext* context, const PlaceOrderRequest* request,
                            PlaceOrderReply* reply) override {
    return faults_.Around(*context, request->order(), [&](uint32_t) {
      absl::StatusOr<OrderState> state = Place(*request);
      if (!state.ok()) return Failed(state.status());
      reply->set_state(*state);
      return ::grpc::Status::OK;
    });
  }

 private:
  absl::StatusOr<OrderState> Place(const PlaceOrderRequest& request) {
    {
      const std::lock_guard lock(mutex_);
      const absl::StatusOr<OrderState> known = ReadOrderState(db_.get(), request.order());
      if (known.ok() && *known == CONFIRMED) return CONFIRMED;
      absl::Status added = AddOrder(db_.get(), request.order(), request.cents());
      if (!added.ok()) return added;
    }
    const OrderState state = Charge(ChargeFor(request)) ? CONFIRMED : FAILED;
    files_.log.Note(request.order(), state == CONFIRMED ? "confirmed" : "gave up: failed");
    const std::lock_guard lock(mutex_);
    if (absl::Status set = SetOrderState(db_.get(), request.order(), state); !set.ok()) return set;
    return state;
  }

  // Three tries and a pause, as it is written every day.
  bool Charge(const ChargeRequest& request) {
    for (int attempt = 1; attempt <= 3; ++attempt) {
      ::grpc::ClientContext context;
      context.set_deadline(std::chrono::system_clock::now() + kChargeTimeout);
      ChargeReply reply;
      files_.board.counters().charge_attempts += 1;
      const ::grpc::Status status = payments_->Charge(&context, request, &reply);
      if (status.ok()) {
        Paid(files_, faults_, request.order());
        return true;
      }
      files_.board.counters().charge_failures += 1;
      files_.log.Note(request.order(), absl::StrCat("charge attempt ", attempt, ": ",
                                                    Brief(status.error_message())));
      std::this_thread::sleep_for(milliseconds(50));
    }
    return false;
  }

  const RunFiles& files_;
  const FaultPoint& faults_;
  std::mutex mutex_;
  Database db_;
  std::unique_ptr<Payments::Stub> payments_;
};

absl::Status RunBare(const Settings& settings, const RunFiles& files, const FaultPoint& faults) {
  absl::StatusOr<Database> db = OpenDatabase(settings.folder + "/orders.db");
  if (!db.ok()) return db.status();
  if (absl::Status made = CreateOrders(db->get()); !made.ok()) return made;
  BareOrders service(files, faults, *std::move(db), settings.payment_port);
  return ServeUntilStopped(&service, settings.order_port, Place::kOrder, files.board);
}

// --- with holdfast -----------------------------------------------------------------------------------

class HoldfastOrders final : public Orders::Service {
 public:
  HoldfastOrders(const RunFiles& files, const FaultPoint& faults, holdfast::sqlite::Store& store,
                 holdfast::grpc::Guard guard, holdfast::Pipeline pipeline, bool idempotency,
                 int payment_port)
      : files_(files),
        faults_(faults),
        store_(store),
        guard_(std::move(guard)),
        pipeline_(std::move(pipeline)),
        idempotency_(idempotency),
        payments_(Payments::NewStub(ChannelTo(payment_port))) {}

  ::grpc::Status PlaceOrder(::grpc::ServerContext* context, const PlaceOrderRequest* request,
                            PlaceOrderReply* reply) override {
    return faults_.Around(*context, request->order(), [&](uint32_t) {
      bool worked = false;
      const ::grpc::Status status =
          guard_.Handle(context, *request, reply, "place", [&](holdfast::grpc::ServerCall& call) {
            worked = true;
            return Place(call, *request, reply);
          });
      if (status.ok() && !worked) {
        files_.board.counters().replays += 1;
        files_.log.Note(request->order(), "a duplicate: replays the stored answer");
      } else if (!status.ok()) {
        files_.log.Note(request->order(),
                        absl::StrCat("no answer yet: ", Brief(status.error_message())));
      }
      return status;
    });
  }

 private:
  // Runs again from the top if it fails or dies half-way, so each step may be repeated: the rows by
  // themselves, the charge by its own key.
  ::grpc::Status Place(holdfast::grpc::ServerCall& call, const PlaceOrderRequest& request,
                       PlaceOrderReply* reply) {
    const absl::Status added =
        store_.Setup([&](sqlite3* db) { return AddOrder(db, request.order(), request.cents()); });
    if (!added.ok()) return Failed(added);

    const std::string key = idempotency_ ? call.ticket()->DownstreamKey("charge") : "";
    if (::grpc::Status charged = Charge(ChargeFor(request), key); !charged.ok()) return charged;
    Paid(files_, faults_, request.order());

    const absl::Status confirmed =
        store_.Setup([&](sqlite3* db) { return SetOrderState(db, request.order(), CONFIRMED); });
    if (!confirmed.ok()) return Failed(confirmed);
    files_.log.Note(request.order(), "confirmed");
    reply->set_state(CONFIRMED);
    return ::grpc::Status::OK;
  }

  ::grpc::Status Charge(const ChargeRequest& request, const std::string& key) {
    ChargeReply reply;
    holdfast::CallReport report;
    const ::grpc::Status status = holdfast::grpc::Unary(
        pipeline_, {.call = {.idempotent = true, .report = &report}, .idempotency_key = key},
        [&](::grpc::ClientContext& context, holdfast::Attempt& attempt) {
          files_.board.counters().charge_attempts += 1;
          const ::grpc::Status answer = payments_->Charge(&context, request, &reply);
          if (!answer.ok()) {
            files_.board.counters().charge_failures += 1;
            files_.log.Note(request.order(), absl::StrCat("charge attempt ", attempt.number(), ": ",
                                                          Brief(answer.error_message())));
          }
          return answer;
        });
    NoteReport(files_, request.order(), report);
    return status;
  }

  const RunFiles& files_;
  const FaultPoint& faults_;
  holdfast::sqlite::Store& store_;
  holdfast::grpc::Guard guard_;
  holdfast::Pipeline pipeline_;
  bool idempotency_;
  std::unique_ptr<Payments::Stub> payments_;
};

absl::Status RunGuarded(const Settings& settings, const RunFiles& files, const FaultPoint& faults) {
  const Guards guards = GuardsOf(settings.guards);
  auto store = holdfast::sqlite::Store::Open({.path = settings.folder + "/orders.db"});
  if (!store.ok()) return store.status();
  if (absl::Status made = (*store)->Setup(CreateOrders); !made.ok()) return made;
  const auto guard = holdfast::grpc::Guard::Create({
      .store = guards.idempotency ? store->get() : nullptr,
      .space = "orders",
      // All that the work does is idempotent downstream.
      .on_expiry = holdfast::OnExpiry::kTakeover,
      .lease = milliseconds(1000),
      .max_wait = milliseconds(500),
      // A poisoned key would wait for an operator; here each attempt may be made again, so let it.
      .max_attempts = 100000,
  });
  if (!guard.ok()) return guard.status();
  const auto pipeline = MakePipeline(guards, kChargeTimeout, 4 * kChargeTimeout);
  if (!pipeline.ok()) return pipeline.status();
  HoldfastOrders service(files, faults, **store, *guard, *pipeline, guards.idempotency,
                         settings.payment_port);
  return ServeUntilStopped(&service, settings.order_port, Place::kOrder, files.board);
}

}  // namespace

absl::Status RunOrders(const Settings& settings) {
  BlockStopSignal();
  const absl::StatusOr<RunFiles> files = RunFiles::Open(settings, "order");
  if (!files.ok()) return files.status();
  const FaultPoint faults(*files, Place::kOrder, settings.orders);
  return GuardsOf(settings.guards).holdfast ? RunGuarded(settings, *files, faults)
                                            : RunBare(settings, *files, faults);
}

}  // namespace checkout
