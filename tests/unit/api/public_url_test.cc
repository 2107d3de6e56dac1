#include "api/public_url.h"

#include <gtest/gtest.h>

namespace paystats::api {
namespace {

std::string whole(const char* text) {
  const base::Result<PublicUrl> url = parse_public_url(text);
  return url ? url->text() : url.error().message;
}

TEST(PublicUrl, IsWrittenAsABrowserWritesItWithASlashAtItsEnd) {
  EXPECT_EQ(whole("https://pay.example.org"), "https://pay.example.org/");
  EXPECT_EQ(whole("https://pay.example.org/"), "https://pay.example.org/");
  EXPECT_EQ(whole("HTTPS://PAY.Example.org:443/Paystats"), "https://pay.example.org/Paystats/");
  EXPECT_EQ(whole("http://pay.example.org:80/a/b/"), "http://pay.example.org/a/b/");
  EXPECT_EQ(whole("http://pay.example.org:443"), "http://pay.example.org:443/");
  EXPECT_EQ(whole("https://10.0.0.7:8443/p"), "https://10.0.0.7:8443/p/");
  EXPECT_EQ(whole("http://[2001:DB8:0:0:0:0:0:1]:8080"), "http://[2001:db8::1]:8080/");
}

TEST(PublicUrl, OfWhatItIsNotItSaysWhatIsWrong) {
  for (const auto& [text, why] :
       {std::pair{"", "must begin with http:// or https://"},
        std::pair{"pay.example.org", "must begin with http:// or https://"},
        std::pair{"ftp://pay.example.org", "must begin with http:// or https://"},
        std::pair{" https://pay.example.org", "must begin with http:// or https://"},
        std::pair{"https://", "no host"},
        std::pair{"https:///paystats", "no host"},
        std::pair{"https://:8443/", "no host"},
        std::pair{"https://edgar@pay.example.org/", "a user before the host"},
        std::pair{"https://edgar:secret@pay.example.org/", "a user before the host"},
        std::pair{"https://pay.example.org/?a=b", "has a query"},
        std::pair{"https://pay.example.org/#a", "has a fragment"},
        std::pair{"https://pay.example.org:/", "the port is not a number from 1 to 65535"},
        std::pair{"https://pay.example.org:0/", "the port is not a number from 1 to 65535"},
        std::pair{"https://pay.example.org:65536/", "the port is not a number from 1 to 65535"},
        std::pair{"https://[::1]:x/", "the port is not a number from 1 to 65535"},
        std::pair{"https://p\xC3\xA4y.example.org/", "the host is not a name"},
        std::pair{"https://[::1/", "the host is not a name"},
        std::pair{"https://pay example.org/", "the host is not a name"},
        std::pair{"https://pay.example.org/../", "\".\" or \"..\" in the path"},
        std::pair{"https://pay.example.org/a/./b", "\".\" or \"..\" in the path"},
        std::pair{"https://pay.example.org//", "two slashes beside each other"},
        std::pair{"https://pay.example.org/a//b", "two slashes beside each other"},
        std::pair{"https://127.1/", "the host is not a name"},
        std::pair{"https://999.1.1.1/", "the host is not a name"},
        std::pair{"https://-pay.example.org/", "the host is not a name"},
        std::pair{"https://pay%2Eexample.org/", "the host is not a name"},
        std::pair{"https://pay.example.org/%2e%2e/", "a percent sign in the path: use a path"},
        std::pair{"https://pay.example.org/p%C3%A4y/", "a percent sign in the path: use a path"},
        std::pair{"https://pay.example.org/p\xC3\xA4y/", "neither an ASCII letter"},
        std::pair{"https://pay.example.org/a b", "a character in the path"},
        std::pair{"https://pay.example.org/a\\b", "a character in the path"}}) {
    const base::Result<PublicUrl> url = parse_public_url(text);
    ASSERT_FALSE(url) << text;
    EXPECT_NE(url.error().message.find(why), std::string::npos) << url.error().message;
  }
}

TEST(PublicUrl, HasOneOrigin) {
  const PublicUrl url = parse_public_url("https://pay.example.org/paystats").value();
  EXPECT_EQ(url.origin(), "https://pay.example.org");
  EXPECT_TRUE(url.has_origin(*parse_origin("https://Pay.example.org:443")));
  EXPECT_FALSE(url.has_origin(*parse_origin("http://pay.example.org")));
  EXPECT_FALSE(url.has_origin(*parse_origin("http://pay.example.org:443")));
  EXPECT_FALSE(url.has_origin(*parse_origin("https://pay.example.org:444")));
  EXPECT_FALSE(url.has_origin(*parse_origin("https://example.org")));
}

}  // namespace
}  // namespace paystats::api
