// Questions to the cluster that are neither produced nor consumed, except to the coordinator of a
// group: librdkafka ends the process where that one's connection drops (see kafka/static_names.h).
// Only for the files of this room.
// Tested through kafka/topics.h.
//
//   Result<std::unique_ptr<Client>> admin = open_admin(cluster);
//   Result<RdEvent> answer = ask_admin(**admin, RD_KAFKA_ADMIN_OP_CREATETOPICS, "kafka:payments",
//       [&](rd_kafka_AdminOptions_t* options, rd_kafka_queue_t* queue) { ... });
#pragma once

#include <functional>
#include <memory>
#include <string>

#include "base/result.h"
#include "io/wait.h"
#include "kafka/client.h"
#include "kafka/cluster.h"
#include "kafka/rd.h"

namespace paystats::kafka {

// A handle that never makes a topic by asking for it, and gives up at the deadline.
base::Result<std::unique_ptr<Client>> open_admin(Cluster& cluster,
                                                 base::Instant deadline = io::kForever);

// Has `send` ask, and waits for the answer; again where no broker can be reached, as long as the
// cluster's patience lasts, and not beyond the handle's deadline. `what` begins the message of an
// error.
base::Result<RdEvent> ask_admin(
    Client& admin, rd_kafka_admin_op_t operation, const std::string& what,
    const std::function<void(rd_kafka_AdminOptions_t*, rd_kafka_queue_t*)>& send);

}  // namespace paystats::kafka
