// SPDX-License-Identifier: Apache-2.0
// Three services of three teams, who have never heard of holdfast. Nothing here is changed for it.
#ifndef HOLDFAST_EXAMPLES_PLATFORM_INTERCEPTORS_SERVICES_H_
#define HOLDFAST_EXAMPLES_PLATFORM_INTERCEPTORS_SERVICES_H_

#include <catalogue.grpc.pb.h>
#include <payment.grpc.pb.h>
#include <tracking.grpc.pb.h>

#include <atomic>
#include <string>

class Payments final : public shop::Payment::Service {
 public:
  grpc::Status Pay(grpc::ServerContext* context, const shop::Charge* charge,
                   shop::Receipt* receipt) override {
    if (charge->cents() > 100'000) {
      return {grpc::StatusCode::FAILED_PRECONDITION, "above the card's limit"};
    }
    charged_ += charge->cents();
    receipt->set_number("R-" + std::to_string(++receipts_));
    receipt->set_thanks("thank you for " + charge->order());
    // Somebody wrote this years ago; gRPC aborts the process for it.
    context->AddTrailingMetadata("Shop-Motto", "caf\xc3\xa9 inclus\n");
    return grpc::Status::OK;
  }

  long long charged() const { return charged_; }

 private:
  std::atomic<long long> charged_{0};
  std::atomic<int> receipts_{0};
};

class Books final : public shop::catalogue::v2::Catalogue::Service {
 public:
  grpc::Status Search(grpc::ServerContext*, const shop::catalogue::v2::Query* query,
                      shop::catalogue::v2::Hits* hits) override {
    hits->add_titles(query->text() + " for beginners");
    return grpc::Status::OK;
  }
  grpc::Status Suggest(grpc::ServerContext*, const shop::catalogue::v2::Query* query,
                       shop::catalogue::v2::Hits* hits) override {
    hits->add_titles("you may also like " + query->text());
    return grpc::Status::OK;
  }
};

class Parcels final : public logistics::Tracking::CallbackService {
 public:
  grpc::ServerBidiReactor<logistics::Ask, logistics::Position>* Follow(
      grpc::CallbackServerContext*) override {
    return new Conversation;
  }

 private:
  class Conversation final : public grpc::ServerBidiReactor<logistics::Ask, logistics::Position> {
   public:
    Conversation() { StartRead(&ask_); }
    void OnReadDone(bool ok) override {
      if (!ok) return Finish(grpc::Status::OK);
      position_.set_parcel(ask_.parcel());
      position_.set_stop(position_.stop() + 1);
      StartWrite(&position_);
    }
    void OnWriteDone(bool) override { StartRead(&ask_); }
    void OnDone() override { delete this; }

   private:
    logistics::Ask ask_;
    logistics::Position position_;
  };
};

#endif  // HOLDFAST_EXAMPLES_PLATFORM_INTERCEPTORS_SERVICES_H_
