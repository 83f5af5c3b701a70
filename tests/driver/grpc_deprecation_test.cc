// SPDX-License-Identifier: Apache-2.0
// What a server says of its future, over a real connection.
#include <gtest/gtest.h>
#include <holdfast/grpc/deprecation.h>

#include <chrono>
#include <mutex>
#include <string>

#include "driver/grpc_loopback.h"

namespace holdfast::grpc {
namespace {

using std::chrono::sys_days;
using namespace std::chrono_literals;

constexpr Deprecation kOld{.from = sys_days{2026y / 1 / 1},
                           .sunset = sys_days{2026y / 7 / 1},
                           .migration = "https://acme.com/orders/v2"};

class GrpcDeprecation : public ::testing::Test {
 protected:
  // Has the server say it, in so many bytes of metadata.
  DeprecationReading Ask(const Deprecation& said = kOld, std::size_t room = kMetadataBudget) {
    {
      const std::lock_guard lock(mutex_);
      said_ = said;
      room_ = room;
    }
    context_.set_deadline(std::chrono::system_clock::now() + 30s);
    context_.set_wait_for_ready(true);
    test::ChargeReply reply;
    const ::grpc::Status status = stub_->Charge(&context_, RequestFor("order-7"), &reply);
    EXPECT_TRUE(status.ok()) << status.error_message();
    return ReadDeprecationTrailers(context_);
  }

  absl::Status Added() {
    const std::lock_guard lock(mutex_);
    return added_;
  }

  std::mutex mutex_;  // of what a thread of the server sees and tells
  Deprecation said_;
  std::size_t room_ = 0;
  absl::Status added_;
  PaymentService service_{
      [this](::grpc::ServerContext* context, const test::ChargeRequest&, test::ChargeReply*) {
        const std::lock_guard lock(mutex_);
        MetadataBudget budget(room_);
        added_ = AddDeprecationTrailers(*context, budget, said_);
        return ::grpc::Status::OK;
      }};
  Loopback loopback_{service_};
  const std::unique_ptr<test::Payment::Stub> stub_ = test::Payment::NewStub(loopback_.Open());
  ::grpc::ClientContext context_;
};

TEST_F(GrpcDeprecation, ClientReadsWhatTheServerSaid) {
  const DeprecationReading read = Ask();
  ASSERT_TRUE(Added().ok()) << Added();
  EXPECT_EQ(read.deprecation, kOld);
  EXPECT_EQ(read.passed_over, 0u);
}

TEST_F(GrpcDeprecation, TrailersHaveTheValuesOfTheHttpHeaders) {
  Ask();
  std::string said;
  for (const auto& [key, value] : context_.GetServerTrailingMetadata()) {
    said +=
        std::string(key.data(), key.size()) + ": " + std::string(value.data(), value.size()) + "\n";
  }
  EXPECT_EQ(said,
            "deprecation: @1767225600\n"
            "link: <https://acme.com/orders/v2>; rel=\"deprecation\"\n"
            "link: <https://acme.com/orders/v2>; rel=\"sunset\"\n"
            "sunset: Wed, 01 Jul 2026 00:00:00 GMT\n");
}

TEST_F(GrpcDeprecation, WithoutRoomForAllNoneIsSentAndTheAnswerIs) {
  EXPECT_EQ(Ask(kOld, 100).deprecation, Deprecation{});
  EXPECT_EQ(Added().code(), absl::StatusCode::kResourceExhausted);
}

TEST_F(GrpcDeprecation, ContradictionIsRefusedBeforeAnythingIsSent) {
  Deprecation said = kOld;
  said.sunset = sys_days{2025y / 7 / 1};
  EXPECT_EQ(Ask(said).deprecation, Deprecation{});
  EXPECT_EQ(Added().code(), absl::StatusCode::kInvalidArgument);
}

}  // namespace
}  // namespace holdfast::grpc
