#include "kafka/static_names.h"

#include <algorithm>
#include <cctype>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <utility>

#include "kafka/client.h"
#include "kafka/group_entry.h"
#include "kafka/rd.h"
#include "kafka/refusals.h"

namespace paystats::kafka {
namespace {

constexpr base::Duration kLookInterval = std::chrono::milliseconds(200);
constexpr base::Duration kMargin = std::chrono::seconds(2);  // until a session's end is noticed

constexpr base::Duration kTryTimeout = std::chrono::seconds(1);
constexpr int kLooksForNone = 2;

constexpr int32_t kNobody = -1;

struct Look {
  bool answered = false;          // by the group's coordinator
  std::string member_id = {};     // of that name; empty: there is none
  int32_t coordinator = kNobody;  // the broker that has said so
};

using RdGroups = std::unique_ptr<const rd_kafka_group_list, RdDeleter<rd_kafka_group_list_destroy>>;

// A member of the group as far as librdkafka is concerned, so that it can ask the coordinator, that
// never joins it.
base::Result<std::unique_ptr<Client>> open_outsider(Cluster& cluster, const std::string& group) {
  return Client::open(cluster, RD_KAFKA_CONSUMER,
                      {.defaults = {},
                       .musts = {{"group.id", group},
                                 {"enable.auto.commit", "false"},
                                 {"allow.auto.create.topics", "false"}}});
}

// Every broker is asked for its groups, and those that it coordinates are described by it. One that
// does not answer is an error only if none answers after it, so "no such group" counts only with
// the coordinator there, which has been asked something else just before.
base::Result<Look> look(Client& outsider, const StaticName& name) {
  const std::string what = "kafka: group " + name.group;
  const rd_kafka_resp_err_t there =
      ask_coordinator(outsider, name.topic, milliseconds(kTryTimeout));
  if (is_about_reach(there)) return Look{};
  if (there != RD_KAFKA_RESP_ERR_NO_ERROR)
    return base::fail(what + ": " +
                      refusal(there, {.right = "Read", .topic = name.topic, .group = name.group}));
  const rd_kafka_group_list* raw = nullptr;
  const rd_kafka_resp_err_t asked =
      rd_kafka_list_groups(outsider.rk(), name.group.c_str(), &raw, milliseconds(kTryTimeout));
  const RdGroups groups(raw);
  if (is_about_reach(asked)) return Look{};
  // In part: it is there, and another broker has not answered.
  if (asked != RD_KAFKA_RESP_ERR_NO_ERROR && asked != RD_KAFKA_RESP_ERR__PARTIAL) {
    return base::fail(what + ": " + rd_kafka_err2str(asked));
  }
  const auto group_count = static_cast<size_t>(groups->group_cnt);
  for (const rd_kafka_group_info& group : std::span(groups->groups, group_count)) {
    if (is_about_reach(group.err)) return Look{};
    if (group.err != RD_KAFKA_RESP_ERR_NO_ERROR) {
      return base::fail(what + ": " + rd_kafka_err2str(group.err));
    }
    const auto member_count = static_cast<size_t>(group.member_cnt);
    for (const auto& member : std::span(group.members, member_count)) {
      if (instance_of(member.member_id) == name.instance) {
        return Look{
            .answered = true, .member_id = member.member_id, .coordinator = group.broker.id};
      }
    }
  }
  return Look{.answered = true};
}

}  // namespace

std::string_view instance_of(std::string_view member_id) {
  constexpr std::string_view kUuid = "xxxxxxxx-xxxx-xxxx-xxxx-xxxxxxxxxxxx";
  if (member_id.size() < kUuid.size() + 1) return {};
  const size_t dash = member_id.size() - kUuid.size() - 1;
  if (member_id[dash] != '-') return {};
  const bool ends_so = std::equal(
      kUuid.begin(), kUuid.end(), member_id.begin() + static_cast<std::ptrdiff_t>(dash) + 1,
      [](char form, char c) {
        return form == '-' ? c == '-' : std::isxdigit(static_cast<unsigned char>(c)) != 0;
      });
  return ends_so ? member_id.substr(0, dash) : std::string_view();
}

base::Result<bool> is_alive(Cluster& cluster, const StaticName& name, base::Duration session) {
  const base::Clock& clock = cluster.context().clock;
  // Of those that do not decide the process may end only when another has decided, and its session.
  const base::Duration enough = (session + kMargin) * (name.decides ? 1 : 3);
  std::unique_ptr<Client> outsider;
  std::string seen;
  int none = 0;  // looks in a row that have found nobody
  int32_t coordinator = kNobody;
  base::Instant since{};  // it has answered without a break
  for (;;) {
    if (!outsider) {
      base::Result<std::unique_ptr<Client>> opened = open_outsider(cluster, name.group);
      if (!opened) return base::fail(opened.error());
      outsider = std::move(*opened);
    }
    const base::Result<Look> now = look(*outsider, name);
    if (!now) return base::fail(now.error());
    if (!name.own_id.empty() && now->member_id == name.own_id) return false;
    none = now->answered && now->member_id.empty() ? none + 1 : 0;
    if (none == kLooksForNone) return false;
    if (now->answered && !now->member_id.empty()) {
      // Sessions begin anew with their coordinator, which may have forgotten the last that joined.
      if (std::exchange(coordinator, now->coordinator) != now->coordinator) {
        since = clock.now();
        seen.clear();
      }
      const bool joined = !seen.empty() && seen != now->member_id;
      if (joined && name.decides) return true;
      if (joined) since = clock.now();
      if (clock.now() - since > enough) return true;
      seen = now->member_id;
    }
    if (!now->answered) outsider->probe_brokers();
    if (base::Result<void> patient = cluster.check_patience(); !patient)
      return base::fail(patient.error());
    rd_kafka_poll(outsider->rk(), milliseconds(kLookInterval));
    if (!now->answered) {
      coordinator = kNobody;
      // A client goes on asking brokers that have left the cluster.
      outsider->abandon();
      outsider.reset();
    }
  }
}

}  // namespace paystats::kafka
