// SPDX-License-Identifier: Apache-2.0
// URIs and URI-references by the grammar of RFC 3986, appendix A.
#include "codec/uri.h"

#include <gtest/gtest.h>

#include <string>
#include <string_view>

namespace holdfast::codec {
namespace {

TEST(Uri, TakesTheExamplesOfRfc3986) {
  for (const char* text :
       {"ftp://ftp.is.co.za/rfc/rfc1808.txt", "http://www.ietf.org/rfc/rfc2396.txt",
        "ldap://[2001:db8::7]/c=GB?objectClass?one", "mailto:John.Doe@example.com",
        "news:comp.infosystems.www.servers.unix", "tel:+1-816-555-1212", "telnet://192.0.2.16:80/",
        "urn:oasis:names:specification:docbook:dtd:xml:4.1.2"}) {
    EXPECT_TRUE(IsAbsoluteUri(text)) << text;
    EXPECT_TRUE(IsUriReference(text)) << text;
  }
}

TEST(Uri, TakesTheExamplesOfCloudEvents) {
  for (const char* text :
       {"https://github.com/cloudevents", "mailto:cncf-wg-serverless@lists.cncf.io",
        "urn:uuid:6e8bc430-9c3a-11d9-9669-0800200c9a66", "/cloudevents/spec/pull/123",
        "/sensors/tn-1234567/alerts", "1-555-123-4567", "cloudevents/spec/pull/123"}) {
    EXPECT_TRUE(IsUriReference(text)) << text;
  }
  EXPECT_FALSE(IsAbsoluteUri("/cloudevents/spec/pull/123"));
  EXPECT_FALSE(IsAbsoluteUri("1-555-123-4567"));
}

TEST(Uri, AReferenceMayLackAnything) {
  for (const char* text : {"", "#", "?", "#a?b", "?a=b", "g", "./g:h", "//g", "//", "///", "../..",
                           "/", "//a@b:1/c?d#e", "a/b:c", ";x=y", "a?b:c", "#b:c", "%20", "*"}) {
    EXPECT_TRUE(IsUriReference(text)) << text;
    EXPECT_FALSE(IsAbsoluteUri(text)) << text;
  }
}

TEST(Uri, AnAbsoluteOneHasASchemeAndNoFragment) {
  for (const char* text :
       {"a:", "a:b", "a+-.9:", "A:/", "http:", "http:?", "http://", "x:y:z",
        "http://h:", "http://h:080/", "http://@h", "http://u:p:q@h/", "http:a%3a"}) {
    EXPECT_TRUE(IsAbsoluteUri(text)) << text;
  }
  for (const char* text : {"9a:b", "+a:b", ":b", "a_b:c", "http://h#f", "http://h#", "a%41:b"}) {
    EXPECT_FALSE(IsAbsoluteUri(text)) << text;
  }
  EXPECT_TRUE(IsUriReference("http://h#f"));
  EXPECT_FALSE(IsUriReference(":b")) << "a first segment with a colon is no relative path";
  EXPECT_FALSE(IsUriReference("1a:b"));
}

TEST(Uri, EscapesAreWhole) {
  for (const char* text : {"a:%41", "a:%aF%Ff", "a://h%20h", "a://u%40@h", "a:?%00", "a:/%2F"}) {
    EXPECT_TRUE(IsUriReference(text)) << text;
  }
  for (const char* text : {"%", "a:%", "a:%4", "a:%g1", "a:%1g", "a:%%41", "a://h:%31", "a:?%",
                           "#%", "a://%/", "a://%@h"}) {
    EXPECT_FALSE(IsUriReference(text)) << text;
  }
}

TEST(Uri, EveryByteHasItsPlace) {
  constexpr std::string_view kUnreserved =
      "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-._~";
  constexpr std::string_view kSubDelimiters = "!$&'()*+,;=";
  for (int i = 0; i < 256; ++i) {
    const char byte = static_cast<char>(i);
    const auto in = [&](std::string_view set) { return set.find(byte) != set.npos; };
    const bool plain = in(kUnreserved) || in(kSubDelimiters);
    const std::string one(1, byte);
    EXPECT_EQ(IsAbsoluteUri("a:/" + one + "z"), plain || in(":@/?")) << i;
    EXPECT_EQ(IsAbsoluteUri("a:?" + one), plain || in(":@/?")) << i;
    EXPECT_EQ(IsUriReference("#" + one), plain || in(":@/?")) << i;
    EXPECT_EQ(IsAbsoluteUri("a://u" + one + "@h"), plain || in(":/?")) << i;  // / and ? end it
    EXPECT_EQ(IsAbsoluteUri("a://h" + one + "h"), plain || in("@/?")) << i;
    EXPECT_EQ(IsAbsoluteUri("a://h:" + one), in("0123456789/?@")) << i;
  }
}

TEST(Uri, TakesEveryFormOfAnIpv6Address) {
  for (const char* host :
       {"::", "::1", "1::", "1:2:3:4:5:6:7:8", "1:2:3:4:5:6:7::", "::2:3:4:5:6:7:8", "1::8",
        "2001:DB8::7", "1:2:3:4:5:6:1.2.3.4", "::1.2.3.4", "::ffff:255.255.255.255",
        "1:2:3:4:5::1.2.3.4", "1:2::5:6:1.2.3.4", "v1.a", "vF.a:b~$", "V0f.:"}) {
    EXPECT_TRUE(IsAbsoluteUri("a://[" + std::string(host) + "]")) << host;
    EXPECT_TRUE(IsUriReference("//u@[" + std::string(host) + "]:8/")) << host;
  }
}

TEST(Uri, RefusesEverythingElseInBrackets) {
  for (const char* host : {"",
                           ":",
                           ":::",
                           "1",
                           "1:",
                           ":1",
                           "1:2:3:4:5:6:7",
                           "1:2:3:4:5:6:7:8:9",
                           "1::2::3",
                           "1:2:3:4:5:6:7::8",
                           "12345::",
                           "g::",
                           "::1%25eth0",
                           "1.2.3.4",
                           "::1.2.3",
                           "::1.2.3.4.5",
                           "::1.2.3.256",
                           "::1.2.3.1000",
                           "::01.2.3.4",
                           "::1.2.3.",
                           "::1.2.3.4:5",
                           "1.2.3.4::",
                           "1:2:3:4:5:6:7:1.2.3.4",
                           "::1.2.3.x",
                           "::1..3.4",
                           "v.a",
                           "v1.",
                           "v1",
                           "vg.a",
                           "v1.a/",
                           "v1.%41",
                           "::1]",
                           "[::1"}) {
    EXPECT_FALSE(IsAbsoluteUri("a://[" + std::string(host) + "]")) << host;
  }
  for (const char* text : {"a://[::1", "a://::1]", "a://[::1]x", "a://[::1]8", "a://[::1]:x",
                           "a://x[::1]", "a:[::1]"}) {
    EXPECT_FALSE(IsAbsoluteUri(text)) << text;
  }
}

}  // namespace
}  // namespace holdfast::codec
