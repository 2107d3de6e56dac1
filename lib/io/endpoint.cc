#include "io/endpoint.h"

#include <fmt/format.h>

#include <algorithm>

namespace paystats::io {
namespace {

constexpr std::string_view kTopicPrefix = "kafka:";
constexpr size_t kTopicBytesMax = 249;  // Kafka's own limit: topic and partition name a folder

bool is_topic_char(char c) {
  return (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '.' ||
         c == '_' || c == '-';
}

bool is_topic_name(std::string_view name) {
  return !name.empty() && name.size() <= kTopicBytesMax && name != "." && name != ".." &&
         std::all_of(name.begin(), name.end(), is_topic_char);
}

}  // namespace

base::Result<Endpoint> Endpoint::parse(std::string_view text) {
  if (text.empty())
    return base::fail("an empty name is neither a file nor a topic; - means stdin/stdout");
  if (text == "-") return Endpoint{};
  if (!text.starts_with(kTopicPrefix)) return Endpoint{Kind::kFile, std::string(text)};
  const std::string_view topic = text.substr(kTopicPrefix.size());
  if (!is_topic_name(topic)) {
    return base::fail(
        fmt::format("{}: not a topic name (1 to {} of A-Z a-z 0-9 . _ -); a file of that "
                    "name is written ./{}",
                    text, kTopicBytesMax, text));
  }
  return Endpoint{Kind::kTopic, std::string(topic)};
}

base::Result<std::optional<Endpoint>> parse_endpoint(const std::optional<std::string>& text) {
  if (!text) return std::optional<Endpoint>();
  base::Result<Endpoint> endpoint = Endpoint::parse(*text);
  if (!endpoint) return base::fail(std::move(endpoint.error()));
  return std::optional<Endpoint>(std::move(*endpoint));
}

base::Result<std::vector<Endpoint>> parse_inputs(const std::vector<std::string>& texts) {
  std::vector<Endpoint> inputs;
  for (const std::string& text : texts) {
    base::Result<Endpoint> input = Endpoint::parse(text);
    if (!input) return base::fail(std::move(input.error()));
    inputs.push_back(std::move(*input));
  }
  if (inputs.empty()) inputs.emplace_back();

  const auto count = [&](Endpoint::Kind kind) {
    return std::count_if(inputs.begin(), inputs.end(),
                         [kind](const Endpoint& input) { return input.kind == kind; });
  };
  if (count(Endpoint::Kind::kTopic) > 0 && inputs.size() > 1) {
    return base::fail("a topic must be the only INPUT");
  }
  if (count(Endpoint::Kind::kStdio) > 1) return base::fail("stdin (-) can be read only once");
  return inputs;
}

}  // namespace paystats::io
