#include "cache/output.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <fstream>
#include <iterator>
#include <string>

#include "unit/cache/fixture.h"

namespace paystats::cache {
namespace {

TEST(CacheOutput, PrintsTheFirstUsersIntoAFile) {
  const TempFolder folder;
  view::View view({.instance = 1, .hash_seed = 1, .users_max = 10'000});
  for (uint64_t i = 0; i < 2'500; ++i) {
    const std::string user = "u" + std::to_string(i);
    view.apply(
        record::Stats{.user = user, .sum = money::Decimal::from_nanos(1), .count = i, .at = {}});
  }
  const base::Result<CacheOutput> output =
      open_cache_output({io::Endpoint::Kind::kFile, folder / "list"});
  ASSERT_TRUE(output);
  EXPECT_EQ(output->terminal_fd, -1);
  ASSERT_TRUE(print_top(view, 2'400, *output));  // more than a page
  std::ifstream file(folder / "list");
  const std::string text{std::istreambuf_iterator<char>(file), {}};
  EXPECT_EQ(std::count(text.begin(), text.end(), '\n'), 2'400);
  EXPECT_TRUE(text.starts_with(R"({"user":"u0","sum":)")) << text.substr(0, 60);
}

TEST(CacheOutput, ATopicIsRefused) {
  EXPECT_FALSE(open_cache_output({io::Endpoint::Kind::kTopic, "lists"}));
}

}  // namespace
}  // namespace paystats::cache
