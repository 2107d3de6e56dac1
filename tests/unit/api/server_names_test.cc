#include "api/server_names.h"

#include <gtest/gtest.h>

namespace paystats::api {
namespace {

TEST(ServerNames, AnAllowedNameMayBeGivenWithAPortAndIsNoUrl) {
  for (const char* text :
       {"pi.local", "pi.local:443", "[2001:db8::1]", "[2001:db8::1]:80", "10.0.0.7"}) {
    EXPECT_TRUE(check_host_name(text)) << text;
  }
  for (const char* text :
       {"", "*", "pi.local/", "pi.local:", "2001:db8::1", "a b", "-v", "127.1", "999.1.1.1"}) {
    EXPECT_FALSE(check_host_name(text)) << text;
  }
  EXPECT_EQ(check_host_name("https://pi.local").error().message,
            "https://pi.local: neither NAME nor NAME:PORT (an address: see --public-url)");
}

}  // namespace
}  // namespace paystats::api
