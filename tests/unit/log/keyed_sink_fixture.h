// What the tests of the log's payment sink with idempotency keys share.
#pragma once

#include <fmt/format.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <memory>
#include <string>
#include <string_view>
#include <thread>

#include "log/payment_sink.h"
#include "unit/io/faults.h"
#include "unit/io/support.h"

namespace paystats::log {

class KeyedSinkTest : public ::testing::Test {
 protected:
  using Kind = keys::KeyAnswer::Kind;

  KeyedSinkTest() { io::faults().disk_is_memory = true; }

  std::unique_ptr<io::PaymentSink> open(const LogKeysOptions& options = {}) {
    auto sink = open_payment_sink(*io::Endpoint::parse(path_), options, clock_, words_.diagnostics);
    EXPECT_TRUE(sink);
    return sink ? std::move(*sink) : nullptr;
  }
  record::Request request(std::string_view key, uint64_t volume = 1) {
    batch_ = {.user = "edgar",
              .amount_text = "1",
              .amount = money::Decimal::from_nanos(1'000'000'000),
              .volume = volume};
    return {.batches = {&batch_, 1}, .idempotency_key = key};
  }
  // One request in a turn of its own. Where keys of before the start are still being read, again.
  keys::KeyAnswer once(io::PaymentSink& sink, std::string_view key, uint64_t volume = 1) {
    for (int tries = 0; tries < 1000; ++tries) {
      EXPECT_TRUE(sink.begin(-1));
      const auto answer = sink.keyed()->put_once(request(key, volume));
      EXPECT_TRUE(answer) << answer.error().message;
      EXPECT_TRUE(sink.flush());
      if (!answer) return {};
      if (answer->kind != Kind::kNotReadYet) return *answer;
      std::this_thread::sleep_for(std::chrono::milliseconds(2));
    }
    ADD_FAILURE() << "keys are not read";
    return {};
  }
  size_t lines() const {
    const std::string bytes = io::file_bytes(path_);
    return static_cast<size_t>(std::count(bytes.begin(), bytes.end(), '\n'));
  }

  const io::FaultsOff off_;
  const TempFolder folder_;
  const std::string path_ = folder_ / "payments.jsonl";
  io::Words words_;
  base::ManualClock clock_;
  record::Batch batch_;
};

}  // namespace paystats::log
