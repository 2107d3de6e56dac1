#include "http/body_pages.h"

#include <sys/mman.h>
#include <unistd.h>

#include <string_view>

namespace paystats::http {
namespace {

bool write_whole(int fd, std::string_view bytes) {
  while (!bytes.empty()) {
    const ssize_t n = ::write(fd, bytes.data(), bytes.size());
    if (n <= 0) return false;  // no memory: a signal does not interrupt this
    bytes.remove_prefix(static_cast<size_t>(n));
  }
  return true;
}

}  // namespace

BodyPages::Pages BodyPages::of(const api::SharedBytes& body) {
  if (!body || body->size() < kBytesMin) return nullptr;
  const auto found = known_.find(body.get());
  if (found != known_.end()) {
    Known& known = found->second;
    const bool same = !known.body.owner_before(body) && !body.owner_before(known.body);
    if (same) {
      if (!known.pages) {
        known.pages = make(*body);
        if (known.pages) known.file_bytes = body->size();
      }
      return known.pages;
    }
    // Another body was made where one that is gone had been.
    uncount(known);
    known = {body, nullptr, 0};
    return nullptr;
  }
  if (known_.size() >= kBodiesMax) tidy();
  if (known_.size() < kBodiesMax) known_.emplace(body.get(), Known{body, nullptr, 0});
  return nullptr;
}

BodyPages::Pages BodyPages::make(const std::string& body) {
  const auto full = [&] {
    return files_ >= kFilesMax || file_bytes_ + body.size() > kFileBytesMax;
  };
  if (full()) tidy();
  if (full()) return nullptr;
  base::UniqueFd fd(::memfd_create("body", MFD_CLOEXEC));
  if (!fd || !write_whole(fd.get(), body)) return nullptr;
  ++files_;
  file_bytes_ += body.size();
  return std::make_shared<const base::UniqueFd>(std::move(fd));
}

void BodyPages::uncount(const Known& known) {
  if (known.pages) --files_;
  file_bytes_ -= known.file_bytes;
}

void BodyPages::tidy() {
  std::erase_if(known_, [this](const auto& entry) {
    if (!entry.second.body.expired()) return false;
    uncount(entry.second);
    return true;
  });
}

}  // namespace paystats::http
