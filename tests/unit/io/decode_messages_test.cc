#include "io/decode_messages.h"

#include <gtest/gtest.h>

#include <string>
#include <utility>
#include <vector>

#include "io/sink.h"
#include "unit/io/support.h"

namespace paystats::io {
namespace {

// Keeps what is written where the test can see it.
class KeptSink final : public Sink {
 public:
  explicit KeptSink(std::string& kept) : kept_(kept) {}
  base::Result<void> write(std::string_view bytes) override {
    kept_ += bytes;
    return {};
  }
  base::Result<void> flush() override { return {}; }
  base::Result<void> close() override { return {}; }
  int reader_fd() const override { return -1; }

 private:
  std::string& kept_;
};

class DecodeMessages : public ::testing::Test {
 protected:
  Message message(std::string_view value) { return {{}, value, {2, next_offset_++}}; }
  Message null(std::string_view key) { return {key, std::nullopt, {2, next_offset_++}}; }

  // Rows as "user@offset", runs of nulls as "-key-key".
  std::vector<std::string> decode_stats(const std::vector<Message>& messages) {
    std::vector<std::string> seen;
    MessageDecoder<record::Stats> decoder(record::FieldNames{}, rejects_);
    base::Result<void> done = decoder.decode(
        {.messages = messages, .source = "payment-stats"},
        [&](const DecodedRun<record::Stats>& run) {
          for (const auto& row : run.lines.rows) {
            seen.push_back(std::string(row.record.user) + "@" +
                           std::to_string(run.messages[row.line].at.offset));
          }
          return base::Result<void>();
        },
        [&](std::span<const Message> nulls) {
          std::string keys;
          for (const Message& one : nulls) keys += "-" + std::string(one.key);
          seen.push_back(keys);
          return base::Result<void>();
        });
    EXPECT_TRUE(done);
    EXPECT_EQ(decoder.records(), messages.size());
    return seen;
  }

  std::string kept_;
  base::Diagnostics diagnostics_{"test", base::Verbosity::kQuiet};
  RejectLog rejects_{diagnostics_, std::make_unique<KeptSink>(kept_)};
  int64_t next_offset_ = 40;
};

TEST_F(DecodeMessages, ARowKnowsItsMessage) {
  const std::vector<Message> messages{message(R"({"user":"anna","paymentAmt":1.5})"),
                                      message("nothing"),
                                      message("{\n \"user\" : \"bert\",\n\"paymentAmt\":\"2\"}\n")};
  MessageDecoder<record::Payment> decoder(record::FieldNames{}, rejects_);
  std::vector<std::string> seen;
  base::Result<void> done =
      decoder.decode({.messages = messages, .source = "payments"}, [&](const auto& run) {
        for (const auto& row : run.lines.rows) {
          seen.push_back(std::string(row.record.user) + "@" +
                         std::to_string(run.messages[row.line].at.offset));
        }
        return base::Result<void>();
      });
  ASSERT_TRUE(done);
  EXPECT_EQ(seen, (std::vector<std::string>{"anna@40", "bert@42"}));
  EXPECT_EQ(kept_,
            "{\"source\":\"payments\",\"partition\":2,\"offset\":41,\"error\":\"not valid JSON\","
            "\"record\":\"nothing\"}\n");
  EXPECT_EQ(decoder.records(), 3U);
}

TEST_F(DecodeMessages, AFrameIsSkippedWhereItIsSaidAndIsNotInTheReject) {
  using std::string_literals::operator""s;
  const std::string frame = "\0\0\0\0\x07"s;
  const std::string good = frame + R"({"user":"anna","paymentAmt":1.5})";
  const std::string bad = frame + R"({"user":"anna"})";
  const std::string bare = R"({"user":"bert","paymentAmt":2})";
  const std::vector<Message> messages{message(good), message(bad), message(bare), message(frame)};
  std::vector<std::string> seen;
  const auto decode = [&](Framing framing) {
    seen.clear();
    kept_.clear();
    MessageDecoder<record::Payment> decoder(record::FieldNames{}, rejects_, framing);
    EXPECT_TRUE(decoder.decode({.messages = messages, .source = "payments"}, [&](const auto& run) {
      for (const auto& row : run.lines.rows) seen.emplace_back(row.record.user);
      return base::Result<void>();
    }));
  };
  decode(Framing::kSchemaRegistry);
  EXPECT_EQ(seen, (std::vector<std::string>{"anna", "bert"}));
  EXPECT_NE(
      kept_.find(R"("offset":41,"error":"paymentAmt: missing","record":"{\"user\":\"anna\"}"})"),
      std::string::npos)
      << kept_;
  EXPECT_NE(kept_.find("\"offset\":43,\"error\":\"not valid JSON\""), std::string::npos) << kept_;

  decode(Framing::kNone);
  EXPECT_EQ(seen, std::vector<std::string>{"bert"});
  EXPECT_NE(kept_.find("--schema-registry-framing"), std::string::npos) << kept_;
}

TEST_F(DecodeMessages, ANullPaymentIsAReject) {
  const std::vector<Message> messages{null("anna"), message("")};
  MessageDecoder<record::Payment> decoder(record::FieldNames{}, rejects_);
  base::Result<void> done =
      decoder.decode({.messages = messages, .source = "payments"}, [&](auto& run) {
        EXPECT_TRUE(run.lines.rows.empty());
        return base::Result<void>();
      });
  ASSERT_TRUE(done);
  EXPECT_EQ(rejects_.count(), 2U);
  EXPECT_NE(kept_.find(record::describe(record::Flaw::kNullRecord, record::FieldNames{})),
            std::string::npos)
      << kept_;
}

TEST_F(DecodeMessages, NamesWithEscapesLiveAsLongAsTheRows) {
  const std::vector<Message> messages{message(R"({"user":"\u0061nna","sum":1,"count":1})"),
                                      message(R"({"user":"b\u0065rt","sum":1,"count":1})"),
                                      message(R"({"user":"carl","sum":1,"count":1})")};
  EXPECT_EQ(decode_stats(messages), (std::vector<std::string>{"anna@40", "bert@41", "carl@42"}));
}

TEST_F(DecodeMessages, NullsThatMeanSomethingComeInOrderWithTheRows) {
  const std::string value = R"({"user":"x","sum":1,"count":1})";
  const std::vector<Message> messages{null("a"), message(value), message(value),
                                      null("b"), null("c"),      message(value)};
  EXPECT_EQ(decode_stats(messages),
            (std::vector<std::string>{"-a", "x@41", "x@42", "-b-c", "x@45"}));
  EXPECT_EQ(rejects_.count(), 0U);
}

TEST_F(DecodeMessages, ANullWithoutAKeyMeansNothing) {
  const std::vector<Message> messages{null("")};
  EXPECT_TRUE(decode_stats(messages).empty());
  EXPECT_EQ(rejects_.count(), 1U);
}

TEST_F(DecodeMessages, AnyNumberOfMessagesIsDecoded) {
  const std::string value = R"({"user":"x","sum":1,"count":1})";
  std::vector<Message> messages;
  for (int i = 0; i < 2000; ++i) messages.push_back(message(value));
  EXPECT_EQ(decode_stats(messages).size(), 2000U);
}

TEST_F(DecodeMessages, AWellFormedRowCanBeRejectedToo) {
  const std::vector<Message> messages{message(R"({"user":"anna","paymentAmt":1.5})")};
  MessageDecoder<record::Payment> decoder(record::FieldNames{}, rejects_);
  base::Result<void> done = decoder.decode(
      {.messages = messages, .source = "payments"}, [&](const DecodedRun<record::Payment>& run) {
        return decoder.reject(run, 0, record::Flaw::kSumOverflow);
      });
  ASSERT_TRUE(done);
  EXPECT_NE(kept_.find("\"offset\":40"), std::string::npos) << kept_;
}

TEST_F(DecodeMessages, RejectsOfTheDecoderAndOfTheToolAreInTheOrderOfMessages) {
  const std::string payment = R"({"user":"anna","paymentAmt":1.5})";
  const std::vector<Message> messages{message("bad"), message(payment), null("anna"),
                                      message(payment), message("bad")};
  MessageDecoder<record::Payment> decoder(record::FieldNames{}, rejects_);
  base::Result<void> done = decoder.decode(
      {.messages = messages, .source = "payments"}, [&](const DecodedRun<record::Payment>& run) {
        EXPECT_TRUE(decoder.reject(run, 1, record::Flaw::kSumOverflow));
        return decoder.reject(run, 3, record::Flaw::kSumOverflow);
      });
  ASSERT_TRUE(done);
  std::string offsets;
  for (size_t at = 0; (at = kept_.find("\"offset\":", at)) != std::string::npos; ++at) {
    offsets += kept_.substr(at + 9, 2) + " ";
  }
  EXPECT_EQ(offsets, "40 41 42 43 44 ");
}

TEST_F(DecodeMessages, TheFirstBatchInATopicIsToldOnce) {
  Words words;
  RejectLog log(words.diagnostics);
  const std::string payment = R"({"user":"anna","paymentAmt":1.5})";
  const std::string group = "[" + payment + "]";
  const std::vector<Message> plain{message(payment), message("bad")};
  const std::vector<Message> groups{message(group), message(payment), message(group),
                                    message(R"({"user":"anna","paymentAmt":1.5,"volume":2})")};
  const auto take = [](const DecodedRun<record::Payment>&) { return base::Result<void>(); };
  for (int reader = 0; reader < 2; ++reader) {  // each partition's may have one of its own
    MessageDecoder<record::Payment> decoder(record::FieldNames{}, log);
    ASSERT_TRUE(decoder.decode({.messages = plain, .source = "payments"}, take));
    EXPECT_EQ(words.heard().find("batches"), std::string::npos) << "there are none";
    for (int block = 0; block < 2; ++block) {
      ASSERT_TRUE(decoder.decode({.messages = groups, .source = "payments"}, take));
      const bool told = words.heard().find("t: warning: payments: has batches or groups") == 0;
      EXPECT_EQ(told, reader == 0 && block == 0);
    }
  }
}

}  // namespace
}  // namespace paystats::io
