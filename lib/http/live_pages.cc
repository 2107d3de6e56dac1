#include "http/live_pages.h"

#include <optional>
#include <string>
#include <unordered_map>
#include <utility>
#include <vector>

namespace paystats::http {
namespace {

constexpr size_t kTellSlice = 64;  // watchers: a third of a millisecond of sending

}  // namespace

// One page and all its watchers.
struct LivePages::Page {
  protocol::PageQuery query;
  std::vector<Watcher*> watchers;
  std::optional<api::TotalsState> shown;  // by the last event, once there is one
  // For those that come later; kept beyond its sending where there is room.
  std::weak_ptr<const api::StreamEvent> event;
  api::SharedEvent kept;
  bool newcomers = false;  // some have not been told it
  bool asking = false;     // an answer is on its way
  bool stale = false;      // something has changed since it was asked for

  // What is being told, to everybody in a circle that begins wherever the last one is.
  api::SharedEvent news;
  uint32_t news_number = 0;
  size_t next = 0;       // in watchers
  size_t remaining = 0;  // of the circle
  bool telling = false;  // the next slice is on its way
};

struct LivePages::Impl : std::enable_shared_from_this<LivePages::Impl> {
  Impl(loop::EventLoop& event_loop, AnswerFeed& answer_feed, size_t most_event_bytes)
      : loop(event_loop),
        feed(answer_feed),
        event_bytes_max(most_event_bytes),
        away(api::away_event()) {}

  void refresh(const std::string& key);
  void show(const std::string& key, Page& page, const api::PreparedAnswerPtr& answer);
  void tell(const std::string& key, Page& page, const api::SharedEvent& event);
  void go_round(const std::string& key, Page& page, const api::SharedEvent& event);
  void tell_slice(const std::string& key);
  void keep(Page& page, const api::SharedEvent& event);
  void leave(Watcher& watcher);

  loop::EventLoop& loop;
  AnswerFeed& feed;
  const size_t event_bytes_max;
  const api::SharedEvent away;
  size_t kept_bytes = 0;                        // of all events that are kept
  std::unordered_map<std::string, Page> pages;  // its elements stay where they are
  bool was_connected = false;
};

void LivePages::Impl::tell(const std::string& key, Page& page, const api::SharedEvent& event) {
  ++page.news_number;
  page.newcomers = false;
  go_round(key, page, event);
}

// To those that have not been told the last of the page's events.
void LivePages::Impl::go_round(const std::string& key, Page& page, const api::SharedEvent& event) {
  page.news = event;
  page.remaining = page.watchers.size();
  if (!page.telling) tell_slice(key);
}

void LivePages::Impl::tell_slice(const std::string& key) {
  const auto found = pages.find(key);
  if (found == pages.end()) return;
  Page& page = found->second;
  for (size_t told = 0; told < kTellSlice && page.remaining > 0; --page.remaining) {
    if (page.next >= page.watchers.size()) page.next = 0;
    Watcher& watcher = *page.watchers[page.next++];
    if (std::exchange(watcher.told_, page.news_number) == page.news_number) continue;
    watcher.on_event(page.news);
    ++told;
  }
  page.telling = page.remaining > 0;
  if (!page.telling) {
    page.news = nullptr;
    return;
  }
  loop.post([weak = weak_from_this(), key] {
    if (const auto self = weak.lock()) self->tell_slice(key);
  });
}

void LivePages::Impl::leave(Watcher& watcher) {
  Page& page = *watcher.page_;
  Watcher* const last = page.watchers.back();
  page.watchers[watcher.place_] = last;
  last->place_ = watcher.place_;
  page.watchers.pop_back();
  // The one that moved may have got to where this circle has been: it goes round once more.
  if (page.remaining > 0) page.remaining = page.watchers.size();
  if (!page.watchers.empty()) return;
  keep(page, nullptr);
  pages.erase(protocol::request_line(page.query));
}

void LivePages::Impl::keep(Page& page, const api::SharedEvent& event) {
  if (page.kept) kept_bytes -= page.kept->data_bytes();
  const bool room = event && kept_bytes + event->data_bytes() <= event_bytes_max;
  page.kept = room ? event : nullptr;
  page.event = event;
  if (room) kept_bytes += event->data_bytes();
}

void LivePages::Impl::show(const std::string& key, Page& page,
                           const api::PreparedAnswerPtr& answer) {
  api::SharedEvent event = page.event.lock();
  const bool known = page.shown == answer->totals;
  if (known && !std::exchange(page.newcomers, false)) return;
  if (!known || !event) {
    event = api::stats_event(*answer);
    keep(page, event);
  }
  page.shown = answer->totals;
  if (known) return go_round(key, page, event);
  tell(key, page, event);
}

void LivePages::Impl::refresh(const std::string& key) {
  const auto found = pages.find(key);
  if (found == pages.end()) return;
  Page& page = found->second;
  if (page.asking) {
    page.stale = true;
    return;
  }
  if (const api::PreparedAnswerPtr answer = feed.prepared(page.query))
    return show(key, page, answer);
  page.asking = true;
  page.stale = false;
  feed.ask(page.query,
           [weak = weak_from_this(), key](const base::Result<api::PreparedAnswerPtr>& answer) {
             const auto self = weak.lock();
             if (!self) return;
             const auto place = self->pages.find(key);
             if (place == self->pages.end()) return;
             Page& asked = place->second;
             asked.asking = false;
             // Where the cache has gone, changed() tells; any other error is of this question
             // alone.
             if (answer) self->show(key, asked, *answer);
             // The question may have been somebody else's, and older than the last change that we
             // know of.
             const bool overtaken = answer && self->feed.overtaken(**answer);
             if ((asked.stale || overtaken) && self->feed.connected()) self->refresh(key);
           });
}

LivePages::LivePages(loop::EventLoop& loop, AnswerFeed& feed, size_t event_bytes_max)
    : impl_(std::make_shared<Impl>(loop, feed, event_bytes_max)) {}

LivePages::~LivePages() = default;

void LivePages::watch(const protocol::PageQuery& query, Watcher& watcher) {
  const std::string key = protocol::request_line(query);
  Page& page = impl_->pages[key];
  page.query = query;
  page.watchers.push_back(&watcher);
  watcher.pages_ = impl_;
  watcher.page_ = &page;
  watcher.place_ = static_cast<uint32_t>(page.watchers.size() - 1);
  watcher.told_ = page.news_number;
  if (page.remaining > 0) ++page.remaining;  // the circle is longer by one
  if (!impl_->feed.connected()) {
    watcher.on_event(impl_->away);
    return;
  }
  const api::SharedEvent event = page.event.lock();
  const bool current = page.shown && page.shown->instance == impl_->feed.instance() &&
                       page.shown->version == impl_->feed.version();
  if (current && event) {
    watcher.on_event(event);
  } else {
    watcher.told_ = page.news_number - 1;  // it is told even what the others know
    page.newcomers = true;
    impl_->refresh(key);
  }
}

void LivePages::changed() {
  const bool connected = impl_->feed.connected();
  const bool went = std::exchange(impl_->was_connected, connected) && !connected;
  if (went) {
    for (auto& [key, page] : impl_->pages) {
      page.shown.reset();
      impl_->keep(page, nullptr);
      impl_->tell(key, page, impl_->away);
    }
  }
  if (!connected) return;
  std::vector<std::string> keys;
  for (const auto& [key, page] : impl_->pages) keys.push_back(key);
  for (const std::string& key : keys) impl_->refresh(key);
}

size_t LivePages::pages() const {
  return impl_->pages.size();
}

LivePages::Watcher::~Watcher() {
  if (const auto impl = pages_.lock()) impl->leave(*this);
}

}  // namespace paystats::http
