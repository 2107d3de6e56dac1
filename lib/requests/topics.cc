#include "requests/topics.h"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <chrono>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace paystats::requests {
namespace {

constexpr std::string_view kPolicy = "cleanup.policy";
constexpr std::string_view kTimestamps = "message.timestamp.type";
constexpr std::string_view kRetention = "retention.ms";
constexpr std::string_view kRetentionBytes = "retention.bytes";

// Of a message in a batch by itself, for the broker's limit.
constexpr size_t kFraming = 512;

using Setting = std::pair<std::string, std::string>;

// By the broker's clock, which a client's cannot disturb, and for twice as long as keys are known:
// the oldest go by whole files.
std::vector<Setting> wanted_settings(base::Duration memory) {
  const auto retention = std::chrono::ceil<std::chrono::milliseconds>(2 * memory).count();
  return {{std::string(kPolicy), "delete"},
          {std::string(kTimestamps), "LogAppendTime"},
          {std::string(kRetention), std::to_string(retention)},
          {std::string(kRetentionBytes), "-1"}};
}

int64_t number_of(const std::string& text) {
  int64_t number = 0;
  std::from_chars(text.data(), text.data() + text.size(), number);
  return number;
}

// Of two values of retention.ms, whether the first is no shorter. -1: nothing is removed.
bool lasts_as_long(const std::string& found, const std::string& needed) {
  return found == "-1" || (needed != "-1" && number_of(found) >= number_of(needed));
}

bool is_good(const Setting& wanted, const std::string& found) {
  return wanted.first == kRetention ? lasts_as_long(found, wanted.second) : found == wanted.second;
}

// The command that sets them, "NAME=VALUE,...".
std::string mend_it(const kafka::Cluster& cluster, const std::string& topic,
                    const std::string& settings) {
  return fmt::format("mend it by kafka-configs.sh {} --alter --topic {} --add-config {}",
                     cluster.tool_options(), topic, settings);
}

// Nothing where the settings may not be read.
base::Result<kafka::TopicSettings> good_settings(kafka::Cluster& cluster, const std::string& topic,
                                                 base::Duration memory) {
  const base::Result<std::optional<kafka::TopicSettings>> found =
      kafka::topic_settings(cluster, topic);
  if (!found) return base::fail(found.error());
  if (!*found) return kafka::TopicSettings();
  std::string bad;
  std::string remedy;
  for (const WrongSetting& wrong : wrong_settings(**found, memory)) {
    bad += fmt::format("{}{} is {}", bad.empty() ? "" : ", ", wrong.name, wrong.found);
    remedy += fmt::format("{}{}={}", remedy.empty() ? "" : ",", wrong.name, wrong.wanted);
  }
  if (bad.empty()) return **found;
  return base::fail(fmt::format("kafka:{}: {}: idempotency keys could be forgotten too early; {}",
                                topic, bad, mend_it(cluster, topic, remedy)));
}

// One topic in two places would be read as what it is not.
base::Result<void> check_names(const TopicNames& names) {
  const bool differ = names.requests != names.answers && names.payments != names.requests &&
                      names.payments != names.answers;
  if (differ) return {};
  return base::fail(fmt::format(
      "payments (kafka:{}), requests (kafka:{}) and answers (kafka:{}) need a topic each: name "
      "other ones (--requests, --answers)",
      names.payments, names.requests, names.answers));
}

base::Result<void> check_retention(const kafka::Cluster& cluster, const TopicNames& names,
                                   const kafka::TopicSettings& requests,
                                   const kafka::TopicSettings& answers) {
  if (outlives(answers, requests)) return {};
  const std::string& longer = requests.at(std::string(kRetention));
  return base::fail(
      fmt::format("kafka:{}: retention.ms is {}, and that of kafka:{} is {}: a request that is "
                  "there for longer "
                  "than its answer could be paid again; {}",
                  names.answers, answers.at(std::string(kRetention)), names.requests, longer,
                  mend_it(cluster, names.answers, "retention.ms=" + longer)));
}

// How many partitions it has; nothing where there is no such topic. It is made where the user said
// --create-topics, with as many as the topic of payments.
base::Result<std::optional<int32_t>> find_or_make(kafka::Cluster& cluster, const std::string& name,
                                                  const std::string& payments,
                                                  base::Duration memory) {
  if (!cluster.create_topics()) return kafka::find_topic(cluster, name);
  const base::Result<std::optional<int32_t>> partitions = kafka::find_topic(cluster, payments);
  if (!partitions) return base::fail(partitions.error());
  const base::Result<int32_t> made = kafka::require_topic(
      cluster, {.name = name, .partitions = *partitions, .settings = wanted_settings(memory)});
  if (!made) return base::fail(made.error());
  return std::optional<int32_t>(*made);
}

}  // namespace

bool outlives(const kafka::TopicSettings& answers, const kafka::TopicSettings& requests) {
  const auto kept = answers.find(std::string(kRetention));
  const auto needed = requests.find(std::string(kRetention));
  return kept == answers.end() || needed == requests.end() ||
         lasts_as_long(kept->second, needed->second);
}

std::vector<WrongSetting> wrong_settings(const kafka::TopicSettings& settings,
                                         base::Duration memory) {
  std::vector<WrongSetting> wrong;
  for (const Setting& wanted : wanted_settings(memory)) {
    const auto found = settings.find(wanted.first);
    if (found == settings.end() || is_good(wanted, found->second)) continue;
    wrong.push_back({wanted.first, found->second, wanted.second});
  }
  return wrong;
}

base::Result<TopicsCheck> check_topics(kafka::Cluster& cluster, const TopicNames& names,
                                       base::Duration memory) {
  if (base::Result<void> good = check_names(names); !good) return base::fail(good.error());
  int32_t counts[2] = {};
  const std::string* const topics[2] = {&names.requests, &names.answers};
  for (int i = 0; i < 2; ++i) {
    const base::Result<std::optional<int32_t>> found =
        find_or_make(cluster, *topics[i], names.payments, memory);
    if (!found) return base::fail(found.error());
    if (!*found) return TopicsCheck{.usable = false, .missing = *topics[i]};
    counts[i] = **found;
  }
  base::Result<void> as_many = kafka::check_as_many(cluster, {names.requests, counts[0]},
                                                    {names.answers, counts[1]}, kAnswersGoByNumber);
  if (!as_many) return base::fail(as_many.error());
  const base::Result<kafka::TopicSettings> requests =
      good_settings(cluster, names.requests, memory);
  if (!requests) return base::fail(requests.error());
  const base::Result<kafka::TopicSettings> answers = good_settings(cluster, names.answers, memory);
  if (!answers) return base::fail(answers.error());
  if (base::Result<void> good = check_retention(cluster, names, *requests, *answers); !good)
    return base::fail(good.error());
  TopicsCheck check{.usable = true, .partitions = counts[0]};
  const auto size = requests->find("max.message.bytes");
  if (size != requests->end()) {
    const auto bytes = static_cast<size_t>(number_of(size->second));
    check.request_bytes_max = std::min(check.request_bytes_max, bytes - std::min(bytes, kFraming));
  }
  return check;
}

}  // namespace paystats::requests
