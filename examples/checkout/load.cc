// SPDX-License-Identifier: Apache-2.0
// The load client: shoppers that place one order after the other, and send again what was never
// answered. Without holdfast it has the usual retry loop, with it a pipeline and an idempotency key.
#include <absl/strings/str_cat.h>
#include <holdfast/context.h>
#include <holdfast/grpc/client.h>

#include <atomic>
#include <memory>
#include <thread>
#include <vector>

#include "checkout.grpc.pb.h"
#include "dependency.h"
#include "roles.h"
#include "tally.h"

namespace checkout {
namespace {

// A shopper who got no answer looks at the spinner for a moment, and presses the button again.
constexpr std::chrono::milliseconds kSpinner{60};
constexpr int kPatience = 5000;  // a run that is stuck is ended by the supervisor long before

// Places one order by however many attempts its client thinks wise.
class Shop {
 public:
  virtual ~Shop() = default;
  virtual absl::StatusOr<OrderState> Place(const PlaceOrderRequest& request) = 0;
  // What follows the order through all processes; empty: nothing.
  virtual holdfast::Context Story(uint32_t order) = 0;
};

class BareShop final : public Shop {
 public:
  BareShop(const RunFiles& files, int port)
      : files_(files), orders_(Orders::NewStub(PlainChannelTo(port))) {}

  absl::StatusOr<OrderState> Place(const PlaceOrderRequest& request) override {
    ::grpc::Status status;
    for (int attempt = 1; attempt <= 3; ++attempt) {
      ::grpc::ClientContext context;
      context.set_deadline(std::chrono::system_clock::now() + kPlaceTimeout);
      PlaceOrderReply reply;
      files_.board.counters().place_attempts += 1;
      status = orders_->PlaceOrder(&context, request, &reply);
      if (status.ok()) return reply.state();
      files_.log.Note(request.order(),
                      absl::StrCat("attempt ", attempt, ": ", Brief(status.error_message())));
      std::this_thread::sleep_for(std::chrono::milliseconds(50));
    }
    return absl::UnavailableError(status.error_message());
  }

  holdfast::Context Story(uint32_t) override { return {}; }

 private:
  const RunFiles& files_;
  std::unique_ptr<Orders::Stub> orders_;
};

class HoldfastShop final : public Shop {
 public:
  HoldfastShop(const RunFiles& files, holdfast::Pipeline pipeline, int port)
      : files_(files), pipeline_(std::move(pipeline)), orders_(Orders::NewStub(ChannelTo(port))) {}

  absl::StatusOr<OrderState> Place(const PlaceOrderRequest& request) override {
    // The same for every attempt, and for every press of the button.
    const std::string key = absl::StrCat("order-", request.order());
    PlaceOrderReply reply;
    holdfast::CallReport report;
    const ::grpc::Status status = holdfast::grpc::Unary(
        pipeline_, {.call = {.report = &report}, .idempotency_key = key},
        [&](::grpc::ClientContext& context, holdfast::Attempt& attempt) {
          files_.board.counters().place_attempts += 1;
          const ::grpc::Status answer = orders_->PlaceOrder(&context, request, &reply);
          if (!answer.ok()) {
            files_.log.Note(request.order(), absl::StrCat("attempt ", attempt.number(), ": ",
                                                          Brief(answer.error_message())));
          }
          return answer;
        });
    NoteReport(files_, request.order(), report);
    if (!status.ok()) return holdfast::grpc::ToAbsl(status);
    return reply.state();
  }

  holdfast::Context Story(uint32_t order) override {
    const std::string id = absl::StrCat("order-", order, "-", absl::Hex(holdfast::FreshSeed()));
    const auto story = holdfast::Context::Start({.correlation_id = id});
    return story.ok() ? *story : holdfast::Context();
  }

 private:
  const RunFiles& files_;
  holdfast::Pipeline pipeline_;
  std::unique_ptr<Orders::Stub> orders_;
};

OrderState PlaceUntilAnswered(Shop& shop, const RunFiles& files, const PlaceOrderRequest& request) {
  for (int press = 1; press <= kPatience; ++press) {
    files.log.Note(request.order(),
                   press == 1 ? "places the order" : "no answer: sends the same order again");
    const absl::StatusOr<OrderState> state = shop.Place(request);
    if (state.ok()) return *state;
    std::this_thread::sleep_for(kSpinner);
  }
  return PENDING;
}

Answer PlaceOne(Shop& shop, const RunFiles& files, uint32_t order) {
  PlaceOrderRequest request;
  request.set_order(order);
  request.set_cents(files.plan.Cents(order));
  const holdfast::Context story = shop.Story(order);
  const holdfast::ScopedContext attached(story);
  const auto start = std::chrono::steady_clock::now();
  std::thread twin;
  if (files.plan.SentTwice(order)) {
    files.log.Fault(order, "FAULT: the order is sent twice at once");
    twin = std::thread([&] {
      const holdfast::ScopedContext taken_along(story);
      PlaceUntilAnswered(shop, files, request);
    });
  }
  const OrderState state = PlaceUntilAnswered(shop, files, request);
  const std::chrono::duration<double, std::milli> took = std::chrono::steady_clock::now() - start;
  files.log.Note(order, absl::StrCat("told: ", OrderState_Name(state)));
  if (twin.joinable()) twin.join();
  return {.order = order, .state = state, .milliseconds = took.count()};
}

absl::StatusOr<std::unique_ptr<Shop>> OpenShop(const Settings& settings, const RunFiles& files) {
  const Guards guards = GuardsOf(settings.guards);
  if (!guards.holdfast) return std::make_unique<BareShop>(files, settings.order_port);
  auto pipeline = MakePipeline(guards, kPlaceTimeout, 4 * kPlaceTimeout);
  if (!pipeline.ok()) return pipeline.status();
  return std::make_unique<HoldfastShop>(files, *std::move(pipeline), settings.order_port);
}

}  // namespace

absl::Status RunLoad(const Settings& settings) {
  const absl::StatusOr<RunFiles> files = RunFiles::Open(settings, "client");
  if (!files.ok()) return files.status();
  const absl::StatusOr<std::unique_ptr<Shop>> shop = OpenShop(settings, *files);
  if (!shop.ok()) return shop.status();

  std::vector<Answer> answers(settings.orders);
  std::atomic<uint32_t> next{0};
  std::vector<std::thread> shoppers;
  for (int i = 0; i < kShoppers; ++i) {
    shoppers.emplace_back([&] {
      for (uint32_t index; (index = next.fetch_add(1)) < settings.orders;) {
        answers[index] = PlaceOne(**shop, *files, index + 1);
        files->board.counters().orders_done += 1;
      }
    });
  }
  for (std::thread& shopper : shoppers) shopper.join();
  return WriteAnswers(settings.folder, answers);
}

}  // namespace checkout
