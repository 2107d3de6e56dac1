// The cache's socket: answers about a View, one JSON request a line, one answer a line. For the
// requests see protocol/query.h, for the answers protocol/answer.h.
//
//   CacheServer server(loop, std::move(*claim), view, clock, {});
//   Result<void> started = server.start();
//   view->apply(stats); server.view_changed();   // after each change
//   server.stop();                       // answers what is in flight; loop.run() can then return
//
// No client can harm another one. Requests may be pipelined and are answered in order, but a client
// that does not read its answers is not read from either, and is closed once nothing of an answer
// went out for `write_timeout`; so is one that leaves half a request. A watcher has at most one
// answer under way: what changes meanwhile is in the next one, which is made when the one before it
// has gone out. What takes long (a search) is done in slices, with everybody else's turn between
// them. All on the loop's thread.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>

#include "base/clock.h"
#include "base/result.h"
#include "loop/event_loop.h"
#include "loop/socket_claim.h"
#include "protocol/query.h"
#include "view/view.h"

namespace paystats::cache {

struct CacheServerOptions {
  size_t connections_max = 1024;  // one more is told so, and closed
  size_t request_bytes_max = protocol::kRequestBytesMax;
  size_t unsent_bytes_max = 64 << 10;  // of answers to one client, before it is read from again
  base::Duration write_timeout = std::chrono::seconds(10);
  base::Duration request_timeout =
      std::chrono::seconds(10);                             // from a line's first byte to its last
  base::Duration check_interval = std::chrono::seconds(1);  // of the two above
  base::Duration watch_interval = std::chrono::milliseconds(100);
  base::Duration stop_timeout = std::chrono::milliseconds(500);  // for answers in flight at the end
};

class CacheServer {
 public:
  // `clock` is borrowed.
  CacheServer(loop::EventLoop& loop, loop::SocketClaim claim, std::shared_ptr<view::View> view,
              const base::Clock& clock, const CacheServerOptions& options);
  CacheServer(const CacheServer&) = delete;
  CacheServer& operator=(const CacheServer&) = delete;
  ~CacheServer();

  base::Result<void> start();

  // To be called after the view has changed, as often as one likes: watchers hear of it at once,
  // and then at most each `watch_interval`.
  void view_changed();

  // From here on `view` is answered from. Clients that are connected have seen another one, whose
  // instance is not the same: they are disconnected, as if this were another process.
  void begin_anew(std::shared_ptr<view::View> view);

  // Accepts nobody any more, answers requests that have arrived, sends watchers the last state,
  // closes all, and gives the path back. May be called twice.
  void stop();

  size_t connections() const;         // open now
  uint64_t connections_seen() const;  // accepted since the start, those refused included

 private:
  struct Impl;
  std::shared_ptr<Impl> impl_;
};

}  // namespace paystats::cache
