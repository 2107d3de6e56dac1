#include "cache/metrics_writer.h"

#include <fstream>
#include <sstream>

#include "unit/cache/fixture.h"

namespace paystats::cache {
namespace {

std::string content_of(const std::string& path) {
  std::ostringstream text;
  text << std::ifstream(path).rdbuf();
  return text.str();
}

TEST(Metrics, CountReadAsAcceptedAndRejectedTogether) {
  const std::string text = metrics_text({.accepted = 10,
                                         .rejected = 2,
                                         .users = 3,
                                         .version = 9,
                                         .ready = true,
                                         .connections = 1,
                                         .connections_seen = 5});
  EXPECT_TRUE(holds(text, "\npaystats_cache_records_read_total 12\n"));
  EXPECT_TRUE(holds(text, "\npaystats_cache_records_accepted_total 10\n"));
  EXPECT_TRUE(holds(text, "\npaystats_cache_records_rejected_total 2\n"));
  EXPECT_TRUE(holds(text, "# TYPE paystats_cache_users gauge\npaystats_cache_users 3\n"));
  EXPECT_TRUE(holds(text, "\npaystats_cache_ready 1\n"));
  EXPECT_TRUE(holds(text, "\npaystats_cache_build_info{version=\""));
  EXPECT_TRUE(holds(text, "\npaystats_cache_connections_total 5\n"));
}

class MetricsWriterTest : public ::testing::Test {
 protected:
  TempFolder folder_;
  base::Diagnostics diagnostics_{"test", base::Verbosity::kQuiet};
};

TEST_F(MetricsWriterTest, IsWrittenAtOnceInTheBackgroundAndAtTheEnd) {
  const std::string path = folder_ / "metrics.prom";
  MetricsWriter file(path, diagnostics_);
  ASSERT_TRUE(file.write("first\n"));
  EXPECT_EQ(content_of(path), "first\n");
  file.offer("second\n");
  EXPECT_TRUE(eventually([&] { return content_of(path) == "second\n"; }));
  for (int i = 0; i < 100; ++i) file.offer("more\n");
  ASSERT_TRUE(file.close("last\n"));
  EXPECT_EQ(content_of(path), "last\n");
}

TEST_F(MetricsWriterTest, FailsAtOnceWhereItCannotBeWritten) {
  MetricsWriter file((folder_ / "missing/metrics.prom"), diagnostics_);
  EXPECT_FALSE(file.write("x"));
  file.offer("x");
  EXPECT_FALSE(file.close("x"));
}

}  // namespace
}  // namespace paystats::cache
