// SPDX-License-Identifier: Apache-2.0
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <map>
#include <set>

#include "adapters/contract/buf_rule.h"
#include "contract/buf_judge.h"

namespace holdfast {
namespace {

using contract::Authority;
using contract_test::FiresIn;
using contract_test::kEvery;
using contract_test::kNowhere;
using contract_test::kSources;
using contract_test::Objections;
using contract_test::Proto3;
using ::testing::ElementsAre;
using ::testing::IsEmpty;

std::string Service(std::string_view methods) {
  return Proto3("message A {} message B {} service S { " + std::string(methods) + " }");
}

TEST(BufServiceRules, MethodThatIsGone) {
  constexpr auto kRule = "RPC_NO_DELETE";
  EXPECT_EQ(FiresIn(kRule, Service("rpc Do(A) returns (B);"), Service("")), kSources);
  EXPECT_EQ(FiresIn(kRule, Service("rpc Do(A) returns (B);"), Service("rpc Did(A) returns (B);")),
            kSources);
  EXPECT_EQ(FiresIn(kRule, Service("rpc Do(A) returns (B);"), Service("rpc Do(B) returns (A);")),
            kNowhere);
  EXPECT_EQ(FiresIn(kRule, Service("rpc Do(A) returns (B);"), Proto3("")), kNowhere);
}

TEST(BufServiceRules, RequestAndResponse) {
  const std::string older = Service("rpc Do(A) returns (B);");
  const std::string request = Service("rpc Do(B) returns (B);");
  const std::string response = Service("rpc Do(A) returns (A);");
  EXPECT_EQ(FiresIn("RPC_SAME_REQUEST_TYPE", older, request), kEvery);
  EXPECT_EQ(FiresIn("RPC_SAME_REQUEST_TYPE", older, response), kNowhere);
  EXPECT_EQ(FiresIn("RPC_SAME_RESPONSE_TYPE", older, response), kEvery);
  EXPECT_EQ(FiresIn("RPC_SAME_RESPONSE_TYPE", older, request), kNowhere);
}

TEST(BufServiceRules, Streaming) {
  const std::string older = Service("rpc Do(A) returns (B);");
  const std::string client = Service("rpc Do(stream A) returns (B);");
  const std::string server = Service("rpc Do(A) returns (stream B);");
  EXPECT_EQ(FiresIn("RPC_SAME_CLIENT_STREAMING", older, client), kEvery);
  EXPECT_EQ(FiresIn("RPC_SAME_CLIENT_STREAMING", client, older), kEvery);
  EXPECT_EQ(FiresIn("RPC_SAME_CLIENT_STREAMING", older, server), kNowhere);
  EXPECT_EQ(FiresIn("RPC_SAME_SERVER_STREAMING", older, server), kEvery);
  EXPECT_EQ(FiresIn("RPC_SAME_SERVER_STREAMING", older, client), kNowhere);
}

TEST(BufServiceRules, IdempotencyLevel) {
  constexpr auto kRule = "RPC_SAME_IDEMPOTENCY_LEVEL";
  const auto with = [](std::string_view level) {
    return Service("rpc Do(A) returns (B) { option idempotency_level = " + std::string(level) +
                   "; }");
  };
  const std::string none = Service("rpc Do(A) returns (B);");
  EXPECT_EQ(FiresIn(kRule, none, with("IDEMPOTENT")), kEvery);
  EXPECT_EQ(FiresIn(kRule, with("NO_SIDE_EFFECTS"), with("IDEMPOTENT")), kEvery);
  EXPECT_EQ(FiresIn(kRule, none, with("IDEMPOTENCY_UNKNOWN")), kNowhere);
}

TEST(BufServiceRules, SayWhatTheValueWasAndIs) {
  EXPECT_THAT(
      Objections(Authority::kBufWire, Service("rpc Do(A) returns (B);"),
                 Service("rpc Do(stream B) returns (B);")),
      ElementsAre("RPC_SAME_CLIENT_STREAMING p.S.Do test.proto:1:69: the request: single "
                  "message became stream",
                  "RPC_SAME_REQUEST_TYPE p.S.Do test.proto:1:69: the request: p.A became p.B"));
}

// ---- all rules together ----

template <class Subject>
void Count(contract::buf::Rules<Subject> rules,
           std::map<unsigned, std::set<std::string_view>>* of) {
  for (const auto& rule : rules) {
    for (unsigned category = 1; category <= contract::buf::kFile; category *= 2) {
      if ((rule.categories & category) == 0) continue;
      EXPECT_TRUE((*of)[category].insert(rule.id).second) << rule.id << " is in the table twice";
    }
  }
}

TEST(BufRules, AreAsManyAsBufHas) {
  std::map<unsigned, std::set<std::string_view>> of;
  Count(contract::buf::FieldRules(), &of);
  Count(contract::buf::FieldTypeRules(), &of);
  Count(contract::buf::EnumRules(), &of);
  Count(contract::buf::MessageRules(), &of);
  Count(contract::buf::FileRules(), &of);
  Count(contract::buf::FileSetRules(), &of);
  Count(contract::buf::ServiceRules(), &of);
  Count(contract::buf::MethodRules(), &of);
  EXPECT_EQ(of[contract::buf::kWire].size(), 15u);
  EXPECT_EQ(of[contract::buf::kWireJson].size(), 22u);
  EXPECT_EQ(of[contract::buf::kPackage].size(), 51u);
  EXPECT_EQ(of[contract::buf::kFile].size(), 51u);
}

TEST(BufRules, FindWhatMovedToAnotherFile) {
  using contract_test::Files;
  const Files older = {{"a.proto", Proto3("message M { int32 a = 1; }")}};
  const Files newer = {{"b.proto", Proto3("message M { string a = 1; }")}};
  EXPECT_THAT(
      Objections(Authority::kBufWire, older, newer),
      ElementsAre("FIELD_WIRE_COMPATIBLE_TYPE p.M.a b.proto:1:43: the type of field 1: int32 "
                  "became string"));
}

TEST(BufRules, TakeExtensionsByWhatTheyExtend) {
  const auto extension = [](std::string_view name, std::string_view type) {
    return contract_test::Proto2("message M { extensions 1 to 9; } extend M { optional " +
                                 std::string(type) + " " + std::string(name) + " = 1; }");
  };
  EXPECT_THAT(
      Objections(Authority::kBufWire, extension("a", "int32"), extension("b", "string")),
      ElementsAre("FIELD_WIRE_COMPATIBLE_TYPE p.b test.proto:1:75: the type of field 1: int32 "
                  "became string"));
  EXPECT_THAT(Objections(Authority::kBufWire, extension("a", "int32"), extension("a", "uint32")),
              IsEmpty());
  const std::string other = contract_test::Proto2(
      "message M {} message N { extensions 1 to 9; }"
      " extend N { optional string a = 1; }");
  EXPECT_THAT(Objections(Authority::kBufWire, extension("a", "int32"), other), IsEmpty());
  const std::string none = contract_test::Proto2("");
  EXPECT_THAT(Objections(Authority::kBufWire, extension("a", "int32"), none), IsEmpty());
}

TEST(BufRules, SayNothingOfWhatIsOnlyAdded) {
  const std::string older = Proto3("message M { int32 a = 1; } enum E { Z = 0; }");
  const std::string newer = Proto3(
      "message M { int32 a = 1; string b = 2; oneof o { bool c = 3; } map<int32, M> d = 4; } "
      "enum E { Z = 0; A = 1; } message N {} service S { rpc Do(M) returns (N); }");
  for (const Authority category : {Authority::kBufWire, Authority::kBufWireJson,
                                   Authority::kBufPackage, Authority::kBufFile}) {
    EXPECT_THAT(Objections(category, older, newer), IsEmpty());
  }
}

}  // namespace
}  // namespace holdfast
