#include "api/static_files.h"

#include <fcntl.h>
#include <fmt/format.h>

#include <filesystem>
#include <utility>

#include "base/fd.h"
#include "base/hash.h"

namespace paystats::api {
namespace {

namespace fs = std::filesystem;

base::Result<std::string> read_file(const std::string& path, size_t bytes_max) {
  base::Result<base::UniqueFd> fd = base::open_file(path, O_RDONLY);
  if (!fd) return base::fail(fd.error());
  std::string bytes;
  for (;;) {
    constexpr size_t kStepBytes = 64 << 10;
    const size_t used = bytes.size();
    bytes.resize(used + kStepBytes);
    const base::Result<size_t> n =
        base::read_some(fd->get(), bytes.data() + used, kStepBytes, path);
    if (!n) return base::fail(n.error());
    bytes.resize(used + *n);
    if (*n == 0) return bytes;
    if (bytes.size() > bytes_max) {
      return base::fail(fmt::format("{}: the files of a page may have {} bytes in all", path,
                                    StaticFiles::kBytesMax));
    }
  }
}

}  // namespace

std::string_view content_type_of(std::string_view name) {
  constexpr std::pair<std::string_view, std::string_view> kTypes[] = {
      {".html", "text/html; charset=utf-8"},
      {".css", "text/css; charset=utf-8"},
      {".js", "text/javascript; charset=utf-8"},
      {".json", "application/json"},
      {".svg", "image/svg+xml"},
      {".png", "image/png"},
      {".ico", "image/x-icon"},
      {".webp", "image/webp"},
      {".woff2", "font/woff2"},
      {".webmanifest", "application/manifest+json"},
      {".txt", "text/plain; charset=utf-8"},
  };
  for (const auto& [ending, type] : kTypes) {
    if (name.ends_with(ending)) return type;
  }
  return "application/octet-stream";
}

base::Result<StaticFiles> StaticFiles::load(const std::string& folder) {
  StaticFiles files;
  size_t bytes_left = kBytesMax;
  std::error_code error;
  fs::recursive_directory_iterator at(folder, error);
  for (; !error && at != fs::recursive_directory_iterator(); at.increment(error)) {
    const fs::path& path = at->path();
    std::error_code ignored;
    if (path.filename().string().starts_with('.')) {
      if (at->is_directory(ignored)) at.disable_recursion_pending();
      continue;
    }
    if (!at->is_regular_file(ignored)) continue;
    if (files.files_.size() >= kFilesMax) {
      return base::fail(
          fmt::format("{}: more than {} files: is this the page?", folder, kFilesMax));
    }
    base::Result<std::string> bytes = read_file(path.string(), bytes_left);
    if (!bytes) return base::fail(bytes.error());
    bytes_left -= bytes->size();
    files.add(path.lexically_relative(folder).generic_string(), std::move(*bytes));
  }
  if (error) return base::fail(base::system_error(folder, error.value()));
  if (files.find("index.html") == nullptr) {
    return base::fail(fmt::format("{}: no index.html in it: is this the page?", folder));
  }
  return files;
}

void StaticFiles::add(std::string name, std::string bytes) {
  File file;
  // Only for telling one state of a file from another: the seed need not be secret.
  file.etag = fmt::format("\"{:016x}\"", base::hash_bytes(bytes, 0));
  append_common_fields(file.fields, content_type_of(name));
  file.fields += fmt::format("ETag: {}\r\n", file.etag);
  file.body = std::make_shared<const std::string>(std::move(bytes));
  files_.insert_or_assign(std::move(name), std::move(file));
}

const StaticFiles::File* StaticFiles::find(std::string_view name) const {
  const auto found = files_.find(name);
  return found == files_.end() ? nullptr : &found->second;
}

}  // namespace paystats::api
