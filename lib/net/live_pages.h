// Who watches which page of the totals. After each change every page that somebody watches is asked
// for once, and the event made of it goes to all of its watchers.
//
//   LivePages pages(feed);
//   Watching watching = pages.watch(query, [](const SharedBytes& event) { ... });   // now, and on
//   pages.changed();                 // the feed said so
//
// A watching ends with its destruction. Events are whole states: a watcher that cannot keep up
// keeps the newest and drops those before it. All on the loop's thread; `on_event` is called from
// the loop, or from within watch() where the answer is there already.
#pragma once

#include <cstddef>
#include <functional>
#include <memory>
#include <string>

#include "api/stats_response.h"
#include "net/answer_feed.h"
#include "view/query.h"

namespace paystats {

class LivePages {
 public:
  using OnEvent = std::function<void(const SharedBytes&)>;

  // `feed` is borrowed.
  explicit LivePages(AnswerFeed& feed);
  LivePages(const LivePages&) = delete;
  LivePages& operator=(const LivePages&) = delete;
  ~LivePages();

  class Watching {
   public:
    Watching() = default;
    Watching(Watching&&) noexcept = default;
    Watching& operator=(Watching&& other) noexcept;
    ~Watching();

   private:
    friend class LivePages;
    struct Entry;
    std::shared_ptr<Entry> entry_;
  };

  [[nodiscard]] Watching watch(const PageQuery& query, OnEvent on_event);

  void changed();

  size_t pages() const;  // that somebody watches

 private:
  struct Impl;
  std::shared_ptr<Impl> impl_;
};

}  // namespace paystats
