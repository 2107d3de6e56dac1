// Responses on their way out of one connection: heads that are its own, bodies that it shares with
// all that are sent the same. What is there leaves in one system call, or two where a body has
// pages (see body_pages.h), at once and without the event loop; only a client whose buffers are
// full is waited for.
//
//   append_head(out.head(), response, connection);
//   out.add(body, pages.of(body));
//   while (out.write_some(socket) == HttpOutbox::Progress::kBlocked) co_await room(socket);
//
// Private to this room.
#pragma once

#include <cstddef>
#include <string>
#include <vector>

#include "api/http.h"
#include "http/body_pages.h"
#include "loop/asio_tcp.h"

namespace paystats::http {

class HttpOutbox {
 public:
  enum class Progress { kDone, kBlocked, kFailed };

  // To be appended to: the head of the next response.
  std::string& head() { return heads_; }
  // Ends that response. Either may be null. `resident`: see api::HttpResponse.
  void add(api::SharedBytes body, BodyPages::Pages pages, bool resident = false);

  bool empty() const { return parts_.empty(); }
  // To be written before more is added: a client that asks and does not read holds no more than
  // this.
  bool full() const { return parts_.size() >= kPartsMax || body_bytes_ >= kBodyBytesMax; }

  // What is kept for the client alone, and what others may be sent as well.
  size_t head_bytes() const { return heads_.capacity(); }
  std::vector<api::SharedBytes> bodies() const;
  void clear();

  // REQUIRES: `socket` is non-blocking.
  Progress write_some(loop::StreamSocket& socket);

 private:
  static constexpr size_t kPartsMax = 16;
  static constexpr size_t kSpareBytesMax = 2048;  // of heads_, once they have left
  static constexpr size_t kBodyBytesMax = size_t{256} << 10U;

  struct Part {
    size_t head_end = 0;  // in heads_
    api::SharedBytes body;
    BodyPages::Pages pages;
    bool resident = false;
  };

  size_t send(loop::StreamSocket& socket, loop::ErrorCode& error) const;
  size_t send_pages(loop::StreamSocket& socket, loop::ErrorCode& error) const;
  void advance(size_t bytes);

  std::string heads_;
  std::vector<Part> parts_;
  size_t body_bytes_ = 0;  // of all parts
  // How far it has got.
  size_t part_ = 0;
  size_t head_sent_ = 0;  // of heads_
  size_t body_sent_ = 0;  // of that part's body
};

}  // namespace paystats::http
