#include "kafka/static_names.h"

#include <memory>

#include "kafka/admin.h"

namespace paystats::kafka {
namespace {

constexpr base::Duration kLookInterval = std::chrono::milliseconds(200);
constexpr base::Duration kMargin = std::chrono::seconds(2);  // until a session's end is noticed

struct Look {
  bool answered = false;  // by the group's coordinator
  std::string member_id;  // of that name; empty: there is none
};

base::Result<Look> look(Client& admin, const StaticName& name) {
  const std::string what = "kafka: group " + name.group;
  const char* groups[] = {name.group.c_str()};
  base::Result<RdEvent> answer =
      ask_admin(admin, RD_KAFKA_ADMIN_OP_DESCRIBECONSUMERGROUPS, what,
                [&](rd_kafka_AdminOptions_t* options, rd_kafka_queue_t* queue) {
                  rd_kafka_DescribeConsumerGroups(admin.rk(), groups, 1, options, queue);
                });
  if (!answer) return base::fail(answer.error());
  size_t count = 0;
  const rd_kafka_ConsumerGroupDescription_t* const* found =
      rd_kafka_DescribeConsumerGroups_result_groups(
          rd_kafka_event_DescribeConsumerGroups_result(answer->get()), &count);
  if (count != 1) return base::fail(what + ": it is not described");
  const rd_kafka_resp_err_t error =
      rd_kafka_error_code(rd_kafka_ConsumerGroupDescription_error(found[0]));
  if (is_about_reach(error)) return Look{};
  if (error != RD_KAFKA_RESP_ERR_NO_ERROR) return base::fail(what + ": " + rd_kafka_err2str(error));
  for (size_t i = 0; i < rd_kafka_ConsumerGroupDescription_member_count(found[0]); ++i) {
    const rd_kafka_MemberDescription_t* const member =
        rd_kafka_ConsumerGroupDescription_member(found[0], i);
    const char* const instance = rd_kafka_MemberDescription_group_instance_id(member);
    if (instance != nullptr && instance == name.instance) {
      return Look{.answered = true, .member_id = rd_kafka_MemberDescription_consumer_id(member)};
    }
  }
  return Look{.answered = true, .member_id = {}};
}

}  // namespace

base::Result<bool> is_alive(Cluster& cluster, const StaticName& name, base::Duration session) {
  base::Result<std::unique_ptr<Client>> admin = open_admin(cluster);
  if (!admin) return base::fail(admin.error());
  const base::Clock& clock = cluster.context().clock;
  std::string seen;
  base::Instant since = clock.now();
  for (;;) {
    const base::Result<Look> now = look(**admin, name);
    if (!now) return base::fail(now.error());
    if (!now->answered) {
      since = clock.now();  // sessions begin anew with their coordinator
      (*admin)->probe_brokers();
    } else if (now->member_id.empty()) {
      return false;
    } else if (clock.now() - since > session + kMargin ||
               (!seen.empty() && seen != now->member_id)) {
      return true;
    } else {
      seen = now->member_id;
    }
    if (base::Result<void> patient = cluster.check_patience(); !patient)
      return base::fail(patient.error());
    rd_kafka_poll((*admin)->rk(), milliseconds(kLookInterval));
  }
}

}  // namespace paystats::kafka
