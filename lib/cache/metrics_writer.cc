#include "cache/metrics_writer.h"

#include <utility>

#include "base/metrics_text.h"
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
  base::MetricsText text("paystats_cache_");
  text.build_info();
  text.counter("records_read_total", "Lines of stats read, accepted or not.",
               figures.accepted + figures.rejected);
  text.counter("records_accepted_total", "Lines of stats applied.", figures.accepted);
  text.counter("records_rejected_total", "Lines put aside.", figures.rejected);
  text.gauge("users", "Users held.", figures.users);
  text.counter("version", "Changes since the start.", figures.version);
  text.gauge("ready", "1 once all that was there at the start has been read.",
             figures.ready ? 1 : 0);
  text.gauge("connections", "Clients connected to the socket.", figures.connections);
  text.counter("connections_total", "Clients that have connected.", figures.connections_seen);
  return text.take();
}

}  // namespace paystats::cache
