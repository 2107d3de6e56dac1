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
  EXPECT_TRUE(parse_authority(std::string(253, 'a')));
  EXPECT_FALSE(parse_authority(std::string(254, 'a')));
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
