// A whole server in this process, on a thread of its own, with a cache beside it that comes and
// goes as a test wants; and clients that are plain blocking sockets, to send whatever bytes.
#pragma once

#include <arpa/inet.h>
#include <gtest/gtest.h>
#include <netinet/in.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <chrono>
#include <condition_variable>
#include <functional>
#include <future>
#include <memory>
#include <mutex>
#include <new>
#include <optional>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "base/clock.h"
#include "base/fd.h"
#include "base/stop_signal.h"
#include "cache/server.h"
#include "http/payment_writer.h"
#include "http/server.h"
#include "keys/ledger.h"
#include "unit/cache/fixture.h"  // eventually()
#include "unit/http/fake_keyed_requests.h"
#include "unit/loop/client.h"
#include "unit/support.h"

namespace paystats::http {

// A sink that a test can hold up, or let fail. It remembers keys if it is told to.
class TrickySink final : public io::PaymentSink, public io::KeyedPayments {
 public:
  struct Control {
    std::mutex mutex;
    std::condition_variable changed;
    bool held = false;       // in put()
    bool turn_held = false;  // in begin()
    bool keeps_keys = false;
    bool keys_read = true;
    bool key_unreadable = false;
    bool keys_full = false;
    bool no_turn = false;  // begin() fails
    int turns_waiting = 0;
    bool has_room = false;  // as a probe finds it
    int probes = 0;
    int abandons = 0;
    int failures = 0;  // so many flushes fail from now on
    bool recovers = true;
    uint64_t payments = 0;  // flushed
    uint64_t flushes = 0;
    uint64_t puts_begun = 0;

    void hold(bool now) {
      const std::lock_guard lock(mutex);
      held = now;
      changed.notify_all();
    }
    void hold_turn(bool now) {
      const std::lock_guard lock(mutex);
      turn_held = now;
    }
    void make_room() {
      const std::lock_guard lock(mutex);
      has_room = true;
    }
    // The sink, too, is of no more use: as a probe finds it.
    void break_now() {
      const std::lock_guard lock(mutex);
      recovers = false;
    }
    int probes_so_far() {
      const std::lock_guard lock(mutex);
      return probes;
    }
    bool turn_is_waited_for() {
      const std::lock_guard lock(mutex);
      return turns_waiting > 0;
    }
    void fail_next(int count, bool then_recovers = true) {
      const std::lock_guard lock(mutex);
      failures = count;
      recovers = then_recovers;
    }
    uint64_t flushed() {
      const std::lock_guard lock(mutex);
      return payments;
    }
  };

  explicit TrickySink(std::shared_ptr<Control> control, int reader_fd = -1)
      : control_(std::move(control)), reader_fd_(reader_fd) {}

  base::Result<io::Turn> begin(int cancel_fd) override {
    for (;;) {
      {
        const std::lock_guard lock(control_->mutex);
        if (control_->no_turn) return base::fail("sink: is a directory");
        control_->turns_waiting = control_->turn_held ? 1 : 0;
        if (!control_->turn_held) return io::Turn();
      }
      pollfd cancel = {cancel_fd, POLLIN, 0};
      if (::poll(&cancel, 1, 5) > 0) return io::Turn{.mine = false};
    }
  }
  base::Result<keys::KeyAnswer> put_once(const record::Request& request) override {
    {
      const std::lock_guard lock(control_->mutex);
      if (control_->key_unreadable) return base::fail("log: input/output error");
      if (!control_->keys_read) {
        return keys::KeyAnswer{.kind = keys::KeyAnswer::Kind::kNotReadYet};
      }
      if (control_->keys_full) return keys::KeyAnswer{.kind = keys::KeyAnswer::Kind::kNoRoom};
    }
    base::Result<keys::KeyAnswer> answer = ledger_.judge(request, base::Instant());
    if (!answer || answer->kind != keys::KeyAnswer::Kind::kNew) return answer;
    lies_.push_back(keys::keyed_request(request));
    ledger_.bind(request.idempotency_key, lies_.back(), lies_.size() - 1);
    if (base::Result<void> done = put(request); !done) return base::fail(done.error());
    return answer;
  }
  base::Result<keys::KeyAnswer> find(std::string_view key) override {
    const std::lock_guard lock(control_->mutex);
    if (control_->key_unreadable) return base::fail("log: input/output error");
    if (!control_->keys_read) return keys::KeyAnswer{.kind = keys::KeyAnswer::Kind::kNotReadYet};
    return ledger_.find(key);
  }
  base::Result<void> follow() override { return {}; }
  keys::KeyFigures figures() const override {
    const std::lock_guard lock(control_->mutex);
    return {.kept = keys::KeyFigures::Kept::kProcess,
            .keys_young = control_->keys_full ? uint64_t{8} : uint64_t{0},
            .keys_max = 8};
  }
  std::string describe(const keys::KeyAnswer&) const override { return {}; }
  io::KeyedPayments* keyed() override { return control_->keeps_keys ? this : nullptr; }

  base::Result<void> put(const record::Request& request) override {
    std::unique_lock lock(control_->mutex);
    ++control_->puts_begun;
    control_->changed.notify_all();
    control_->changed.wait(lock, [&] { return !control_->held; });
    for (const record::Batch& batch : request.batches) pending_ += batch.volume;
    return {};
  }
  base::Result<void> commit_lines(std::string_view) override { return {}; }
  base::Result<void> flush() override {
    const std::lock_guard lock(control_->mutex);
    const uint64_t put = std::exchange(pending_, 0);
    ++control_->flushes;
    if (control_->failures > 0) {
      --control_->failures;
      ledger_.drop();
      return base::fail("sink: no space left on device");
    }
    control_->payments += put;
    ledger_.confirm(base::Instant());
    return {};
  }
  void abandon() override {
    const std::lock_guard lock(control_->mutex);
    ++control_->abandons;
    pending_ = 0;
    ledger_.drop();
  }
  base::Result<bool> probe() override {
    const std::lock_guard lock(control_->mutex);
    ++control_->probes;
    EXPECT_EQ(pending_, 0u);
    if (!control_->recovers) return base::fail("sink: input/output error");
    return control_->has_room;
  }
  base::Result<void> close() override { return flush(); }
  Aftermath aftermath() const override {
    const std::lock_guard lock(control_->mutex);
    return control_->recovers ? Aftermath::kUndone : Aftermath::kBroken;
  }
  int reader_fd() const override { return reader_fd_; }

 private:
  const std::shared_ptr<Control> control_;
  const int reader_fd_;
  uint64_t pending_ = 0;
  std::vector<keys::KeyedRequest> lies_;
  keys::Ledger ledger_{{}, [this](uint64_t place) {
                         return base::Result<std::optional<keys::KeyedRequest>>(lies_[place]);
                       }};
};

class HttpClient : public loop::SocketClient {
 public:
  explicit HttpClient(uint16_t port, int receive_buffer_bytes = 0)
      : SocketClient(base::UniqueFd(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0))) {
    if (receive_buffer_bytes > 0) {
      ::setsockopt(fd_.get(), SOL_SOCKET, SO_RCVBUF, &receive_buffer_bytes,
                   sizeof receive_buffer_bytes);
    }
    sockaddr_in address = {};
    address.sin_family = AF_INET;
    address.sin_port = htons(port);
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    connect_to(address);
  }

  // What comes until the server ends the connection; ended() says whether it did in time.
  std::string read_all() {
    while (receive()) {
    }
    return std::exchange(received_, {});
  }

  // One response with a Content-Length (or none), or all that came.
  std::string read_response(bool head_only = false) {
    const std::optional<std::string> head = receive_through("\r\n\r\n");
    if (!head) return std::exchange(received_, {});
    size_t size = 0;
    const size_t length = head->find("Content-Length: ");
    if (!head_only && length != std::string::npos) {
      size = static_cast<size_t>(std::stoul(head->substr(length + 16)));
    }
    while (received_.size() < size && receive()) {
    }
    return *head + take(size);
  }

  // Until `text` has come; all that came so far is returned and forgotten up to behind it.
  std::string read_until(std::string_view text) { return receive_through(text).value_or(""); }
};

inline int status_of(const std::string& response) {
  return response.starts_with("HTTP/1.1 ") ? std::stoi(response.substr(9)) : 0;
}

class HttpHarness {
 public:
  struct Settings {
    ListenAddress address = {.host = "localhost", .port = 0, .socket_path = {}};
    HttpLimits limits = {};
    PaymentWriterLimits writer = {};
    api::PaymentRules rules = {};
    int reader_fd = -1;
    bool keeps_keys = false;
    std::shared_ptr<FakeKeyedRequests::Control> keyed = nullptr;  // null: the sink has all
  };

  HttpHarness() : HttpHarness(Settings()) {}
  explicit HttpHarness(const Settings& settings)
      : path_(folder_ / "stats.sock"),
        router_(api::RouterOptions{}, page()),
        control(std::make_shared<TrickySink::Control>()) {
    feed_ = std::make_unique<AnswerFeed>(loop_, path_, clock_, AnswerFeedOptions{},
                                         [this] { server_->totals_changed(); });
    PaymentWriter::Handlers handlers{
        .on_broken =
            [this](const base::Error& error) {
              broken_message = error.message;
              ++times_broken;
            },
        .on_not_stored = [](const base::Error&) {},
        .on_stored_again = [] {},
        .on_keys_full = [this](bool full) { keys_full_told.push_back(full); },
        .on_stopped = [](const base::Result<void>&) {}};
    control->keeps_keys = settings.keeps_keys;
    api::PaymentRules rules = settings.rules;
    std::unique_ptr<io::KeyedRequests> keyed;
    if (settings.keyed) {
      keyed = std::make_unique<FakeKeyedRequests>(settings.keyed);
      rules.keyed = {keyed->payments_max(), keyed->line_bytes_max()};
    }
    writer_ = std::make_unique<PaymentWriter>(
        loop_, std::make_unique<TrickySink>(control, settings.reader_fd), clock_, settings.writer,
        handlers, std::move(keyed));
    HttpLimits limits = settings.limits;
    limits.check_interval = std::chrono::milliseconds(20);
    server_ = std::make_unique<HttpServer>(loop_, router_, rules, *feed_, *writer_, clock_, limits);
    base::Result<Listener> listener = Listener::open(loop_, settings.address);
    EXPECT_TRUE(listener) << listener.error().message;
    port = listener->port();
    server_->listen(std::move(*listener));
    EXPECT_TRUE(writer_->start());
    feed_->start();
    server_->start();
    thread_ = std::thread([this] { EXPECT_TRUE(loop_.run()); });
  }
  HttpHarness(const HttpHarness&) = delete;
  HttpHarness& operator=(const HttpHarness&) = delete;

  ~HttpHarness() {
    control->hold(false);
    control->hold_turn(false);
    begin_stop();
    thread_.join();
    server_.reset();
    cache_.reset();
    writer_.reset();
    feed_.reset();
  }

  // Runs `task` on the loop's thread and waits for it.
  void on_loop(const std::function<void()>& task) {
    std::promise<void> done;
    loop_.post([&] {
      task();
      done.set_value();
    });
    done.get_future().wait();
  }

  // `task` runs here, and the loop sees nothing of it before it is done.
  void while_loop_stands(const std::function<void()>& task) {
    std::promise<void> done;
    std::promise<void> stands;
    loop_.post([&stands, goes_on = done.get_future().share()] {
      stands.set_value();
      goes_on.wait();
    });
    stands.get_future().wait();
    task();
    done.set_value();
  }

  // Once: the loop ends by it, and would not hear of it again.
  void begin_stop() {
    if (std::exchange(stopping_, true)) return;
    on_loop([this] {
      if (cache_) cache_->stop();
      server_->stop([this] {
        feed_->stop();
        writer_->stop();
      });
    });
  }

  void end_waits_after(base::Duration time) {
    on_loop([&] { writer_->end_waits_after(time); });
  }

  // A cache of this instance comes, with these totals.
  void start_cache(uint64_t instance) {
    on_loop([&] {
      view_ = std::make_shared<view::View>(
          view::ViewOptions{.instance = instance, .hash_seed = 1, .users_max = 1'000'000});
      view_->set_ready();
      base::Result<loop::SocketClaim> claim = loop::SocketClaim::take(path_);
      ASSERT_TRUE(claim) << claim.error().message;
      cache::CacheServerOptions options;
      options.watch_interval = std::chrono::milliseconds(10);
      cache_ =
          std::make_unique<cache::CacheServer>(loop_, std::move(*claim), view_, clock_, options);
      EXPECT_TRUE(cache_->start());
    });
    EXPECT_TRUE(eventually([&] { return figures().cache_ready; }));
  }
  void stop_cache() {
    on_loop([&] { cache_->stop(); });
    EXPECT_TRUE(eventually([&] { return !figures().cache_connected; }));
    on_loop([&] { cache_.reset(); });
  }
  void set_total(std::string_view user, int64_t euros) {
    on_loop([&] {
      record::Stats stats;
      stats.user = user;
      stats.sum = money::Decimal::from_nanos(money::Int128{euros} * 1'000'000'000);
      stats.count = 1;
      view_->apply(stats);
      cache_->view_changed();
    });
  }

  api::ServerFigures figures() {
    api::ServerFigures figures;
    on_loop([&] { figures = server_->figures(); });
    return figures;
  }

  HttpClient client(int receive_buffer_bytes = 0) { return HttpClient(port, receive_buffer_bytes); }
  std::string host() const { return "Host: localhost:" + std::to_string(port) + "\r\n"; }
  std::string get(const std::string& target, const std::string& fields = {}) const {
    return "GET " + target + " HTTP/1.1\r\n" + host() + fields + "\r\n";
  }
  std::string post(const std::string& body, const std::string& fields = {}) const {
    return "POST /api/payments HTTP/1.1\r\n" + host() + "Content-Type: application/json\r\n" +
           "Content-Length: " + std::to_string(body.size()) + "\r\n" + fields + "\r\n" + body;
  }
  // One request on a connection of its own.
  std::string ask(const std::string& request) {
    HttpClient one = client();
    one.send(request);
    return one.read_response(request.starts_with("HEAD"));
  }
  // The answer to bytes that end the connection.
  std::string provoke(const std::string& bytes) {
    HttpClient one = client();
    one.send(bytes);
    std::string answer = one.read_all();
    EXPECT_TRUE(one.ended()) << "the connection is still open";
    return answer;
  }
  bool alive() { return status_of(ask(get("/healthz"))) == 200; }

  static api::StaticFiles page() {
    api::StaticFiles files;
    files.add("index.html", "<!doctype html>");
    files.add("large.bin", std::string(8 << 20, 'x'));
    return files;
  }

 private:
  const base::SystemClock clock_;
  const base::StopSignal stop_;  // a client that has gone is no SIGPIPE
  const TempFolder folder_;
  const std::string path_;
  const api::Router router_;

 public:
  const std::shared_ptr<TrickySink::Control> control;
  std::string broken_message;  // of the loop's thread, as the next one is
  int times_broken = 0;
  std::vector<bool> keys_full_told;
  uint16_t port = 0;

 private:
  loop::EventLoop loop_;
  std::shared_ptr<view::View> view_;
  std::unique_ptr<AnswerFeed> feed_;
  std::unique_ptr<PaymentWriter> writer_;
  std::unique_ptr<HttpServer> server_;
  std::unique_ptr<cache::CacheServer> cache_;
  bool stopping_ = false;
  std::thread thread_;
};

}  // namespace paystats::http
