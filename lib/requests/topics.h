// The two topics of requests and answers: whether they are there, and whether keys are safe in
// them.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

#include "base/clock.h"
#include "base/result.h"
#include "kafka/cluster.h"
#include "kafka/topics.h"
#include "record/payment.h"
#include "requests/start.h"

namespace paystats::requests {

// True where both are there and are right for keys that are known for `memory`; they are made
// where the user said --create-topics. False: one of them is missing, which `missing` names. An
// error says what is wrong with them, and the command that mends it.
struct TopicsCheck {
  bool usable = false;
  std::string missing = {};
  int32_t partitions = 0;                            // that both have
  size_t request_bytes_max = record::kLineBytesMax;  // that the topic of requests takes
};
base::Result<TopicsCheck> check_topics(kafka::Cluster& cluster, const TopicNames& names,
                                       base::Duration memory);

// Settings of one of them by which keys could be forgotten before `memory` has passed.
struct WrongSetting {
  std::string name;
  std::string found;
  std::string wanted;
};
std::vector<WrongSetting> wrong_settings(const kafka::TopicSettings& settings,
                                         base::Duration memory);

// Whether an answer is kept for at least as long as its request, as far as the settings are known.
bool outlives(const kafka::TopicSettings& answers, const kafka::TopicSettings& requests);

}  // namespace paystats::requests
