#include "cache/metrics_writer.h"

#include <fmt/format.h>

#include <iterator>
#include <utility>

#include "io/sink.h"

namespace paystats::cache {

MetricsWriter::MetricsWriter(std::string path, base::Diagnostics& diagnostics)
    : path_(std::move(path)), diagnostics_(diagnostics) {}

MetricsWriter::~MetricsWriter() {
  end_thread();
}

base::Result<void> MetricsWriter::write(const std::string& text) {
  return io::replace_file(path_, text);
}

void MetricsWriter::offer(std::string text) {
  {
    const base::MutexLock lock(mutex_);
    offered_ = std::move(text);
  }
  wake_.notify_one();
  if (!writer_.joinable()) start_thread();
}

void MetricsWriter::start_thread() {
  base::Result<base::Thread> writer = base::start_thread([this] { write_offers(); });
  if (writer) {
    writer_ = std::move(*writer);
  } else if (!std::exchange(warned_of_thread_, true)) {
    diagnostics_.warning(path_ + ": is not renewed: " + writer.error().message);
  }
}

base::Result<void> MetricsWriter::close(const std::string& text) {
  end_thread();
  return write(text);
}

void MetricsWriter::end_thread() {
  {
    const base::MutexLock lock(mutex_);
    closing_ = true;
  }
  wake_.notify_one();
  if (writer_.joinable()) writer_.join();
}

void MetricsWriter::write_offers() {
  bool warned = false;
  for (;;) {
    std::string text;
    {
      base::MutexLock lock(mutex_);
      while (!offered_ && !closing_) wake_.wait(lock);
      if (closing_) return;
      text = *std::exchange(offered_, std::nullopt);
    }
    const base::Result<void> written = write(text);
    if (!written && !warned) diagnostics_.warning(written.error().message);
    warned = !written;
  }
}

std::string metrics_text(const CacheFigures& figures) {
  std::string text;
  const auto add = [&text](const char* name, const char* type, const char* help, uint64_t value) {
    fmt::format_to(std::back_inserter(text),
                   "# HELP paystats_cache_{0} {1}\n# TYPE paystats_cache_{0} {2}\n"
                   "paystats_cache_{0} {3}\n",
                   name, help, type, value);
  };
  add("records_read_total", "counter", "Lines of stats read, accepted or not.",
      figures.accepted + figures.rejected);
  add("records_accepted_total", "counter", "Lines of stats applied.", figures.accepted);
  add("records_rejected_total", "counter", "Lines put aside.", figures.rejected);
  add("users", "gauge", "Users held.", figures.users);
  add("version", "counter", "Changes since the start.", figures.version);
  add("ready", "gauge", "1 once all that was there at the start has been read.",
      figures.ready ? 1 : 0);
  add("connections", "gauge", "Clients connected to the socket.", figures.connections);
  add("connections_total", "counter", "Clients that have connected.", figures.connections_seen);
  return text;
}

}  // namespace paystats::cache
