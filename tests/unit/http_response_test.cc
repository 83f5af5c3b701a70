// SPDX-License-Identifier: Apache-2.0
// A stored response: what goes in comes out, and no bytes of others become fields or memory.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <holdfast/http_response.h>

#include <string>
#include <string_view>

namespace holdfast {
namespace {

TEST(HttpResponse, ReadsAsItWasWritten) {
  std::string every_byte(256, '\0');
  for (size_t i = 0; i < every_byte.size(); ++i) every_byte[i] = static_cast<char>(i);
  for (const HttpResponse& response :
       {HttpResponse{}, HttpResponse{.status = 599, .body = every_byte},
        HttpResponse{
            .status = 201,
            .fields = {{"Content-Type", "application/json"}, {"Location", "/p/1"}, {"X", ""}},
            .body = "{}"},
        HttpResponse{.fields = std::vector<HttpField>(64, {"a", std::string(16384, 'v')})}}) {
    const auto bytes = EncodeHttpResponse(response);
    ASSERT_TRUE(bytes.ok()) << bytes.status();
    EXPECT_EQ(DecodeHttpResponse(*bytes), response);
  }
}

TEST(HttpResponse, BytesAreOfVersionOneForGood) {
  const HttpResponse response{.status = 402, .fields = {{"A", "bc"}}, .body = "no"};
  EXPECT_EQ(EncodeHttpResponse(response).value(),
            std::string("\x01\x01\x92\x00\x01\x00\x01\x00\x00\x00\x02"
                        "Abcno",
                        16));
}

TEST(HttpResponse, WhatIsNoResponseIsRefusedByName) {
  const auto why = [](const HttpResponse& response) {
    return std::string(EncodeHttpResponse(response).status().message());
  };
  using ::testing::HasSubstr;
  EXPECT_THAT(why({.status = 199}), HasSubstr("status"));
  EXPECT_THAT(why({.status = 600}), HasSubstr("status"));
  EXPECT_THAT(why({.fields = std::vector<HttpField>(65, {"a", "b"})}), HasSubstr("fields"));
  for (const HttpField& bad :
       {HttpField{"", "v"}, HttpField{"a b", "v"}, HttpField{"a:", "v"},
        HttpField{"a\xC3\xA4", "v"}, HttpField{"a", "secret\r\nSet-Cookie: x"},
        HttpField{"a", "secret\n"}, HttpField{"a", std::string("secret\0", 7)},
        HttpField{"a", std::string(16385, 'v')}}) {
    EXPECT_THAT(why({.fields = {bad}}), HasSubstr("fields"));
    EXPECT_THAT(why({.fields = {bad}}), ::testing::Not(HasSubstr("secret")));
  }
}

TEST(HttpResponse, TornAndForeignBytesAreNoResponse) {
  const std::string bytes =
      EncodeHttpResponse({.status = 201, .fields = {{"Location", "/p/1"}}}).value();
  for (size_t size = 0; size < bytes.size(); ++size) {
    EXPECT_EQ(DecodeHttpResponse(std::string_view(bytes).substr(0, size)), std::nullopt) << size;
  }
  EXPECT_EQ(DecodeHttpResponse("\x02" + bytes.substr(1)), std::nullopt);
  const auto with = [&](size_t at, std::string_view patch) {
    std::string changed = bytes;
    return DecodeHttpResponse(changed.replace(at, patch.size(), patch));
  };
  EXPECT_EQ(with(1, std::string_view("\0\x64", 2)), std::nullopt);  // 100
  EXPECT_EQ(with(3, "\xFF\xFF"), std::nullopt);                     // 65535 fields
  EXPECT_EQ(with(7, "\xFF\xFF\xFF\xFF"), std::nullopt);             // a value of 4 GiB
  EXPECT_EQ(with(11, "\n"), std::nullopt);                          // no name
}

}  // namespace
}  // namespace holdfast
