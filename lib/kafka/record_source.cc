#include "kafka/record_source.h"

#include <fmt/format.h>

#include <utility>

#include "base/numbers.h"
#include "record/encoder.h"
#include "record/json_elements.h"

namespace paystats::kafka {
namespace {

bool read_partition(std::string_view object, int32_t& out) {
  const std::optional<std::string_view> raw = record::raw_value(object, "partition");
  return raw && base::read_number(*raw, out);
}

// "OFFSET TIMESTAMP HASH"
bool read_mark(std::string_view text, MessageMark& mark) {
  const size_t first = text.find(' ');
  if (first == text.npos) return false;
  const size_t second = text.find(' ', first + 1);
  if (second == text.npos) return false;
  return base::read_number(text.substr(0, first), mark.offset) &&
         base::read_number(text.substr(first + 1, second - first - 1), mark.timestamp_ms) &&
         base::read_number(text.substr(second + 1), mark.hash, 16);
}

std::optional<std::string> describe_foreign(const RecordSource& found, const RecordSource& own) {
  if (!found.cluster.empty() && !own.cluster.empty() && found.cluster != own.cluster) {
    return fmt::format(
        "a total that was made in cluster {}, and this is cluster {}: offsets of a copied topic "
        "mean nothing here; give payagg a new output topic and a new group, and it counts all "
        "payments",
        found.cluster, own.cluster);
  }
  if (found.topic != own.topic) {
    return fmt::format(
        "a total that was made of kafka:{}, and not of kafka:{}: an output topic is for one input; "
        "give each of them an output topic of its own",
        found.topic, own.topic);
  }
  if (found.partition != own.partition) {
    return fmt::format(
        "a total of partition {}, and not of {}: something else has written it here; give payagg a "
        "new output topic and a new group",
        found.partition, own.partition);
  }
  if (found.group != own.group) {
    return fmt::format(
        "a total that group {} has published, and this is group {}: an output topic is for one "
        "group; go on as --group {}, or give this one an output topic of its own",
        found.group, own.group, found.group);
  }
  if (found.options && own.options && *found.options != *own.options) {
    return fmt::format("a total that was {}", kMadeWithOtherOptions);
  }
  return std::nullopt;
}

}  // namespace

std::string record_source_text(const RecordSource& source) {
  std::string text;
  const auto append = [&](std::string_view name, std::string_view value) {
    text += fmt::format(R"(,"{}":)", name);
    record::append_any_string(text, value);
  };
  if (!source.cluster.empty()) append("cluster", source.cluster);
  append("topic", source.topic);
  text += fmt::format(R"(,"partition":{})", source.partition);
  append("group", source.group);
  if (source.options) text += fmt::format(R"(,"options":"{:016x}")", *source.options);
  if (source.last) {
    text += fmt::format(R"(,"last":"{} {} {:016x}")", source.last->offset,
                        source.last->timestamp_ms, source.last->hash);
  }
  text.front() = '{';  // in place of a comma
  text += '}';
  return text;
}

std::optional<RecordSource> read_record_source(std::string_view text) {
  if (!record::is_json_object(text)) return std::nullopt;
  RecordSource source;
  if (!record::raw_values(text, "cluster").empty()) {
    std::optional<std::string> cluster = record::text_field(text, "cluster");
    if (!cluster) return std::nullopt;
    source.cluster = std::move(*cluster);
  }
  if (!record::raw_values(text, "options").empty()) {
    const std::optional<std::string> options = record::text_field(text, "options");
    if (!options || !base::read_number(*options, source.options.emplace(), 16)) {
      return std::nullopt;
    }
  }
  if (!record::raw_values(text, "last").empty()) {
    const std::optional<std::string> last = record::text_field(text, "last");
    if (!last || !read_mark(*last, source.last.emplace())) return std::nullopt;
  }
  std::optional<std::string> topic = record::text_field(text, "topic");
  std::optional<std::string> group = record::text_field(text, "group");
  if (!topic || !group || !read_partition(text, source.partition)) return std::nullopt;
  source.topic = std::move(*topic);
  source.group = std::move(*group);
  return source;
}

SourceJudge::SourceJudge(const RecordSource& own)
    : own_(read_record_source(record_source_text(own)).value_or(own)) {}

std::optional<std::string> SourceJudge::foreign(std::string_view header) {
  if (header.empty() || header == accepted_) return std::nullopt;
  const std::optional<RecordSource> found = read_record_source(header);
  std::optional<std::string> why = found ? describe_foreign(*found, own_) : std::nullopt;
  if (why) return why;
  accepted_ = header;
  if (found && found->last && (!last_ || last_->offset < found->last->offset)) last_ = found->last;
  return std::nullopt;
}

base::Result<void> SourceJudge::check(const io::Message& message, const std::string& topic) {
  const std::optional<std::string> why = foreign(message.source_header);
  if (!why) return {};
  return base::fail(fmt::format("kafka:{}: partition {}, offset {}: {}", topic,
                                message.at.partition, message.at.offset, *why),
                    base::ErrorKind::kMustNotGoOn);
}

}  // namespace paystats::kafka
