#include "base/metrics_text.h"

#include <gtest/gtest.h>

namespace paystats::base {
namespace {

TEST(MetricsText, ANameHasItsHelpItsTypeAndItsValue) {
  MetricsText text("payagg_");
  text.counter("records_read_total", "Records read.", UINT64_MAX);
  text.gauge("users", "Users in the table of totals.", 0);
  EXPECT_EQ(text.take(),
            "# HELP payagg_records_read_total Records read.\n"
            "# TYPE payagg_records_read_total counter\n"
            "payagg_records_read_total 18446744073709551615\n"
            "# HELP payagg_users Users in the table of totals.\n"
            "# TYPE payagg_users gauge\n"
            "payagg_users 0\n");
}

TEST(MetricsText, ANameMayHaveASampleForEachValueOfALabel) {
  MetricsText text("paystats_serve_");
  text.family("responses_total", "counter", "Responses by class of status.");
  text.sample("responses_total", "status", "2xx", 42);
  text.sample("responses_total", "status", "5xx", 0);
  EXPECT_EQ(text.take(),
            "# HELP paystats_serve_responses_total Responses by class of status.\n"
            "# TYPE paystats_serve_responses_total counter\n"
            "paystats_serve_responses_total{status=\"2xx\"} 42\n"
            "paystats_serve_responses_total{status=\"5xx\"} 0\n");
}

TEST(MetricsText, TheValueOfALabelCannotEndItsQuotesOrItsLine) {
  MetricsText text("");
  text.sample("a", "path", "C:\\x\"} 7\n\xC3\xA9{}", 1);
  EXPECT_EQ(text.take(), "a{path=\"C:\\\\x\\\"} 7\\n\xC3\xA9{}\"} 1\n");
}

TEST(MetricsText, TheVersionIsALabel) {
  MetricsText text("payagg_");
  text.build_info();
  EXPECT_EQ(text.take(),
            "# HELP payagg_build_info 1, with the version of the program.\n"
            "# TYPE payagg_build_info gauge\n"
            "payagg_build_info{version=\"" PAYSTATS_VERSION "\"} 1\n");
}

TEST(MetricsText, IsEmptyOnceItWasTaken) {
  MetricsText text("a_");
  EXPECT_EQ(text.take(), "");
  text.gauge("b", "B.", 1);
  EXPECT_FALSE(text.take().empty());
  EXPECT_EQ(text.take(), "");
}

}  // namespace
}  // namespace paystats::base
