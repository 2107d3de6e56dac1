#include "kafka/record_source.h"

#include <gtest/gtest.h>

#include <string>

namespace paystats::kafka {
namespace {

TEST(RecordSource, SaysWhichPaymentsAndWhichGroup) {
  EXPECT_EQ(record_source_text(
                {.cluster = "MkU3", .topic = "payments", .partition = 3, .group = "payagg.a.b"}),
            R"({"cluster":"MkU3","topic":"payments","partition":3,"group":"payagg.a.b"})");
}

TEST(RecordSource, SaysWithWhichOptionsItWasMade) {
  const RecordSource source{
      .cluster = "c", .topic = "p", .partition = 0, .group = "g", .options = 0xabcU};
  EXPECT_EQ(
      record_source_text(source),
      R"({"cluster":"c","topic":"p","partition":0,"group":"g","options":"0000000000000abc"})");
  EXPECT_EQ(read_record_source(record_source_text(source)), source);
}

TEST(RecordSource, IsJsonWhateverTheGroupIsCalled) {
  EXPECT_EQ(record_source_text({.cluster = {}, .topic = "p", .partition = 0, .group = "a\"\n\xff"}),
            "{\"topic\":\"p\",\"partition\":0,\"group\":\"a\\\"\\u000a\xEF\xBF\xBD\"}");
}

TEST(RecordSource, IsReadBack) {
  const RecordSource source{.cluster = "Mk\"U3", .topic = "p", .partition = 7, .group = "a\nb"};
  EXPECT_EQ(read_record_source(record_source_text(source)), source);
  RecordSource marked = source;
  marked.last = {.offset = 149, .timestamp_ms = -1, .hash = 0xabc};
  EXPECT_TRUE(record_source_text(marked).ends_with(R"(,"last":"149 -1 0000000000000abc"})"));
  EXPECT_EQ(read_record_source(record_source_text(marked)), marked);
  EXPECT_EQ(read_record_source(R"({"of":1,"topic":"p","partition":7,"group":"g","more":[{}]})"),
            (RecordSource{.cluster = "", .topic = "p", .partition = 7, .group = "g"}));
}

TEST(RecordSource, WhatIsNoSuchTextIsNoSource) {
  for (const char* text :
       {"", "payments", "[]", "{}", R"({"topic":"p","partition":7})",
        R"({"topic":"p","partition":"7","group":"g"})", R"({"topic":"p","partition":7,"group":1})",
        R"({"topic":"p","partition":7,"group":"g","cluster":null})",
        R"({"topic":"p","partition":7,"group":"g","options":17})",
        R"({"topic":"p","partition":7,"group":"g","options":"xyz"})",
        R"({"topic":"p","partition":7,"group":"g","last":"1 2"})",
        R"({"topic":"p","partition":7,"group":"g","last":"1 2 xyz"})",
        R"({"topic":"p","partition":7,"group":"g","last":149})",
        R"({"topic":"p","topic":"q","partition":7,"group":"g"})",
        R"({"topic":"p","partition":7,"group":"g"} x)"}) {
    EXPECT_EQ(read_record_source(text), std::nullopt) << text;
  }
}

const RecordSource kOwn{.cluster = "here", .topic = "payments", .partition = 3, .group = "g"};

std::string foreign(RecordSource found, const RecordSource& own = kOwn) {
  return SourceJudge(own).foreign(record_source_text(found)).value_or("");
}

TEST(SourceJudge, ARecordOfOurOwnOrOfNobodyIsTaken) {
  SourceJudge judge(kOwn);
  for (const char* header : {"", "something else", "{}"}) {
    EXPECT_EQ(judge.foreign(header), std::nullopt) << header;
  }
  for (int i = 0; i < 2; ++i) EXPECT_EQ(judge.foreign(record_source_text(kOwn)), std::nullopt);
  RecordSource found = kOwn;
  found.topic = "other";
  for (int i = 0; i < 2; ++i) EXPECT_NE(judge.foreign(record_source_text(found)), std::nullopt);
}

TEST(SourceJudge, KnowsTheLastMessageThatOurOwnRecordsName) {
  SourceJudge judge(kOwn);
  EXPECT_EQ(judge.last(), std::nullopt);
  RecordSource found = kOwn;
  for (const int64_t offset : {5, 9, 7}) {
    found.last = {.offset = offset, .timestamp_ms = 1, .hash = 2};
    EXPECT_EQ(judge.foreign(record_source_text(found)), std::nullopt);
  }
  found.last->offset = 20;
  found.group = "h";
  EXPECT_NE(judge.foreign(record_source_text(found)), std::nullopt);
  ASSERT_TRUE(judge.last());
  EXPECT_EQ(judge.last()->offset, 9);
}

TEST(SourceJudge, AClusterWithoutAnIdIsNoOtherOne) {
  RecordSource nameless = kOwn;
  nameless.cluster = "";
  EXPECT_EQ(foreign(nameless), "");
  EXPECT_EQ(foreign(kOwn, nameless), "");
}

TEST(SourceJudge, WhatIsForeignIsNamedWithTheRemedy) {
  RecordSource found = kOwn;
  found.cluster = "there";
  EXPECT_NE(foreign(found).find("made in cluster there, and this is cluster here"),
            std::string::npos);
  found = kOwn;
  found.topic = "others";
  EXPECT_NE(foreign(found).find("made of kafka:others, and not of kafka:payments"),
            std::string::npos);
  found = kOwn;
  found.partition = 4;
  EXPECT_NE(foreign(found).find("of partition 4, and not of 3"), std::string::npos);
  found = kOwn;
  found.group = "h";
  EXPECT_NE(foreign(found).find("group h has published, and this is group g"), std::string::npos);
  EXPECT_NE(foreign(found).find("go on as --group h"), std::string::npos);
}

TEST(SourceJudge, OtherOptionsThanTheTotalWasMadeWithAreNamedWithTheRemedy) {
  RecordSource own = kOwn;
  own.options = 5;
  RecordSource found = own;
  EXPECT_EQ(foreign(found, own), "");
  found.options = 6;
  EXPECT_NE(foreign(found, own).find("a total that was made with other options (--user-field, "),
            std::string::npos);
  EXPECT_NE(foreign(found, own)
                .find("give payagg the options of before, or a new output topic and a new group"),
            std::string::npos);
  found.options.reset();
  EXPECT_EQ(foreign(found, own), "") << "of a version before";
}

// It is written with U+FFFD.
TEST(SourceJudge, AGroupThatIsNotUtf8KnowsItsRecords) {
  RecordSource own = kOwn;
  own.group = "g\xff";
  EXPECT_EQ(foreign(own, own), "");
}

}  // namespace
}  // namespace paystats::kafka
