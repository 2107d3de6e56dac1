// Whether a running process uses a static name of a group.
//
// A group tells a member that another has taken its name (FENCED_INSTANCE_ID) also where that is
// not so: a broker that was killed forgets members that joined just before, one that stood still
// answers an old request of the member's own, and librdkafka may send a heartbeat without an id
// after a session has ended. Where the name still has the id that the caller was given, nobody else
// has it. Otherwise nothing in Kafka's protocol tells these apart at once. But a member that runs
// sends heartbeats, and one that does not loses the name when its session ends.
//
// A process of several jobs has a name for each. Two such processes that join at the same moment
// may each take a name from the other. So one name decides which process ends, that of the first
// job, and a member of another name waits for longer than it takes to decide that.
//
// The name is read from the id that the broker has made for a static member: the name, a dash and a
// UUID. Groups are asked after by rd_kafka_list_groups(), which does not know names: librdkafka's
// Admin requests to a coordinator end the process (a use after free, its issue 4605) where that
// broker goes away meanwhile, which is when this is asked. Only for the files of this room.
#pragma once

#include <string>
#include <string_view>

#include "base/clock.h"
#include "base/result.h"
#include "kafka/cluster.h"

namespace paystats::kafka {

struct StaticName {
  const std::string& group;
  const std::string& instance;
  const std::string& topic;   // that its members read
  const std::string& own_id;  // that the group gave to the caller; empty: none yet
  bool decides = true;        // which of two processes ends
};

// The name in the id of a static member; empty where it has none.
std::string_view instance_of(std::string_view member_id);

// True: another member of that name has been there for longer than `session`, or joined meanwhile;
// where the name does not decide, only if one has been there for longer than three of them. (One
// with a longer session than that may have crashed all the same.) False: there is none, or none any
// more. Waits so long, and for brokers. REQUIRES: the caller's own client is closed.
base::Result<bool> is_alive(Cluster& cluster, const StaticName& name, base::Duration session);

}  // namespace paystats::kafka
