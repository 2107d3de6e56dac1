// What the tests of the durable log share.
#pragma once

#include <fmt/format.h>
#include <gtest/gtest.h>

#include <filesystem>
#include <string>

#include "log/payment_log.h"
#include "unit/io/faults.h"
#include "unit/io/support.h"

namespace paystats::log {

inline constexpr const char* kOne = "{\"user\":\"a\",\"paymentAmt\":1}";
inline constexpr const char* kTwo = "{\"user\":\"b\",\"paymentAmt\":2}";

inline std::string plain(const std::string& payment) {
  return fmt::format("{}\n", payment);
}

class PaymentLogTest : public ::testing::Test {
 protected:
  base::Result<void> commit(std::string_view lines) {
    base::Result<PaymentLog> log = PaymentLog::open(path_, words_.diagnostics);
    if (!log) return base::fail(log.error());
    return log->commit(lines);
  }
  std::string bytes() const { return io::file_bytes(path_); }
  std::string torn() const { return io::file_bytes(path_ + ".torn"); }
  void remove_torn() const { std::filesystem::remove(path_ + ".torn"); }

  const io::FaultsOff off_;
  const TempFolder folder_;
  const std::string path_ = folder_ / "payments.jsonl";
  io::Words words_;
};

}  // namespace paystats::log
