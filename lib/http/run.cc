#include "http/run.h"

#include <fmt/format.h>
#include <malloc.h>

#include <algorithm>
#include <utility>

#include "base/descriptor_limit.h"
#include "base/service_ready.h"
#include "io/wait.h"
#include "loop/event_loop.h"
#include "record/payment.h"

namespace paystats::http {
namespace {

// For a writer that does not come back from its sink, once everybody has been answered.
constexpr base::Duration kWriterTimeout = std::chrono::seconds(1);
// For the cache to be there: no warning where both start at once, but one for a mistyped path.
constexpr base::Duration kCacheTimeout = std::chrono::seconds(3);

// Between two looks for an address that comes late.
constexpr base::Duration kAddressInterval = std::chrono::seconds(1);

// What is larger is a mapping of its own, which goes back to the system when it is freed. By
// default glibc raises that size to the largest that has been freed, after which large bodies and
// answers leave holes in its heap: 2 to 7 MB of 20 to 30 in tests/tools/attacks.py.
constexpr int kMappedBytesMin = 128 << 10;

}  // namespace

class HttpRun::Impl {
 public:
  Impl(HttpRunOptions options, const base::RunContext& context)
      : options_(std::move(options)), context_(context) {}

  base::Result<void> open(std::unique_ptr<io::PaymentSink> sink, api::StaticFiles files,
                          std::unique_ptr<io::KeyedRequests> keyed);
  base::Result<void> run();
  bool output_stuck() const { return output_stuck_; }

 private:
  base::Result<void> await_address();
  PaymentWriter::Handlers writer_handlers();
  void announce(const Listener& listener, bool durable);
  void announce_keys();
  void keys_full(bool full);
  void broken(const base::Error& error);
  void stop();
  void served();
  void end_writer();
  void await_cache();

  const HttpRunOptions options_;
  const base::RunContext context_;
  loop::EventLoop loop_;  // before all that lives on it
  std::unique_ptr<api::Router> router_;
  std::unique_ptr<AnswerFeed> feed_;
  std::unique_ptr<PaymentWriter> writer_;
  std::unique_ptr<HttpServer> server_;  // after what it uses
  std::unique_ptr<loop::ReadableWatch> on_stop_;
  std::unique_ptr<loop::Ticker> last_call_;
  std::unique_ptr<loop::Ticker> no_cache_yet_;
  bool cache_seen_ = false;
  bool output_stuck_ = false;
  base::Result<void> outcome_;
};

PaymentWriter::Handlers HttpRun::Impl::writer_handlers() {
  return {.on_broken = [this](const base::Error& error) { broken(error); },
          .on_not_stored =
              [this](const base::Error& error) {
                context_.diagnostics.error(error.message + " (payments are refused meanwhile)");
              },
          .on_stored_again = [this] { context_.diagnostics.note("payments can be written again"); },
          .on_keys_full = [this](bool full) { keys_full(full); },
          .on_stopped =
              [this](const base::Result<void>& closed) {
                if (outcome_ && !closed) outcome_ = closed;
                last_call_.reset();
              }};
}

base::Result<void> HttpRun::Impl::await_address() {
  if (!options_.wait_for_address || !is_missing(loop_, options_.address)) return {};
  context_.diagnostics.warning(options_.address.host +
                               ": this machine does not have the address yet: waiting for it");
  base::tell_service_ready();  // a boot must not wait for the network as well
  const io::Waiter waiter(context_.stop, context_.clock);
  while (is_missing(loop_, options_.address)) {
    if (base::Result<void> paused = waiter.pause(kAddressInterval); !paused) return paused;
  }
  return {};
}

base::Result<void> HttpRun::Impl::open(std::unique_ptr<io::PaymentSink> sink,
                                       api::StaticFiles files,
                                       std::unique_ptr<io::KeyedRequests> keyed) {
  ::mallopt(M_MMAP_THRESHOLD, kMappedBytesMin);
  if (base::Result<void> opened = loop_.open(); !opened) return opened;
  const bool durable = sink->durable();
  api::PaymentRules rules = options_.rules;
  if (sink->request_is_line()) rules.line_bytes_max = record::kLineBytesMax;
  if (keyed) rules.keyed = {keyed->payments_max(), keyed->line_bytes_max()};
  rules.keys_need_topics = options_.output_is_topic && !keyed;
  router_ = std::make_unique<api::Router>(options_.router, std::move(files));
  feed_ = std::make_unique<AnswerFeed>(
      loop_, options_.stats_path, context_.clock, options_.feed, [this] {
        const bool connected = feed_->connected();
        if (connected != cache_seen_) {
          context_.diagnostics.detail(connected ? "the cache is there" : "the cache is away");
        }
        cache_seen_ = connected;
        if (connected) no_cache_yet_.reset();
        server_->totals_changed();
      });
  writer_ = std::make_unique<PaymentWriter>(loop_, std::move(sink), context_.clock, options_.writer,
                                            writer_handlers(), std::move(keyed));
  HttpLimits limits = options_.limits;
  const size_t possible = base::raise_descriptor_limit();
  if (possible < limits.connections_max) {
    context_.diagnostics.warning(
        fmt::format("there can be {} connections, not {}: the hard limit on open files is too low "
                    "(see ulimit -Hn)",
                    possible, limits.connections_max));
    limits.connections_max = possible;
  }
  server_ = std::make_unique<HttpServer>(loop_, *router_, rules, *feed_, *writer_, context_.clock,
                                         limits);
  if (base::Result<void> there = await_address(); !there) return there;
  base::Result<Listener> listener = Listener::open(loop_, options_.address);
  if (!listener) return base::fail(listener.error());
  announce(*listener, durable);
  server_->listen(std::move(*listener));
  base::tell_service_ready();
  return {};
}

void HttpRun::Impl::announce(const Listener& listener, bool durable) {
  base::Diagnostics& diagnostics = context_.diagnostics;
  if (listener.is_public()) {
    diagnostics.warning(
        fmt::format("{}: not a loopback address: whoever can reach it can read the "
                    "totals and submit payments",
                    listener.host()));
  }
  const std::string& output = options_.output_name;
  if (options_.output_is_topic) {
    diagnostics.note(fmt::format("an acknowledged payment has been committed to {}", output));
  } else if (durable) {
    diagnostics.note(fmt::format("an acknowledged payment is on the disk, in {}", output));
  } else {
    diagnostics.note(fmt::format(
        "an acknowledged payment has been handed to {}, which may still lose it", output));
  }
  announce_keys();
  if (options_.router.public_url) {
    diagnostics.note("the page is at " + options_.router.public_url->text() + ", by a proxy");
  }
  diagnostics.note("listening on " + listener.name());
}

// Of a log nothing need be said: what is on the disk has its key there as well.
void HttpRun::Impl::announce_keys() {
  base::Diagnostics& diagnostics = context_.diagnostics;
  switch (writer_->key_figures().kept) {
    case keys::KeyFigures::Kept::kProcess:
      diagnostics.note(
          "a request with an idempotency key is taken once, as long as this server runs");
      break;
    case keys::KeyFigures::Kept::kTopic:
      diagnostics.note(
          "a request with an idempotency key is taken once, whichever server it is sent to: keys "
          "are kept in the topics");
      break;
    case keys::KeyFigures::Kept::kNot:
      diagnostics.note(
          fmt::format("idempotency keys are not kept: a request that has one is refused{}",
                      options_.output_is_topic ? " (see --requests and --answers)" : ""));
      break;
    case keys::KeyFigures::Kept::kLog:
      break;
  }
}

void HttpRun::Impl::keys_full(bool full) {
  if (full) {
    context_.diagnostics.warning(
        "as many idempotency keys are remembered as there may be (see --keys-max): requests with "
        "new ones are refused until others are older than --idempotency-memory");
  } else {
    context_.diagnostics.note("there is room for idempotency keys again");
  }
}

base::Result<void> HttpRun::Impl::run() {
  if (base::Result<void> started = writer_->start(); !started) {
    end_writer();
    return started;
  }
  on_stop_ = std::make_unique<loop::ReadableWatch>(loop_, context_.stop.fd(), [this] { stop(); });
  feed_->start();
  server_->start();
  await_cache();
  const base::Result<void> looped = loop_.run();
  if (!looped && outcome_) outcome_ = looped;
  feed_->stop();  // after a loop that failed, while there is still a server to be told
  end_writer();
  return outcome_;
}

// A wrong --stats path would show in the answers alone.
void HttpRun::Impl::await_cache() {
  no_cache_yet_ = std::make_unique<loop::Ticker>(loop_, kCacheTimeout, [this] {
    no_cache_yet_.reset();
    context_.diagnostics.warning(
        options_.stats_path + ": no cache answers there yet: totals are unavailable (see --stats)");
  });
}

// Nothing that is posted from now on will ever be written.
void HttpRun::Impl::broken(const base::Error& error) {
  if (outcome_) {
    // A reader that has gone is no quiet end here: payments would be lost.
    outcome_ =
        base::fail(error.kind == base::ErrorKind::kClosedOutput
                       ? base::Error{options_.output_name + ": nobody reads the payments any more"}
                       : error);
  }
  stop();
}

void HttpRun::Impl::stop() {
  on_stop_.reset();
  no_cache_yet_.reset();
  writer_->end_waits_after(options_.limits.stop_timeout / 2);  // while they can still be told
  server_->stop([this] { served(); });
}

void HttpRun::Impl::served() {
  feed_->stop();
  writer_->stop();
  last_call_ = std::make_unique<loop::Ticker>(loop_, kWriterTimeout, [this] {
    end_writer();
    writer_.reset();  // the loop has nothing to wait for any more
    last_call_.reset();
  });
}

void HttpRun::Impl::end_writer() {
  if (!writer_ || writer_->end()) return;
  output_stuck_ = true;
  if (outcome_) {
    outcome_ =
        base::fail(options_.output_name + ": does not take the payments that were under way");
  }
}

HttpRun::HttpRun(HttpRunOptions options, const base::RunContext& context)
    : impl_(std::make_unique<Impl>(std::move(options), context)) {}

HttpRun::~HttpRun() = default;

base::Result<void> HttpRun::open(std::unique_ptr<io::PaymentSink> sink, api::StaticFiles files,
                                 std::unique_ptr<io::KeyedRequests> keyed) {
  return impl_->open(std::move(sink), std::move(files), std::move(keyed));
}

base::Result<void> HttpRun::run() {
  return impl_->run();
}

bool HttpRun::output_stuck() const {
  return impl_->output_stuck();
}

}  // namespace paystats::http
