#include "cli/kafka_options.h"

#include <gtest/gtest.h>

#include <vector>

namespace paystats::cli {
namespace {

kafka::KafkaOptions parsed(std::vector<const char*> words) {
  words.insert(words.begin(), "paygen");
  kafka::KafkaOptions options;
  CommandLine line("paygen", "make payments");
  declare_kafka(line, options);
  EXPECT_TRUE(line.parse(static_cast<int>(words.size()), words.data()));
  return options;
}

TEST(KafkaOptions, AreNotSetByDefault) {
  const kafka::KafkaOptions options = parsed({});
  EXPECT_FALSE(options.brokers || options.property_file || options.broker_timeout);
  EXPECT_TRUE(options.properties.empty());
  EXPECT_FALSE(options.create_topics);
}

TEST(KafkaOptions, HaveTheLettersOfKcat) {
  const kafka::KafkaOptions options =
      parsed({"-b", "a:1,b:2", "-X", "linger.ms=1", "-X", "acks=all", "-F", "file",
              "--broker-timeout", "2s", "--create-topics"});
  EXPECT_EQ(options.brokers, "a:1,b:2");
  EXPECT_EQ(options.properties, (std::vector<std::string>{"linger.ms=1", "acks=all"}));
  EXPECT_EQ(options.property_file, "file");
  EXPECT_EQ(options.broker_timeout, std::chrono::seconds(2));
  EXPECT_TRUE(options.create_topics);
}

}  // namespace
}  // namespace paystats::cli
