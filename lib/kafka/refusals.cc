#include "kafka/refusals.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>

namespace paystats::kafka {
namespace {

struct Reason {
  rd_kafka_resp_err_t error;
  Refused what;
  std::string_view text;  // {}: Kafka's own is clear
};

constexpr std::array kReasons = {
    // Rights: the text says which.
    Reason{RD_KAFKA_RESP_ERR_TOPIC_AUTHORIZATION_FAILED, Refused::kEverything, {}},
    Reason{RD_KAFKA_RESP_ERR_GROUP_AUTHORIZATION_FAILED, Refused::kEverything, {}},
    Reason{RD_KAFKA_RESP_ERR_TRANSACTIONAL_ID_AUTHORIZATION_FAILED, Refused::kEverything, {}},
    Reason{RD_KAFKA_RESP_ERR_CLUSTER_AUTHORIZATION_FAILED, Refused::kEverything, {}},
    // Sizes.
    Reason{RD_KAFKA_RESP_ERR_MSG_SIZE_TOO_LARGE, Refused::kMessage,
           "a message is larger than is allowed, or what is sent at once (max.message.bytes of the "
           "topic, message.max.bytes of the broker and here)"},
    Reason{RD_KAFKA_RESP_ERR_RECORD_LIST_TOO_LARGE, Refused::kMessage,
           "what is sent at once is larger than a segment (segment.bytes of the topic)"},
    Reason{RD_KAFKA_RESP_ERR_INVALID_MSG_SIZE, Refused::kMessage, {}},
    // Settings of the topic, and policies of the cluster.
    Reason{RD_KAFKA_RESP_ERR_POLICY_VIOLATION, Refused::kMessage,
           "a policy of the cluster forbids it"},
    Reason{RD_KAFKA_RESP_ERR_INVALID_RECORD, Refused::kMessage,
           "the topic does not take such a record (one without a key, where it is compacted)"},
    Reason{RD_KAFKA_RESP_ERR_INVALID_TIMESTAMP, Refused::kMessage,
           "the clock here is further from the broker's than the topic allows "
           "(message.timestamp.after.max.ms, message.timestamp.before.max.ms)"},
    Reason{RD_KAFKA_RESP_ERR_OFFSET_METADATA_TOO_LARGE, Refused::kEverything,
           "offset.metadata.max.bytes of the brokers must allow 1024 bytes"},
    // Settings of the group.
    Reason{RD_KAFKA_RESP_ERR_INCONSISTENT_GROUP_PROTOCOL, Refused::kEverything,
           "the group has members of another program or with other settings: end those, or name "
           "another group"},
    Reason{RD_KAFKA_RESP_ERR_INVALID_SESSION_TIMEOUT, Refused::kEverything,
           "session.timeout.ms must be within group.min.session.timeout.ms and "
           "group.max.session.timeout.ms of the brokers"},
    // What the broker, or the format of the topic's log, cannot do.
    Reason{RD_KAFKA_RESP_ERR_UNSUPPORTED_COMPRESSION_TYPE, Refused::kEverything, {}},
    Reason{RD_KAFKA_RESP_ERR_UNSUPPORTED_FOR_MESSAGE_FORMAT, Refused::kEverything, {}},
    Reason{RD_KAFKA_RESP_ERR_UNSUPPORTED_VERSION, Refused::kEverything, {}},
    Reason{RD_KAFKA_RESP_ERR_TOPIC_EXCEPTION, Refused::kEverything, {}},
};

const Reason* find(rd_kafka_resp_err_t error) {
  const auto found = std::ranges::find(kReasons, error, &Reason::error);
  return found == kReasons.end() ? nullptr : &*found;
}

std::string missing(std::string_view right, std::string_view kind, std::string_view name) {
  return fmt::format("not authorized: {} on {}{}{}", right, name.empty() ? "this " : "", kind,
                     name.empty() ? "" : fmt::format(" {}", name));
}

}  // namespace

Refused refused_by(rd_kafka_resp_err_t error) {
  const Reason* const reason = find(error);
  return reason == nullptr ? Refused::kNothing : reason->what;
}

std::string refusal(rd_kafka_resp_err_t error, const Asked& asked) {
  switch (error) {
    case RD_KAFKA_RESP_ERR_TOPIC_AUTHORIZATION_FAILED:
      return missing(asked.right, "topic", asked.topic);
    case RD_KAFKA_RESP_ERR_GROUP_AUTHORIZATION_FAILED:
      return missing("Read", "group", asked.group);
    case RD_KAFKA_RESP_ERR_TRANSACTIONAL_ID_AUTHORIZATION_FAILED:
      return missing("Write", "transactional id", asked.transactional_id);
    case RD_KAFKA_RESP_ERR_CLUSTER_AUTHORIZATION_FAILED:
      return "not authorized: Write on any topic, or IdempotentWrite on the cluster";
    default:
      break;
  }
  const Reason* const reason = find(error);
  const char* const own = rd_kafka_err2str(error);
  if (reason == nullptr || reason->text.empty()) return own;
  return fmt::format("{}: {}", reason->text, own);
}

}  // namespace paystats::kafka
