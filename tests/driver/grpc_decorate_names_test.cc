// SPDX-License-Identifier: Apache-2.0
// What the plugin writes for names that are hard to get right compiles, is of the right types, and works.
#include <gtest/gtest.h>
#include <odd/names/odd.holdfast.pb.h>

#include <type_traits>

#include "driver/grpc_loopback.h"

namespace {

namespace odd_names = ::odd::grpc::holdfast;

static_assert(std::is_base_of_v<odd_names::First::Service, odd_names::FirstDecorated>);
static_assert(
    std::is_base_of_v<odd_names::First::CallbackService, odd_names::FirstCallbackDecorated>);
static_assert(std::is_base_of_v<odd_names::First::StubInterface, odd_names::FirstDecoratedStub>);
static_assert(std::is_base_of_v<odd_names::Second::Service, odd_names::SecondDecorated>);
static_assert(std::is_base_of_v<odd_names::Empty::Service, odd_names::EmptyDecorated>);
static_assert(!std::is_abstract_v<odd_names::EmptyDecoratedStub>);

class First final : public odd_names::First::Service {
 public:
  grpc::Status Nested(grpc::ServerContext*, const odd_names::Outer_class* in,
                      odd_names::Outer_class_union* out) override {
    *out = in->operator_();
    return grpc::Status::OK;
  }
};

TEST(GrpcDecorateNames, AMethodOfOddNamesIsServedAndCalled) {
  First inner;
  const auto guard = *holdfast::grpc::Guard::Create({});
  odd_names::FirstDecorated decorated(inner, guard);
  holdfast::grpc::Loopback loopback(decorated);
  odd_names::FirstDecoratedStub stub(odd_names::First::NewStub(loopback.Open()), {});
  grpc::ClientContext context;
  context.set_wait_for_ready(true);
  odd_names::Outer_class request;
  request.mutable_operator_()->set_delete_(7);
  odd_names::Outer_class_union reply;
  ASSERT_TRUE(stub.Nested(&context, request, &reply).ok());
  EXPECT_EQ(reply.delete_(), 7);
}

TEST(GrpcDecorateNames, ServicesWithoutMethodsAreServicesToo) {
  odd_names::Empty::Service inner;
  const auto guard = *holdfast::grpc::Guard::Create({});
  const odd_names::EmptyDecorated decorated(inner, guard);
  EXPECT_FALSE(decorated.has_synchronous_methods());
}

}  // namespace
