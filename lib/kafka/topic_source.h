// A topic as a MessageSource: all of its partitions from the oldest message on, committed messages
// alone, without a group, so nothing is committed and any number of readers see all of it.
//
//   Result<std::unique_ptr<MessageSource>> source =
//       open_topic_source(cluster, "payment-stats", {.until_end = true}, waiter);
//
// Partitions that the topic gets later are read from their beginning as well. A message that is
// gone before it was read (retention) is an error that says which: totals would lack it. So is a
// topic that was deleted, made anew or cut meanwhile (see input_watch.h), unless the caller wants
// to begin again. A stop signal ends the source at once.
#pragma once

#include <memory>
#include <string>

#include "base/result.h"
#include "io/message_source.h"
#include "io/wait.h"
#include "kafka/cluster.h"

namespace paystats::kafka {

// Where the topic is another one by now, or messages have been removed unread.
enum class WhenLost {
  kUnwatched,    // an error, as far as a broker says so when it is asked for more
  kFail,         // an error
  kMustNotGoOn,  // an error of this kind: what has left the reader is of another topic
  kBeginAgain,   // the topic is waited for, and read from its beginning: MessageBlock::begins_anew
};

struct TopicSourceOptions {
  // Ends when all that was committed at the start has been read; what came later is left out.
  bool until_end = false;
  WhenLost when_lost = WhenLost::kUnwatched;
};

// Waits for the broker as the cluster says; a topic that does not exist is an error or made.
// caught_up(): what was committed at the start has been read; where that comes to hold without a
// message, read() returns kIdle before its deadline. `waiter` is borrowed.
base::Result<std::unique_ptr<io::MessageSource>> open_topic_source(
    Cluster& cluster, const std::string& topic, const TopicSourceOptions& options,
    const io::Waiter& waiter);

}  // namespace paystats::kafka
