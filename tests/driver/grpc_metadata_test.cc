// SPDX-License-Identifier: Apache-2.0
// The metadata guard. gRPC aborts the process on what it refuses, so every case here is also a case in
// which an unguarded insert would have killed this test.
#include <gmock/gmock.h>
#include <grpcpp/client_context.h>
#include <gtest/gtest.h>
#include <holdfast/grpc/metadata.h>
#include <holdfast/status.h>

#include <random>
#include <string>

namespace holdfast::grpc {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;

absl::StatusCode CodeOf(std::string_view key, std::string_view value) {
  return CheckMetadata(key, value).code();
}

TEST(GrpcMetadata, LegalEntriesPass) {
  EXPECT_TRUE(CheckMetadata("x-correlation-id", "order-17").ok());
  EXPECT_TRUE(CheckMetadata("a.b_c-9", "").ok());
  EXPECT_TRUE(CheckMetadata("k", " !\"#$%&'()*+,-./:;<=>?@[\\]^_`{|}~").ok());
}

TEST(GrpcMetadata, EveryIllegalKeyByteIsRefused) {
  for (int byte = 0; byte < 256; ++byte) {
    const std::string key = {'k', static_cast<char>(byte)};
    const bool legal = (byte >= '0' && byte <= '9') || (byte >= 'a' && byte <= 'z') ||
                       byte == '_' || byte == '.' || byte == '-';
    EXPECT_EQ(CheckMetadata(key, "v").ok(), legal) << byte;
  }
  EXPECT_EQ(CodeOf("", "v"), absl::StatusCode::kInvalidArgument);
  EXPECT_TRUE(CheckMetadata(std::string(255, 'k'), "v").ok());
  EXPECT_EQ(CodeOf(std::string(256, 'k'), "v"), absl::StatusCode::kInvalidArgument);
}

TEST(GrpcMetadata, EveryIllegalValueByteIsRefused) {
  for (int byte = 0; byte < 256; ++byte) {
    const std::string value = {'v', static_cast<char>(byte)};
    EXPECT_EQ(CheckMetadata("k", value).ok(), byte >= 0x20 && byte <= 0x7E) << byte;
    EXPECT_TRUE(CheckMetadata("k-bin", value).ok()) << byte;
  }
}

// Values are looked at eight bytes at a time.
TEST(GrpcMetadata, AnIllegalByteIsFoundAnywhereInALongValue) {
  for (std::size_t at = 0; at < 21; ++at) {
    for (int byte = 0; byte < 256; ++byte) {
      for (const char around : {' ', 'v', '~'}) {
        std::string value(21, around);
        value[at] = static_cast<char>(byte);
        const bool legal = byte >= 0x20 && byte <= 0x7E;
        ASSERT_EQ(CheckMetadata("k", value).ok(), legal) << byte << " at " << at;
      }
    }
  }
}

TEST(GrpcMetadata, ReservedNamesAreRefusedThoughLegalOnTheWire) {
  for (const char* key : {"grpc-timeout", "grpc-", "te", "content-type", "user-agent", "host"}) {
    EXPECT_EQ(CodeOf(key, "1"), absl::StatusCode::kInvalidArgument) << key;
  }
  for (const char* key : {"grpc-status", "grpc-", "te", "content-type", "user-agent", "host"}) {
    EXPECT_TRUE(CheckWireLegal(key, "1").ok()) << key;
  }
  for (const char* key : {"grpc-timeout", "grpclb_client_stats"}) {
    EXPECT_FALSE(CheckWireLegal(key, "1").ok()) << key << " aborts gRPC";
  }
  EXPECT_TRUE(CheckMetadata("grpcx", "1").ok());
}

TEST(GrpcMetadata, TheErrorNamesKeyAndByteButNeverTheValue) {
  const absl::Status status = CheckMetadata("Bad\nKey", "secret");
  EXPECT_THAT(std::string(status.message()), HasSubstr("Bad%0AKey"));
  EXPECT_THAT(std::string(status.message()), HasSubstr("byte 0"));
  EXPECT_EQ(RejectionOf(status)->reason, HF_R_MALFORMED);
  const absl::Status value = CheckMetadata("token", "secret\x01");
  EXPECT_THAT(std::string(value.message()), HasSubstr("byte 6"));
  EXPECT_THAT(std::string(value.message()), Not(HasSubstr("secret")));
}

TEST(GrpcMetadata, TheBudgetCountsAsHttp2Does) {
  MetadataBudget budget(100);
  EXPECT_TRUE(budget.Take("key", "value").ok());  // 3 + 5 + 32
  EXPECT_EQ(budget.left(), 60u);
  const absl::Status over = budget.Take("k", std::string(28, 'v'));  // 61
  EXPECT_EQ(over.code(), absl::StatusCode::kResourceExhausted);
  EXPECT_EQ(budget.left(), 60u);
  EXPECT_TRUE(budget.Take("k", std::string(27, 'v')).ok());
  EXPECT_EQ(budget.left(), 0u);
}

TEST(GrpcMetadata, BinaryValuesCountAsBase64) {
  MetadataBudget budget(1000);
  EXPECT_TRUE(budget.Take("a-bin", std::string(4, '\0')).ok());  // 5 + 8 + 32
  EXPECT_EQ(budget.left(), 955u);
}

TEST(GrpcMetadata, AnEightKibibyteValueIsAnErrorAndNothingIsAdded) {
  ::grpc::ClientContext context;
  const absl::Status status = AddMetadata(context, "baggage", std::string(8192, 'b'));
  EXPECT_EQ(status.code(), absl::StatusCode::kResourceExhausted);
  EXPECT_EQ(AddMetadata(context, "X-Upper", "v").code(), absl::StatusCode::kInvalidArgument);
  EXPECT_EQ(AddMetadata(context, "k", "Am\xC3\xA9lie").code(), absl::StatusCode::kInvalidArgument);
}

TEST(GrpcMetadata, AnyTextSurvivesEncoding) {
  EXPECT_EQ(EncodeText("Am\xC3\xA9lie"), "Am%C3%A9lie");
  EXPECT_EQ(EncodeText(" a b "), "%20a b%20");
  EXPECT_EQ(EncodeText("100%"), "100%25");
  EXPECT_EQ(EncodeText(" "), "%20");
  std::mt19937 random(20260711);
  for (int round = 0; round < 500; ++round) {
    std::string text(random() % 40, '\0');
    for (char& byte : text) byte = static_cast<char>(random());
    const std::string value = EncodeText(text);
    EXPECT_TRUE(CheckMetadata("k", value).ok());
    EXPECT_EQ(*DecodeText(value), text);
  }
}

TEST(GrpcMetadata, BadEscapesAreRefused) {
  for (const char* value : {"%", "%4", "a%", "%zz", "%4z", "ok%2"}) {
    EXPECT_EQ(DecodeText(value).status().code(), absl::StatusCode::kInvalidArgument) << value;
  }
  EXPECT_EQ(*DecodeText("%41%61"), "Aa");
}

}  // namespace
}  // namespace holdfast::grpc
