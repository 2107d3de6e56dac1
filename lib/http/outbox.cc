#include "http/outbox.h"

#include <sys/sendfile.h>
#include <sys/socket.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <span>
#include <utility>

namespace paystats::http {

void HttpOutbox::add(api::SharedBytes body, BodyPages::Pages pages, bool resident) {
  if (body) body_bytes_ += body->size();
  parts_.push_back({heads_.size(), std::move(body), std::move(pages), resident});
}

std::vector<api::SharedBytes> HttpOutbox::bodies() const {
  std::vector<api::SharedBytes> bodies;
  for (const Part& part : parts_) {
    if (part.body && !part.resident) bodies.push_back(part.body);
  }
  return bodies;
}

void HttpOutbox::clear() {
  heads_.clear();
  parts_.clear();
  part_ = head_sent_ = body_sent_ = body_bytes_ = 0;
  if (heads_.capacity() > kSpareBytesMax) heads_.shrink_to_fit();
  if (parts_.capacity() * sizeof(Part) > kSpareBytesMax) parts_.shrink_to_fit();
}

HttpOutbox::Progress HttpOutbox::write_some(loop::StreamSocket& socket) {
  while (part_ < parts_.size()) {
    const Part& part = parts_[part_];
    const bool by_pages = part.pages && head_sent_ == part.head_end;
    loop::ErrorCode error;
    const size_t sent = by_pages ? send_pages(socket, error) : send(socket, error);
    if (error == loop::asio::error::would_block || error == loop::asio::error::try_again) {
      return Progress::kBlocked;
    }
    if (error) return Progress::kFailed;
    advance(sent);
  }
  clear();
  return Progress::kDone;
}

// All up to the next body that has pages.
size_t HttpOutbox::send(loop::StreamSocket& socket, loop::ErrorCode& error) const {
  std::array<loop::asio::const_buffer, 2 * kPartsMax> buffers;
  size_t used = 0;
  size_t head = head_sent_;
  size_t body = body_sent_;
  bool pages_follow = false;
  for (const Part& part : std::span(parts_).subspan(part_)) {
    if (part.head_end > head) {
      buffers[used++] = loop::asio::buffer(heads_.data() + head, part.head_end - head);
    }
    head = part.head_end;
    pages_follow = part.pages != nullptr;
    if (pages_follow || used + 2 > buffers.size()) break;
    if (part.body) buffers[used++] = loop::asio::buffer(*part.body) + std::exchange(body, 0);
  }
  const auto flags = pages_follow ? MSG_MORE : 0;  // a head alone would be a packet of its own
  for (;;) {
    const size_t sent = socket.send(std::span(buffers).first(used), flags, error);
    if (error != loop::asio::error::interrupted) return sent;
  }
}

size_t HttpOutbox::send_pages(loop::StreamSocket& socket, loop::ErrorCode& error) const {
  const Part& part = parts_[part_];
  auto from = static_cast<off_t>(body_sent_);
  for (;;) {
    const ssize_t n = ::sendfile(socket.native_handle(), part.pages->get(), &from,
                                 part.body->size() - body_sent_);
    if (n >= 0) return static_cast<size_t>(n);
    if (errno == EINTR) continue;
    error = loop::ErrorCode(errno, boost::system::system_category());
    return 0;
  }
}

void HttpOutbox::advance(size_t bytes) {
  while (part_ < parts_.size()) {
    const Part& part = parts_[part_];
    const size_t of_head = std::min(bytes, part.head_end - head_sent_);
    head_sent_ += of_head;
    bytes -= of_head;
    const size_t body_size = part.body ? part.body->size() : 0;
    const size_t of_body = std::min(bytes, body_size - body_sent_);
    body_sent_ += of_body;
    bytes -= of_body;
    if (head_sent_ < part.head_end || body_sent_ < body_size) return;
    body_sent_ = 0;
    ++part_;
  }
}

}  // namespace paystats::http
