#include "kafka/stall.h"

#include <fmt/format.h>

#include <utility>

namespace paystats::kafka {
namespace {

std::string why(rd_kafka_resp_err_t error) {
  const char* const text = rd_kafka_err2str(error);
  switch (error) {
    case RD_KAFKA_RESP_ERR_LEADER_NOT_AVAILABLE:
    case RD_KAFKA_RESP_ERR_NOT_LEADER_FOR_PARTITION:
    case RD_KAFKA_RESP_ERR_FENCED_LEADER_EPOCH:
    case RD_KAFKA_RESP_ERR_UNKNOWN_LEADER_EPOCH:
    case RD_KAFKA_RESP_ERR_REPLICA_NOT_AVAILABLE:
    case RD_KAFKA_RESP_ERR_OFFSET_NOT_AVAILABLE:
      return fmt::format("its leader has moved, or is unknown ({})", text);
    case RD_KAFKA_RESP_ERR__WAIT_COORD:
    case RD_KAFKA_RESP_ERR_COORDINATOR_NOT_AVAILABLE:
    case RD_KAFKA_RESP_ERR_COORDINATOR_LOAD_IN_PROGRESS:
    case RD_KAFKA_RESP_ERR_NOT_COORDINATOR:
      return fmt::format("its coordinator has moved, or is unknown ({})", text);
    default:
      return fmt::format("brokers answer, but not this ({})", text);
  }
}

}  // namespace

base::Result<void> Stall::go_on(rd_kafka_resp_err_t error) {
  const base::Instant now = cluster_.context().clock.now();
  if (!since_) {
    since_ = now;
    next_message_ = now + kQuiet;
  }
  if (const auto timeout = cluster_.watch().timeout(); timeout && now - *since_ >= *timeout) {
    return base::fail(fmt::format("{}: {}, for {} ms; see --broker-timeout", what_, why(error),
                                  std::chrono::floor<std::chrono::milliseconds>(*timeout).count()));
  }
  if (now >= next_message_) {
    cluster_.context().diagnostics.warning(
        said_ ? fmt::format("{}: {}, after {} s", what_, why(error),
                            base::whole_seconds(now - *since_))
              : fmt::format("{}: {}: waiting", what_, why(error)));
    said_ = true;
    next_message_ = now + kRepeat;
  }
  return {};
}

void Stall::over() {
  if (!said_) return;
  cluster_.context().diagnostics.warning(fmt::format("{}: answered", what_));
  said_ = false;
  since_.reset();
}

}  // namespace paystats::kafka
