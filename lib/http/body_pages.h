// Bodies that are sent many times, kept as files in memory (memfd_create(2)) as well: from there
// sendfile(2) hands the kernel their pages, where a write would copy all bytes for each client. At
// 20 KB that halves what a response costs.
//
//   BodyPages pages;
//   if (const BodyPages::Pages file = pages.of(body)) send_pages(socket, file->get());
//   pages.tidy();                                // now and then
//
// A body gets its file when it is asked for the second time, and loses it when nobody else holds
// the body any more. A file never changes: what is under way to a client stays as it is.
#pragma once

#include <cstddef>
#include <memory>
#include <string>
#include <unordered_map>

#include "api/http.h"
#include "base/fd.h"

namespace paystats::http {

class BodyPages {
 public:
  using Pages = std::shared_ptr<const base::UniqueFd>;

  static constexpr size_t kBytesMin = 4096;  // below that a copy costs less than a second call
  static constexpr size_t kFilesMax = 64;
  static constexpr size_t kFileBytesMax = 4 << 20;  // of all files
  static constexpr size_t kBodiesMax = 1024;        // that are known, with or without a file

  // Null where the body is to be sent from memory.
  Pages of(const api::SharedBytes& body);

  // Forgets bodies that are gone.
  void tidy();

  size_t files() const { return files_; }

 private:
  struct Known {
    std::weak_ptr<const std::string> body;
    Pages pages;
    size_t file_bytes = 0;  // of those pages
  };

  Pages make(const std::string& body);
  void uncount(const Known& known);

  std::unordered_map<const std::string*, Known> known_;  // by the address of the body
  size_t files_ = 0;
  size_t file_bytes_ = 0;
};

}  // namespace paystats::http
