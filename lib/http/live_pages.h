// The watchers of each page of the totals. After each change every page that is watched is asked
// for once, and the event made of it goes to all of its watchers.
//
//   LivePages pages(loop, feed);
//   struct Stream : LivePages::Watcher {
//     void on_event(const SharedEvent&) override { ... }
//   } stream;
//   pages.watch(query, stream);      // told now, and after each change
//   pages.changed();                 // the feed said so
//
// A watching ends with the watcher. Events are whole states: a watcher that cannot keep up keeps
// the newest and drops those before it. Many watchers are told in slices, between which the loop
// does what else is to be done; if totals change meanwhile, later watchers get the newest, and
// earlier ones are told again. All on the loop's thread.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>

#include "api/stats_response.h"
#include "http/answer_feed.h"
#include "loop/event_loop.h"
#include "protocol/query.h"

namespace paystats::http {

class LivePages {
 private:
  struct Impl;
  struct Page;

 public:
  class Watcher {
   public:
    Watcher() = default;
    Watcher(const Watcher&) = delete;
    Watcher& operator=(const Watcher&) = delete;
    virtual ~Watcher();

    // Called from the loop, or from within watch() where the answer is there already. Must not
    // destroy a watcher.
    virtual void on_event(const api::SharedEvent& event) = 0;

   private:
    friend class LivePages;
    std::weak_ptr<Impl> pages_;
    Page* page_ = nullptr;
    uint32_t place_ = 0;  // among the watchers of the page
    uint32_t told_ = 0;   // the last of the page's events that it was given
  };

  // Both are borrowed. Events are kept for later watchers of their pages up to so many bytes;
  // beyond that a page that is watched keeps nothing, and its answer is asked for again.
  LivePages(loop::EventLoop& loop, AnswerFeed& feed, size_t event_bytes_max = SIZE_MAX);
  LivePages(const LivePages&) = delete;
  LivePages& operator=(const LivePages&) = delete;
  ~LivePages();

  // REQUIRES: `watcher` watches nothing yet.
  void watch(const protocol::PageQuery& query, Watcher& watcher);

  void changed();

  size_t pages() const;  // that somebody watches

 private:
  std::shared_ptr<Impl> impl_;
};

}  // namespace paystats::http
