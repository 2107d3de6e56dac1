// What a broker refuses for good: asked again it refuses again, until somebody changes a right, a
// setting or the message. So it is said once and ends what cannot do without it; it is not waited
// for as a broker that is away. Only for the files of this room.
//
//   if (refused_by(error) != Refused::kNothing)
//     return base::fail(what + ": " + refusal(error, {.right = "Write", .topic = "payments"}));
#pragma once

#include <librdkafka/rdkafka.h>

#include <string>
#include <string_view>

namespace paystats::kafka {

enum class Refused {
  kNothing,     // the error is not one of those
  kMessage,     // this message, or the request that it is in; another may be taken
  kEverything,  // all of the kind
};

Refused refused_by(rd_kafka_resp_err_t error);

// What was asked for, as far as the caller knows.
struct Asked {
  std::string_view right;  // "Read", "Write": what it takes, of a topic
  std::string_view topic = {};
  std::string_view group = {};
  std::string_view transactional_id = {};
};

// "not authorized: Write on topic payment-stats". For any other error its text alone.
std::string refusal(rd_kafka_resp_err_t error, const Asked& asked);

}  // namespace paystats::kafka
