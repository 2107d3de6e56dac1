// The files of the page, all read at the start into memory. What a client asks for is looked up
// among their names and never becomes a path, so there is nothing outside to reach.
//
//   Result<StaticFiles> files = StaticFiles::load("/usr/share/paystats/www");
//   const StaticFiles::File* file = files->find("/app.js");
//
// "/" is index.html. Names that begin with a dot are left out. What gzip makes smaller is kept in
// that form as well, for clients that take it.
#pragma once

#include <cstddef>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "api/http.h"
#include "base/diagnostics.h"
#include "base/result.h"

namespace paystats::api {

class StaticFiles {
 public:
  // A folder with more than this is hardly a page, but a mistake on the command line.
  static constexpr size_t kFilesMax = 1000;
  static constexpr size_t kBytesMax = 16 << 20;

  struct File {
    SharedBytes body;
    std::string etag;                            // with its quotes
    std::string fields;                          // of a response: type, ETag and the common ones
    std::shared_ptr<const File> gzip = nullptr;  // the same, compressed
  };

  static base::Result<StaticFiles> load(const std::string& folder);

  // `name` is relative to the folder and has no slash in front: "css/page.css".
  void add(std::string name, std::string bytes);

  const File* find(std::string_view name) const;
  bool empty() const { return files_.empty(); }

 private:
  std::map<std::string, File, std::less<>> files_;
};

// The page that --www names, or the one that is installed beside this program; where there is none,
// a warning and no files: the API alone is served.
base::Result<StaticFiles> load_page(const std::optional<std::string>& folder,
                                    base::Diagnostics& diagnostics);

// Whether a client takes gzip, by its Accept-Encoding (RFC 9110, section 12.5.3).
bool accepts_gzip(std::string_view accept_encoding);

// By the end of the name; what is not known is application/octet-stream.
std::string_view content_type_of(std::string_view name);

}  // namespace paystats::api
