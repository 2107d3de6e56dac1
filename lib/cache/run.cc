#include "cache/run.h"

#include <fmt/format.h>
#include <signal.h>

#include <algorithm>
#include <utility>
#include <vector>

#include "base/descriptor_limit.h"
#include "base/hash.h"
#include "cache/metrics_writer.h"
#include "cache/stats_feed.h"
#include "loop/event_loop.h"
#include "loop/socket_claim.h"
#include "record/decoder.h"

namespace paystats::cache {

class CacheRun::Impl {
 public:
  Impl(CacheRunOptions options, const CacheRunContext& context)
      : options_(std::move(options)), context_(context), view_(make_view()) {}

  base::Result<void> open();
  base::Result<void> run();
  const view::View& view() const { return *view_; }

 private:
  std::shared_ptr<view::View> make_view() const;
  void begin_anew();
  base::Result<void> apply(StatsBatch& batch);
  void input_ended(const base::Result<void>& outcome);
  void stop_requested();
  void wind_down();
  void view_changed();
  std::string metrics() const;

  const CacheRunOptions options_;
  const CacheRunContext context_;
  std::shared_ptr<view::View> view_;
  loop::EventLoop loop_;  // before all that lives on it
  std::unique_ptr<CacheServer> server_;
  std::unique_ptr<StatsFeed> feed_;
  std::unique_ptr<loop::ReadableWatch> on_stop_;
  std::unique_ptr<loop::Ticker> each_second_;
  std::unique_ptr<MetricsWriter> metrics_writer_;

  std::vector<view::View::RejectedRow> rejected_;  // memory of apply()
  uint64_t accepted_ = 0;
  bool warned_of_kind_ = false;
  bool input_over_ = false;
  base::Result<void> outcome_;
};

std::shared_ptr<view::View> CacheRun::Impl::make_view() const {
  return std::make_shared<view::View>(
      view::ViewOptions{.instance = base::random_hash_seed(),  // 64 random bits like any others
                        .hash_seed = base::random_hash_seed(),
                        .users_max = static_cast<size_t>(options_.users_max)});
}

// What was held is of a topic that is another one now.
void CacheRun::Impl::begin_anew() {
  view_ = make_view();
  if (server_) server_->begin_anew(view_);
}

base::Result<void> CacheRun::Impl::open() {
  if (base::Result<void> opened = loop_.open(); !opened) return opened;
  if (options_.socket_path) {
    CacheServerOptions limits = options_.server;
    limits.connections_max = std::min(limits.connections_max, base::raise_descriptor_limit());
    base::Result<loop::SocketClaim> claim = loop::SocketClaim::take(*options_.socket_path);
    if (!claim) return base::fail(claim.error());
    server_ =
        std::make_unique<CacheServer>(loop_, std::move(*claim), view_, context_.run.clock, limits);
    context_.run.diagnostics.detail("listening on " + *options_.socket_path);
  }
  if (options_.metrics_path) {
    metrics_writer_ =
        std::make_unique<MetricsWriter>(*options_.metrics_path, context_.run.diagnostics);
    return metrics_writer_->write(metrics());
  }
  return {};
}

base::Result<void> CacheRun::Impl::run() {
  feed_ = std::make_unique<StatsFeed>(
      loop_, context_.input, context_.rejects, context_.run.clock, context_.progress,
      StatsFeed::Handlers{.on_batch = [this](StatsBatch& batch) { return apply(batch); },
                          .on_pause =
                              [this] {
                                view_->set_ready();
                                view_changed();
                              },
                          .on_end = [this](const base::Result<void>& end) { input_ended(end); }});
  on_stop_ = std::make_unique<loop::ReadableWatch>(loop_, context_.run.stop.fd(),
                                                   [this] { stop_requested(); });
  if (metrics_writer_) {
    each_second_ = std::make_unique<loop::Ticker>(loop_, kMetricsInterval,
                                                  [this] { metrics_writer_->offer(metrics()); });
  }
  if (base::Result<void> started = feed_->start(); !started) return started;

  base::Result<void> looped = server_ ? server_->start() : base::Result<void>();
  if (looped) looped = loop_.run();
  if (!looped) outcome_ = looped;
  // The reader may still wait for input that nobody wants; only a signal can tell it.
  if (!outcome_) context_.run.stop.request(SIGTERM);
  feed_.reset();
  if (metrics_writer_) {
    const base::Result<void> written = metrics_writer_->close(metrics());
    if (outcome_ && !written) outcome_ = written;
  }
  return outcome_;
}

base::Result<void> CacheRun::Impl::apply(StatsBatch& batch) {
  if (batch.begins_anew) {
    begin_anew();
    return {};
  }
  rejected_.clear();
  view_->apply(batch.rows, rejected_);
  for (const view::View::RejectedRow& rejected : rejected_) {
    if (rejected.why == view::Applied::kUsersFull) {
      return base::fail(fmt::format("more than {} users: raise --users-max", options_.users_max));
    }
    const record::Flaw flaw = rejected.why == view::Applied::kSumOverflow
                                  ? record::Flaw::kSumOverflow
                                  : record::Flaw::kCountOverflow;
    const std::string error = record::describe(flaw, record::FieldNames{});
    base::Result<void> added = context_.rejects.add(batch.reject(*rejected.row, error));
    if (!added) return added;
  }
  accepted_ += batch.rows.size() - rejected_.size();
  for (const StatsBatch::Tombstone& tombstone : batch.tombstones) {
    if (!view::was_rejected(view_->take_back(tombstone.user, tombstone.at.partition))) {
      ++accepted_;
      continue;
    }
    const std::string error = record::describe(record::Flaw::kSumOverflow, record::FieldNames{});
    if (base::Result<void> added = context_.rejects.add(batch.reject(tombstone, error)); !added) {
      return added;
    }
  }
  if (view_->kind_changes() > 0 && !warned_of_kind_) {
    warned_of_kind_ = true;
    context_.run.diagnostics.warning(
        "stats with and without a partition came for one user: the newer kind replaces the other; "
        "do two programs feed this cache?");
  }
  view_changed();
  return {};
}

void CacheRun::Impl::view_changed() {
  if (server_) server_->view_changed();
}

void CacheRun::Impl::input_ended(const base::Result<void>& outcome) {
  input_over_ = true;
  outcome_ = outcome;
  if (outcome && !view_->ready()) view_->set_ready();
  view_changed();
  const bool stays = options_.hold && server_ && outcome && !context_.run.stop.requested();
  if (!stays) wind_down();
}

void CacheRun::Impl::stop_requested() {
  if (options_.on_stop) options_.on_stop();
  // The source has seen the signal as well, and decides what is still to be read.
  if (input_over_) wind_down();
}

void CacheRun::Impl::wind_down() {
  if (server_) server_->stop();
  on_stop_.reset();
  each_second_.reset();
}

std::string CacheRun::Impl::metrics() const {
  return metrics_text({.accepted = accepted_,
                       .rejected = context_.rejects.count(),
                       .users = view_->users(),
                       .version = view_->version(),
                       .ready = view_->ready(),
                       .connections = server_ ? server_->connections() : 0,
                       .connections_seen = server_ ? server_->connections_seen() : 0});
}

CacheRun::CacheRun(CacheRunOptions options, const CacheRunContext& context)
    : impl_(std::make_unique<Impl>(std::move(options), context)) {}

CacheRun::~CacheRun() = default;

base::Result<void> CacheRun::open() {
  return impl_->open();
}

base::Result<void> CacheRun::run() {
  return impl_->run();
}

const view::View& CacheRun::view() const {
  return impl_->view();
}

}  // namespace paystats::cache
