#include "api/origin.h"

#include <gtest/gtest.h>

#include <string>

namespace paystats::api {
namespace {

TEST(Origin, AnAuthorityIsANameAndMaybeAPort) {
  EXPECT_EQ(parse_authority("Pay.example.org")->name, "Pay.example.org");
  EXPECT_EQ(parse_authority("Pay.example.org")->port, std::nullopt);
  EXPECT_EQ(parse_authority("my_host:1")->port, 1);
  EXPECT_EQ(parse_authority("[2001:db8::1]:65535")->name, "[2001:db8::1]");
  EXPECT_EQ(parse_authority("[2001:db8::1]:65535")->port, 65535);
  EXPECT_EQ(parse_authority("[::ffff:192.0.2.1]")->port, std::nullopt);
}

TEST(Origin, WhatIsNoAuthorityIsNone) {
  for (const char* text :
       {"",       ":80",     "a:",        "a:0",      "a:080",       "a:65536", "a:99999999999",
        "a:-1",   "a: 80",   "a:80 ",     "a b",      "a/b",         "a?b",     "a#b",
        "user@a", "a..b",    ".a",        "a:80:80",  "[",           "[]",      "[::1",
        "::1",    "[::1]80", "[1.2.3.4]", "[::1%lo]", "[localhost]", "a,b",     "p\xC3\xA4y",
        "a\x7f",  "$(id)",   "a;b"}) {
    EXPECT_FALSE(parse_authority(text)) << text;
  }
  EXPECT_FALSE(parse_authority(std::string_view("[::1\0]", 6)));
  EXPECT_FALSE(parse_authority(std::string_view("a\0", 2)));
}

// RFC 1123, 2.1, and RFC 1035, 2.3.4; with the underscore that many have.
TEST(Origin, ANameHasLabelsOfAtMost63BytesThatNeitherBeginNorEndWithAHyphen) {
  const std::string label(63, 'a');
  EXPECT_TRUE(parse_authority(label + ".a." + label));
  EXPECT_FALSE(parse_authority(label + "a.b"));
  EXPECT_FALSE(parse_authority("b." + label + "a"));
  const std::string longest = label + "." + label + "." + label + "." + std::string(61, 'a');
  EXPECT_TRUE(parse_authority(longest));
  EXPECT_TRUE(parse_authority(longest + "."));
  EXPECT_FALSE(parse_authority(longest + "a"));
  for (const char* text : {"a-b", "a--b", "_a", "my_host", "xn--py-uia.example", "a.", "3com.com",
                           "0x.example", "1.2.3.x", "10-0-0-7"}) {
    EXPECT_TRUE(parse_authority(text)) << text;
  }
  for (const char* text : {"-", "-a", "a-", "a.-b", "a-.b", "--allow-negative", ".", "a.."}) {
    EXPECT_FALSE(parse_authority(text)) << text;
  }
}

// Browsers make an address of a name whose last label is a number, however it is written, and send
// that; a host that makes none of them is none at all (WHATWG URL, 3.5).
TEST(Origin, AHostThatEndsInANumberIsAnIPv4AddressAsBrowsersWriteIt) {
  for (const char* text : {"127.0.0.1", "0.0.0.0", "255.255.255.255", "10.0.0.7:80"}) {
    EXPECT_TRUE(parse_authority(text)) << text;
  }
  for (const char* text :
       {"1", "127.1", "1.2.3", "256.0.0.1", "127.0.0.01", "127.0.0.0x1", "0x7f000001", "0X7F", "0x",
        "a.1", "a.0x1f", "1.2.3.4.5", "127.0.0.1.", "a.b.7."}) {
    EXPECT_FALSE(parse_authority(text)) << text;
  }
}

TEST(Origin, AnOriginHasASchemeAndThePortOfItWhereNoneIsWritten) {
  const auto secure = parse_origin("HTTPS://pay.example.org");
  ASSERT_TRUE(secure);
  EXPECT_TRUE(secure->secure);
  EXPECT_EQ(secure->port(), 443);
  EXPECT_EQ(parse_origin("http://a")->port(), 80);
  EXPECT_EQ(parse_origin("http://a:8080")->port(), 8080);
  for (const char* text : {"null", "", "a", "//a", "ftp://a", "file://", "http:a", "http:/a",
                           "http://", "http://a/", "https://a b", "https://user@a", " http://a"}) {
    EXPECT_FALSE(parse_origin(text)) << text;
  }
}

}  // namespace
}  // namespace paystats::api
