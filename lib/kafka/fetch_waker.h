// Keeps librdkafka fetching. It stops fetching where `queued.min.messages` wait in its queue (or as
// many bytes as `queued.max.messages.kbytes` says, which nobody sees from outside), and before
// version 2.2 looks at the queue again only when something happens to the connection, or after a
// second: long after the queue has run empty. A question to the broker makes it look; so one is
// asked as soon as there is room again, and its answer not waited for. From 2.2 on
// `fetch.queue.backoff.ms` does the same, and there is nothing to be done. Only for the files of
// this room. Tested through kafka/group_consumer.h.
//
//   resume_fetching_soon(settings);                 // of the client
//   FetchWaker waker(*client, "payments");
//   if (waker.has_room_again(queue)) waker.wake(partitions_with_more);
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>

#include "kafka/client.h"
#include "kafka/rd.h"

namespace paystats::kafka {

void resume_fetching_soon(ClientSettings& settings);

class FetchWaker {
 public:
  // `client` is borrowed.
  FetchWaker(Client& client, std::string topic);

  // The queue was full when this was asked the last time, and is no more. To be asked before each
  // look into the queue. Always false where librdkafka needs no help.
  bool has_room_again(rd_kafka_queue_t* queue);

  // Makes librdkafka look whether these partitions are to be fetched. Does not wait.
  void wake(std::span<const int32_t> partitions) const;

  bool needed() const { return full_at_ > 0; }

 private:
  Client& client_;
  const std::string topic_;
  size_t full_at_ = 0;  // messages; 0: librdkafka needs no help
  bool was_full_ = false;
};

}  // namespace paystats::kafka
