#include "log/payment_sink.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <string>
#include <utility>

#include "base/utc_text.h"
#include "io/stream_sink.h"
#include "log/payment_log.h"
#include "record/encoder.h"

namespace paystats::log {
namespace {

class LogPaymentSink final : public io::PaymentSink {
 public:
  LogPaymentSink(PaymentLog log, const base::Clock& clock) : log_(std::move(log)), clock_(clock) {}

  base::Result<void> put(const record::Request& request) override {
    record::append_request(lines_, request, base::UtcText(clock_.time_of_day()).view());
    return {};
  }

  base::Result<void> commit_lines(std::string_view lines) override {
    base::Result<void> committed = flush();
    return committed ? log_.commit(lines) : committed;
  }

  base::Result<void> flush() override {
    base::Result<void> committed = log_.commit(lines_);
    lines_.clear();
    return committed;
  }

  base::Result<void> close() override { return flush(); }
  bool request_is_line() const override { return true; }
  bool durable() const override { return true; }
  Aftermath aftermath() const override {
    return log_.broken() ? Aftermath::kBroken : Aftermath::kUndone;
  }

 private:
  PaymentLog log_;
  const base::Clock& clock_;
  std::string lines_;
};

base::Result<std::unique_ptr<io::PaymentSink>> as_sink(base::Result<PaymentLog> log,
                                                       const base::Clock& clock) {
  if (!log) return base::fail(log.error());
  return std::make_unique<LogPaymentSink>(std::move(*log), clock);
}

// An error where that cannot be told: as a stream nothing would be repaired.
base::Result<bool> stdout_is_a_log() {
  const int flags = ::fcntl(STDOUT_FILENO, F_GETFL);
  if (flags < 0) return base::fail(base::system_error("stdout", errno));
  if ((flags & O_APPEND) == 0) return false;
  struct stat status = {};
  if (::fstat(STDOUT_FILENO, &status) != 0) return base::fail(base::system_error("stdout", errno));
  return S_ISREG(status.st_mode);
}

}  // namespace

base::Result<std::unique_ptr<io::PaymentSink>> open_payment_sink(const io::Endpoint& endpoint,
                                                                 const base::Clock& clock,
                                                                 base::Diagnostics& diagnostics) {
  switch (endpoint.kind) {
    case io::Endpoint::Kind::kTopic:
      return base::fail(fmt::format("kafka:{}: this build cannot write topics", endpoint.name));
    case io::Endpoint::Kind::kStdio: {
      const base::Result<bool> is_log = stdout_is_a_log();
      if (!is_log) return base::fail(is_log.error());
      if (!*is_log) return io::open_stream_payment_sink(endpoint);
      return as_sink(PaymentLog::adopt(STDOUT_FILENO, "stdout", diagnostics), clock);
    }
    case io::Endpoint::Kind::kFile:
      break;
  }
  const base::Result<bool> special = io::is_special_file(endpoint.name);
  if (!special) return base::fail(special.error());
  if (*special) return io::open_stream_payment_sink(endpoint);
  return as_sink(PaymentLog::open(endpoint.name, diagnostics), clock);
}

}  // namespace paystats::log
