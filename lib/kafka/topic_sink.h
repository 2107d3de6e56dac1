// Lines into a topic, each a message without a key: rejects. Sent once and in order by an
// idempotent producer; flush() waits until all have arrived.
//
//   Result<std::unique_ptr<Sink>> sink = open_topic_sink(cluster, "payment-rejects");
#pragma once

#include <memory>
#include <string>

#include "base/result.h"
#include "io/sink.h"
#include "kafka/cluster.h"

namespace paystats::kafka {

base::Result<std::unique_ptr<io::Sink>> open_topic_sink(Cluster& cluster, const std::string& topic);

}  // namespace paystats::kafka
