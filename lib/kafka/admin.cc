#include "kafka/admin.h"

#include <fmt/format.h>

#include <array>

namespace paystats::kafka {
namespace {

constexpr int kTimeoutMs = 10'000;

using RdAdminOptions =
    std::unique_ptr<rd_kafka_AdminOptions_t, RdDeleter<rd_kafka_AdminOptions_destroy>>;

}  // namespace

// A producer's handle might.
base::Result<std::unique_ptr<Client>> open_admin(Cluster& cluster, base::Instant deadline) {
  base::Result<std::unique_ptr<Client>> admin =
      Client::open(cluster, RD_KAFKA_CONSUMER,
                   {.defaults = {}, .musts = {{"allow.auto.create.topics", "false"}}});
  if (admin) (*admin)->give_up_at(deadline);
  return admin;
}

base::Result<RdEvent> ask_admin(
    Client& admin, rd_kafka_admin_op_t operation, const std::string& what,
    const std::function<void(rd_kafka_AdminOptions_t*, rd_kafka_queue_t*)>& send) {
  std::array<char, 256> why{};
  const RdAdminOptions options(rd_kafka_AdminOptions_new(admin.rk(), operation));
  rd_kafka_AdminOptions_set_request_timeout(options.get(), kTimeoutMs, why.data(), why.size());
  const RdQueue queue(rd_kafka_queue_new(admin.rk()));
  const base::Clock& clock = admin.cluster().context().clock;
  for (;;) {
    send(options.get(), queue.get());
    RdEvent event;
    while (!event) {
      if (admin.cluster().stop().requested()) {
        return base::fail("a signal came while a broker was waited for",
                          base::ErrorKind::kInterrupted);
      }
      if (clock.now() >= admin.deadline()) return base::fail(what + ": not answered in time");
      event.reset(rd_kafka_queue_poll(queue.get(), 100));
    }
    const rd_kafka_resp_err_t error = rd_kafka_event_error(event.get());
    if (error == RD_KAFKA_RESP_ERR_NO_ERROR) {
      admin.cluster().watch().reachable();
      return event;
    }
    if (!is_about_reach(error)) {
      return base::fail(fmt::format("{}: {}", what, rd_kafka_event_error_string(event.get())));
    }
    admin.cluster().watch().unreachable(rd_kafka_event_error_string(event.get()));
    if (base::Result<void> patient = admin.cluster().check_patience(); !patient) {
      return base::fail(patient.error());
    }
  }
}

}  // namespace paystats::kafka
