#include "http/event_stream.h"

#include <algorithm>
#include <array>
#include <utility>

namespace paystats::http {
namespace {

std::array<loop::asio::const_buffer, 3> rest_of(const api::StreamEvent& event, size_t written) {
  std::array buffers = {loop::asio::buffer(event.head),
                        event.data ? loop::asio::buffer(*event.data) : loop::asio::const_buffer(),
                        loop::asio::buffer(event.tail.data(), event.tail.size())};
  for (loop::asio::const_buffer& buffer : buffers) {
    const size_t passed = std::min(written, buffer.size());
    buffer += passed;
    written -= passed;
  }
  return buffers;
}

}  // namespace

class EventStreams::Stream final : public LivePages::Watcher,
                                   public Holder,
                                   public std::enable_shared_from_this<EventStreams::Stream> {
 public:
  Stream(Socket socket, EventStreams& home) : socket_(std::move(socket)), home_(&home) {}

  void start(const protocol::PageQuery& query);
  void on_event(const api::SharedEvent& event) override;
  void check(base::Instant now);
  void close();
  void give_way() override;
  void leave_home() {
    unread_.end();
    home_ = nullptr;
  }

  size_t place = 0;  // in its home

 private:
  void write_some();
  void wait_for_room();

  Socket socket_;
  EventStreams* home_;  // null: it is no more
  api::SharedEvent writing_;
  api::SharedEvent next_;  // the newest that came meanwhile
  size_t written_ = 0;
  bool blocked_ = false;        // until the client has taken more
  UnreadAnswers::Hold unread_;  // meanwhile
  base::Instant due_{};         // then: it is too slow; otherwise: a comment
};

// A client of a stream has nothing more to say: whatever can be read is its end. So this wait is
// the last word on a stream, however it ends; and the last step here, so that a stream whose start
// fails has no such word outstanding.
void EventStreams::Stream::start(const protocol::PageQuery& query) {
  due_ = home_->clock_.now() + home_->limits_.comment_interval;
  home_->pages_.watch(query, *this);
  socket_.async_wait(Socket::wait_read, [self = shared_from_this()](loop::ErrorCode) {
    self->close();
    if (self->home_ != nullptr) self->home_->remove(*self);
  });
}

void EventStreams::Stream::close() {
  loop::ErrorCode ignored;
  socket_.close(ignored);
}

void EventStreams::Stream::give_way() {
  ++home_->figures_.connections_evicted;
  close();
  unread_.end();
  writing_ = next_ = nullptr;
}

void EventStreams::Stream::on_event(const api::SharedEvent& event) {
  if (!socket_.is_open() || home_ == nullptr) return;
  if (writing_) {
    const api::SharedEvent before = std::exchange(next_, event);
    unread_.replace(before ? before->data : nullptr, event->data);
    return;
  }
  writing_ = event;
  write_some();
}

void EventStreams::Stream::write_some() {
  while (writing_) {
    loop::ErrorCode error;
    written_ += socket_.write_some(rest_of(*writing_, written_), error);
    if (error == loop::asio::error::interrupted) continue;
    if (error == loop::asio::error::would_block || error == loop::asio::error::try_again) {
      return wait_for_room();
    }
    if (error) return close();
    const size_t size = writing_->head.size() + writing_->data_bytes() + writing_->tail.size();
    if (written_ < size) continue;
    ++home_->figures_.events_sent;
    unread_.end();
    writing_ = std::exchange(next_, nullptr);
    written_ = 0;
    blocked_ = false;
    due_ = home_->clock_.now() + home_->limits_.comment_interval;
  }
}

void EventStreams::Stream::wait_for_room() {
  if (!std::exchange(blocked_, true)) {
    due_ = home_->clock_.now() + home_->limits_.write_timeout;
    unread_ = home_->unread_.hold(*this, {writing_->data, next_ ? next_->data : nullptr}, 0);
  } else {
    unread_.progressed();
  }
  socket_.async_wait(Socket::wait_write, [self = shared_from_this()](loop::ErrorCode error) {
    if (!error && self->home_ != nullptr && self->writing_) self->write_some();
  });
}

void EventStreams::Stream::check(base::Instant now) {
  if (now < due_ || !socket_.is_open()) return;
  if (!blocked_) return on_event(home_->comment_);
  ++home_->figures_.timeouts;
  close();
}

EventStreams::EventStreams(LivePages& pages, UnreadAnswers& unread, const base::Clock& clock,
                           const HttpLimits& limits, api::ServerFigures& figures,
                           std::function<void()> on_end)
    : pages_(pages),
      unread_(unread),
      clock_(clock),
      limits_(limits),
      figures_(figures),
      on_end_(std::move(on_end)),
      comment_(api::comment_event()) {}

// A handler that the loop still holds may outlive us.
EventStreams::~EventStreams() {
  for (const auto& stream : streams_) stream->leave_home();
}

void EventStreams::open(Socket socket, const protocol::PageQuery& query) {
  const auto stream = std::make_shared<Stream>(std::move(socket), *this);
  stream->place = streams_.size();
  streams_.push_back(stream);
  stream->start(query);
}

void EventStreams::remove(const Stream& stream) {
  streams_.back()->place = stream.place;
  std::swap(streams_[stream.place], streams_.back());
  streams_.pop_back();
  on_end_();
}

// Closing removes nothing from here before the loop comes to it.
void EventStreams::check(base::Instant now) {
  for (const auto& stream : streams_) stream->check(now);
}

void EventStreams::close_all() {
  for (const auto& stream : streams_) stream->close();
}

}  // namespace paystats::http
