// SPDX-License-Identifier: Apache-2.0
// What the platform team writes, once for all services: limits, keys, switches; one line per service and stub.
#ifndef HOLDFAST_EXAMPLES_PLATFORM_INTERCEPTORS_PLATFORM_H_
#define HOLDFAST_EXAMPLES_PLATFORM_INTERCEPTORS_PLATFORM_H_

#include <catalogue.holdfast.pb.h>
#include <grpcpp/server.h>
#include <grpcpp/server_builder.h>
#include <holdfast/grpc/channel.h>
#include <holdfast/grpc/server.h>
#include <holdfast/grpc/server_metadata.h>
#include <holdfast/holdfast.h>
#include <payment.holdfast.pb.h>
#include <tracking.holdfast.pb.h>

#include <chrono>
#include <memory>
#include <string>

#include "services.h"

// The same for every service of the company.
struct Policy {
  static constexpr unsigned kPlaces = 4;  // small, so that the demonstration fills it

  holdfast::KillSwitch kill_switch = holdfast::KillSwitch::Create().value();
  std::unique_ptr<holdfast::memory::Store> records = holdfast::memory::Store::Create().value();
  holdfast::Bulkhead places =
      holdfast::Bulkhead::Create({.limit = kPlaces, .criticality_share = {1, 1, 0.75, 0.5}})
          .value();
  holdfast::grpc::Guard guard =
      holdfast::grpc::Guard::Create({.bulkhead = places,
                                     .store = records.get(),
                                     .space = "shop",
                                     .retry_after = std::chrono::milliseconds(20),
                                     .kill_switch = kill_switch})
          .value();
  holdfast::Pipeline pipeline =
      holdfast::Pipeline::Create(
          {.retry = holdfast::RetryPolicy::Create({.max_attempts = 4}).value(),
           .budget = holdfast::RetryBudget::Create().value()})
          .value();
};

// The teams' services behind the policy, on one server.
class PlatformServer {
 public:
  explicit PlatformServer(const Policy& policy)
      : payment_(payments_, policy.guard),
        catalogue_(books_, policy.guard),
        tracking_(parcels_, policy.guard) {
    grpc::ServerBuilder builder;
    builder.AddListeningPort("127.0.0.1:0", grpc::InsecureServerCredentials(), &port_);
    for (grpc::Service* service :
         std::initializer_list<grpc::Service*>{&payment_, &catalogue_, &tracking_}) {
      builder.RegisterService(service);
    }
    holdfast::grpc::KeepMetadataLegal(builder);
    server_ = builder.BuildAndStart();
  }
  ~PlatformServer() {
    if (server_ != nullptr) server_->Shutdown(std::chrono::system_clock::now());
  }

  bool up() const { return server_ != nullptr; }
  std::string address() const { return "127.0.0.1:" + std::to_string(port_); }
  const Payments& payments() const { return payments_; }

 private:
  Payments payments_;
  Books books_;
  Parcels parcels_;
  shop::PaymentDecorated payment_;
  shop::catalogue::v2::CatalogueDecorated catalogue_;
  logistics::TrackingCallbackDecorated tracking_;
  int port_ = 0;
  std::unique_ptr<grpc::Server> server_;
};

// The teams' stubs behind the policy.
struct PlatformStubs {
  PlatformStubs(const std::shared_ptr<grpc::Channel>& channel, const Policy& policy)
      : payment(shop::Payment::NewStub(channel), {.pipeline = policy.pipeline}),
        catalogue(shop::catalogue::v2::Catalogue::NewStub(channel), {.pipeline = policy.pipeline}),
        tracking(logistics::Tracking::NewStub(channel), {.pipeline = policy.pipeline}) {}

  shop::PaymentDecoratedStub payment;
  shop::catalogue::v2::CatalogueDecoratedStub catalogue;
  logistics::TrackingDecoratedStub tracking;
};

#endif  // HOLDFAST_EXAMPLES_PLATFORM_INTERCEPTORS_PLATFORM_H_
