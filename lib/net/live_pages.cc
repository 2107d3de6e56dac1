#include "net/live_pages.h"

#include <set>
#include <unordered_map>
#include <utility>
#include <vector>

namespace paystats {

struct LivePages::Watching::Entry {
  std::weak_ptr<LivePages::Impl> pages;
  std::string key;
  OnEvent on_event;
};

struct LivePages::Impl : std::enable_shared_from_this<LivePages::Impl> {
  // One page and all who watch it.
  struct Page {
    PageQuery query;
    std::set<Watching::Entry*> watchers;
    PreparedAnswerPtr shown;  // what `event` was made of
    SharedBytes event;
    bool asking = false;  // an answer is on its way
    bool stale = false;   // something has changed since it was asked for
  };

  explicit Impl(AnswerFeed& answer_feed) : feed(answer_feed), away(away_event()) {}

  void refresh(const std::string& key);
  void show(Page& page, const PreparedAnswerPtr& answer);
  static void tell(const Page& page, const SharedBytes& event);

  AnswerFeed& feed;
  const SharedBytes away;
  std::unordered_map<std::string, Page> pages;
  bool was_connected = false;
};

// A watcher's handler only takes note, so the set does not change meanwhile.
void LivePages::Impl::tell(const Page& page, const SharedBytes& event) {
  for (const Watching::Entry* entry : page.watchers) entry->on_event(event);
}

void LivePages::Impl::show(Page& page, const PreparedAnswerPtr& answer) {
  if (page.shown && page.shown->instance == answer->instance &&
      page.shown->version == answer->version && page.shown->ready == answer->ready) {
    return;
  }
  page.shown = answer;
  page.event = stats_event(*answer);
  tell(page, page.event);
}

void LivePages::Impl::refresh(const std::string& key) {
  const auto found = pages.find(key);
  if (found == pages.end()) return;
  Page& page = found->second;
  if (page.asking) {
    page.stale = true;
    return;
  }
  if (const PreparedAnswerPtr answer = feed.prepared(page.query)) return show(page, answer);
  page.asking = true;
  page.stale = false;
  feed.ask(page.query, [weak = weak_from_this(), key](const Result<PreparedAnswerPtr>& answer) {
    const auto self = weak.lock();
    if (!self) return;
    const auto place = self->pages.find(key);
    if (place == self->pages.end()) return;
    Page& asked = place->second;
    asked.asking = false;
    // Where the cache has gone, changed() tells; any other error is of this question alone.
    if (answer) self->show(asked, *answer);
    if (asked.stale && self->feed.connected()) self->refresh(key);
  });
}

LivePages::LivePages(AnswerFeed& feed) : impl_(std::make_shared<Impl>(feed)) {}

LivePages::~LivePages() = default;

LivePages::Watching LivePages::watch(const PageQuery& query, OnEvent on_event) {
  Watching watching;
  watching.entry_ = std::make_shared<Watching::Entry>();
  Watching::Entry& entry = *watching.entry_;
  entry.pages = impl_;
  entry.key = request_line(query);
  entry.on_event = std::move(on_event);
  Impl::Page& page = impl_->pages[entry.key];
  page.query = query;
  page.watchers.insert(&entry);
  if (!impl_->feed.connected()) {
    entry.on_event(impl_->away);
  } else if (page.event && page.shown->instance == impl_->feed.instance() &&
             page.shown->version == impl_->feed.version()) {
    entry.on_event(page.event);
  } else {
    page.shown = nullptr;  // so that the newcomer is told even what the others know
    impl_->refresh(entry.key);
  }
  return watching;
}

void LivePages::changed() {
  const bool connected = impl_->feed.connected();
  const bool went = std::exchange(impl_->was_connected, connected) && !connected;
  if (went) {
    for (auto& [key, page] : impl_->pages) {
      page.shown = nullptr;
      page.event = nullptr;
      Impl::tell(page, impl_->away);
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

LivePages::Watching& LivePages::Watching::operator=(Watching&& other) noexcept {
  std::swap(entry_, other.entry_);
  return *this;
}

LivePages::Watching::~Watching() {
  if (!entry_) return;
  const auto impl = entry_->pages.lock();
  if (!impl) return;
  const auto found = impl->pages.find(entry_->key);
  if (found == impl->pages.end()) return;
  found->second.watchers.erase(entry_.get());
  if (found->second.watchers.empty()) impl->pages.erase(found);
}

}  // namespace paystats
