#include "kafka/cluster.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cstdlib>
#include <fstream>
#include <string_view>

#include "base/shell_word.h"
#include "kafka/rd.h"

namespace paystats::kafka {
namespace {

struct Reserved {
  std::string_view name;
  std::string_view instead;
};

// What exactness rests on is not for the command line to change.
constexpr std::array kReserved = {
    Reserved{"group.id", "use --group"},
    Reserved{"group.instance.id", "use --instance"},
    Reserved{"transactional.id", "use --instance"},
    Reserved{"enable.auto.commit", "offsets are committed with what follows from them"},
    Reserved{"enable.auto.offset.store", "offsets are committed with what follows from them"},
    Reserved{"auto.offset.reset", "where to begin is known"},
    Reserved{"isolation.level", "uncommitted payments may never have been"},
    Reserved{"enable.partition.eof", "the end of a partition must be told"},
    Reserved{"enable.idempotence", "a payment sent twice would count twice"},
    Reserved{"partition.assignment.strategy", "revoked partitions must be known at once"},
    Reserved{"group.protocol", "partitions are given and taken as the classic protocol does it"},
    Reserved{"acks", "an acknowledgement must mean that the payment is stored"},
    Reserved{"request.required.acks", "an acknowledgement must mean that the payment is stored"},
    Reserved{"enable.gapless.guarantee", "a payment that was lost must be told"},
};

std::string_view trimmed(std::string_view text) {
  constexpr std::string_view kSpace = " \t\r";
  const size_t first = text.find_first_not_of(kSpace);
  if (first == std::string_view::npos) return {};
  return text.substr(first, text.find_last_not_of(kSpace) - first + 1);
}

base::Result<void> add_property(std::string_view text, std::string_view place,
                                KafkaSettings& settings) {
  const size_t equals = text.find('=');
  const std::string name(trimmed(text.substr(0, equals)));
  if (equals == std::string_view::npos || name.empty()) {
    return base::fail(fmt::format("{}: {}: not of the form key=value", place, text));
  }
  for (const Reserved& reserved : kReserved) {
    if (name == reserved.name) {
      return base::fail(fmt::format("{}: {} cannot be set: {}", place, name, reserved.instead));
    }
  }
  const std::string value(trimmed(text.substr(equals + 1)));
  std::array<char, 512> why{};
  const RdConf probe(rd_kafka_conf_new());
  if (rd_kafka_conf_set(probe.get(), name.c_str(), value.c_str(), why.data(), why.size()) !=
      RD_KAFKA_CONF_OK) {
    return base::fail(fmt::format("{}: {}: {}", place, name, why.data()));
  }
  settings.emplace_back(name, value);
  return {};
}

base::Result<void> add_file(const std::string& path, KafkaSettings& settings) {
  std::ifstream file(path);
  if (!file) return base::fail(base::system_error(path, errno));
  std::string line;
  for (int number = 1; std::getline(file, line); ++number) {
    const std::string_view text = trimmed(line);
    if (text.empty() || text.front() == '#') continue;
    if (base::Result<void> added = add_property(text, fmt::format("{}:{}", path, number), settings);
        !added) {
      return added;
    }
  }
  if (file.bad()) return base::fail(base::system_error(path, EIO));
  return {};
}

// Takes the brokers out of the properties, where they stand there.
std::string take_brokers(KafkaSettings& settings) {
  std::string brokers;
  std::erase_if(settings, [&](const auto& setting) {
    const bool is = setting.first == "bootstrap.servers" || setting.first == "metadata.broker.list";
    if (is) brokers = setting.second;
    return is;
  });
  return brokers;
}

}  // namespace

base::Result<std::unique_ptr<Cluster>> Cluster::make(const KafkaOptions& options,
                                                     const base::RunContext& context,
                                                     const base::Stop* stop) {
  KafkaSettings settings;
  if (options.property_file) {
    if (base::Result<void> added = add_file(*options.property_file, settings); !added) {
      return base::fail(added.error());
    }
  }
  for (const std::string& property : options.properties) {
    if (base::Result<void> added = add_property(property, "-X", settings); !added) {
      return base::fail(added.error());
    }
  }
  std::string brokers = take_brokers(settings);
  if (options.brokers) brokers = *options.brokers;
  if (brokers.empty()) {
    const char* const variable = std::getenv("KAFKA_BROKERS");
    if (variable != nullptr) brokers = variable;
  }
  if (brokers.empty()) {
    return base::fail("a topic needs a broker: -b HOST:PORT, or the environment's KAFKA_BROKERS");
  }
  return std::unique_ptr<Cluster>(new Cluster(std::move(brokers), std::move(settings), options,
                                              context, stop != nullptr ? *stop : context.stop));
}

Cluster::Cluster(std::string brokers, KafkaSettings settings, const KafkaOptions& options,
                 const base::RunContext& context, const base::Stop& stop)
    : brokers_(std::move(brokers)),
      settings_(std::move(settings)),
      create_topics_(options.create_topics),
      context_(context),
      stop_(stop),
      watch_(brokers_, options.broker_timeout, context.diagnostics, context.clock) {}

std::string Cluster::tool_options() const {
  std::string options = "--bootstrap-server " + base::shell_word(brokers_);
  const bool secured = std::ranges::any_of(settings_, [](const auto& setting) {
    return setting.first == "security.protocol" && setting.second != "plaintext" &&
           setting.second != "PLAINTEXT";
  });
  if (secured) options += " --command-config FILE";
  return options;
}

base::Result<void> Cluster::check_patience(base::Duration grace_after_stop) {
  if (stop_.requested()) {
    const base::Instant now = context_.clock.now();
    const base::MutexLock lock(mutex_);
    if (!stopped_) stopped_ = now - stop_.age();
    if (now - *stopped_ >= grace_after_stop) {
      return base::fail("a signal came while a broker was waited for",
                        base::ErrorKind::kInterrupted);
    }
  }
  return watch_.check();
}

}  // namespace paystats::kafka
