#include "kafka/record_source.h"

#include <gtest/gtest.h>

namespace paystats::kafka {
namespace {

TEST(RecordSource, SaysWhichPaymentsAndWhichGroup) {
  EXPECT_EQ(record_source_text(
                {.cluster = "MkU3", .topic = "payments", .partition = 3, .group = "payagg.a.b"}),
            R"({"cluster":"MkU3","topic":"payments","partition":3,"group":"payagg.a.b"})");
}

TEST(RecordSource, IsJsonWhateverTheGroupIsCalled) {
  EXPECT_EQ(record_source_text({.cluster = {}, .topic = "p", .partition = 0, .group = "a\"\n\xff"}),
            "{\"topic\":\"p\",\"partition\":0,\"group\":\"a\\\"\\u000a\xEF\xBF\xBD\"}");
}

}  // namespace
}  // namespace paystats::kafka
