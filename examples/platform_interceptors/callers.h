// SPDX-License-Identifier: Apache-2.0
// Callers of the three services: bare ones with plain stubs, whose every refusal is counted.
#ifndef HOLDFAST_EXAMPLES_PLATFORM_INTERCEPTORS_CALLERS_H_
#define HOLDFAST_EXAMPLES_PLATFORM_INTERCEPTORS_CALLERS_H_

#include <catalogue.grpc.pb.h>
#include <grpcpp/create_channel.h>
#include <holdfast/grpc/status.h>
#include <payment.grpc.pb.h>
#include <tracking.grpc.pb.h>

#include <array>
#include <chrono>
#include <memory>
#include <string>
#include <utility>

// What came of the calls of one service.
struct Row {
  const char* service;
  int calls = 0, served = 0, replayed = 0, shed = 0, killed = 0, drained = 0, other = 0;

  void Count(const grpc::Status& status, const grpc::ClientContext& context) {
    ++calls;
    const auto why = holdfast::grpc::RejectionOf(status);
    const hf_reason reason = why ? why->reason : HF_R_NONE;
    if (context.GetServerTrailingMetadata().count("holdfast-replayed") > 0) {
      ++replayed;
    } else if (status.ok()) {
      ++served;
    } else if (reason == HF_R_BULKHEAD_FULL || reason == HF_R_BULKHEAD_SHARE) {
      ++shed;
    } else if (reason == HF_R_KILLED) {
      ++killed;
    } else if (reason == HF_R_DRAINING) {
      ++drained;
    } else {
      ++other;
    }
  }
};

// A conversation that is under way: it has been answered once, so it holds a place.
class Conversation {
 public:
  explicit Conversation(logistics::Tracking::StubInterface& stub) {
    context_.set_deadline(std::chrono::system_clock::now() + std::chrono::seconds(20));
    context_.set_wait_for_ready(true);
    stream_ = stub.Follow(&context_);
    Ask();
  }
  // Whether one more question is answered.
  bool Ask() {
    logistics::Position position;
    return stream_->Write({}) && stream_->Read(&position);
  }
  grpc::Status End() {
    stream_->WritesDone();
    return stream_->Finish();
  }
  const grpc::ClientContext& context() const { return context_; }

 private:
  grpc::ClientContext context_;
  std::unique_ptr<grpc::ClientReaderWriterInterface<logistics::Ask, logistics::Position>> stream_;
};

class Callers {
 public:
  explicit Callers(const std::string& address)
      : channel_(grpc::CreateChannel(address, grpc::InsecureChannelCredentials())),
        payment_(shop::Payment::NewStub(channel_)),
        catalogue_(shop::catalogue::v2::Catalogue::NewStub(channel_)),
        tracking_(logistics::Tracking::NewStub(channel_)) {}

  grpc::Status Pay(const std::string& order, long long cents, shop::Receipt* receipt) {
    grpc::ClientContext context;
    Prepare(context);
    context.AddMetadata("idempotency-key", order);
    shop::Charge charge;
    charge.set_order(order);
    charge.set_cents(cents);
    return Counted(0, payment_->Pay(&context, charge, receipt), context);
  }
  grpc::Status Search(const char* criticality) {
    grpc::ClientContext context;
    Prepare(context);
    context.AddMetadata("holdfast-criticality", criticality);
    shop::catalogue::v2::Hits hits;
    return Counted(1, catalogue_->Search(&context, {}, &hits), context);
  }
  grpc::Status Follow() {
    Conversation conversation(*tracking_);
    return Counted(2, conversation.End(), conversation.context());
  }

  logistics::Tracking::Stub& tracking() { return *tracking_; }
  const std::array<Row, 3>& rows() const { return rows_; }
  grpc::Status Counted(int row, grpc::Status status, const grpc::ClientContext& context) {
    rows_[row].Count(status, context);
    return status;
  }

 private:
  static void Prepare(grpc::ClientContext& context) {
    context.set_deadline(std::chrono::system_clock::now() + std::chrono::seconds(20));
    context.set_wait_for_ready(true);
  }

  const std::shared_ptr<grpc::Channel> channel_;
  const std::unique_ptr<shop::Payment::Stub> payment_;
  const std::unique_ptr<shop::catalogue::v2::Catalogue::Stub> catalogue_;
  const std::unique_ptr<logistics::Tracking::Stub> tracking_;
  std::array<Row, 3> rows_{Row{"shop.Payment        blocking"}, Row{"shop.catalogue.v2   blocking"},
                           Row{"logistics.Tracking  callback"}};
};

#endif  // HOLDFAST_EXAMPLES_PLATFORM_INTERCEPTORS_CALLERS_H_
