// Requests with idempotency keys, paid once by whichever server has their partition: the side that
// hands them over and is answered, and a member of the group that pays them.
//
//   Result<std::unique_ptr<io::KeyedRequests>> keyed = open_requests(output, options, opener);
//   Result<void> started = (*keyed)->start(handlers);       // unless it is null: no such topics
//   ...
//   if (!(*keyed)->stop()) std::_Exit(2);
//
// A request is a message of one topic, and its answer one of another (see format.h). Three threads:
// the caller's hands over, one reads the answers of all partitions, one pays. The two of its own go
// on after a stop signal, until stop(): what clients wait for is finished.
#pragma once

#include <cstddef>
#include <memory>
#include <optional>
#include <string>

#include "base/result.h"
#include "io/endpoint.h"
#include "io/keyed_requests.h"
#include "kafka/cluster.h"
#include "kafka/open.h"
#include "kafka/options.h"
#include "keys/key_table.h"
#include "record/payment.h"
#include "requests/start.h"

namespace paystats::requests {

struct RequestsOptions {
  // Where one is named, topics that are missing are an error.
  std::optional<std::string> requests = std::nullopt;  // by default payment-requests
  std::optional<std::string> answers = std::nullopt;   // by default payment-answers
  // A static name of this process in the group; by default its host and its first free slot.
  std::optional<std::string> instance = std::nullopt;
  keys::KeyLimits limits;
};

// Checks the topics (see topics.h). Null where `output` is no topic, and where there are none,
// which is told. What the opener borrows is borrowed, too, but for the signal.
base::Result<std::unique_ptr<io::KeyedRequests>> open_requests(const io::Endpoint& output,
                                                               const RequestsOptions& options,
                                                               kafka::EndpointOpener& opener);

// The same without a look at the topics. REQUIRES: they are usable. `kafka` are the options that
// `cluster` was made of.
struct ServiceOptions {
  TopicNames topics;
  std::optional<std::string> instance = std::nullopt;
  keys::KeyLimits limits;
  size_t request_bytes_max = record::kLineBytesMax;  // of a message
  int32_t partitions = INT32_MAX;                    // of requests and answers
};
base::Result<std::unique_ptr<io::KeyedRequests>> connect_requests(const ServiceOptions& options,
                                                                  kafka::Cluster& cluster,
                                                                  const kafka::KafkaOptions& kafka);

}  // namespace paystats::requests
