#include "api/static_files.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <zlib.h>

#include <filesystem>
#include <optional>
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

// By gzip (RFC 1952), where that saves a tenth at least.
std::optional<std::string> compressed(const std::string& bytes) {
  constexpr int kGzip = 16;  // added to the bits of the window
  z_stream stream = {};
  if (::deflateInit2(&stream, Z_BEST_COMPRESSION, Z_DEFLATED, MAX_WBITS + kGzip, MAX_MEM_LEVEL,
                     Z_DEFAULT_STRATEGY) != Z_OK) {
    return std::nullopt;
  }
  std::string out(::deflateBound(&stream, bytes.size()), '\0');
  stream.next_in = reinterpret_cast<Bytef*>(const_cast<char*>(bytes.data()));
  stream.avail_in = static_cast<uInt>(bytes.size());  // kBytesMax at most
  stream.next_out = reinterpret_cast<Bytef*>(out.data());
  stream.avail_out = static_cast<uInt>(out.size());
  const int ended = ::deflate(&stream, Z_FINISH);
  out.resize(stream.total_out);
  ::deflateEnd(&stream);
  if (ended != Z_STREAM_END || out.size() > bytes.size() - bytes.size() / 10) return std::nullopt;
  return out;
}

std::string installed_page() {
  std::error_code error;
  const fs::path program = fs::read_symlink("/proc/self/exe", error);
  if (error) return {};
  const fs::path folder = program.parent_path().parent_path() / "share" / "paystats" / "www";
  return fs::is_regular_file(folder / "index.html", error) ? folder.string() : std::string();
}

}  // namespace

base::Result<StaticFiles> load_page(const std::optional<std::string>& folder,
                                    base::Diagnostics& diagnostics) {
  const std::string used = folder ? *folder : installed_page();
  if (!used.empty()) return StaticFiles::load(used);
  diagnostics.warning(
      "no page is installed beside this program: the API alone is served (see --www)");
  return StaticFiles();
}

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

bool accepts_gzip(std::string_view accept_encoding) {
  while (!accept_encoding.empty()) {
    const size_t comma = accept_encoding.find(',');
    std::string element(accept_encoding.substr(0, comma));
    accept_encoding.remove_prefix(comma == accept_encoding.npos ? accept_encoding.size()
                                                                : comma + 1);
    std::erase_if(element, [](char c) { return c == ' ' || c == '\t'; });
    const size_t semicolon = element.find(';');
    if (!equal_ignoring_case(std::string_view(element).substr(0, semicolon), "gzip")) continue;
    const std::string weight = semicolon == element.npos ? "" : element.substr(semicolon + 1);
    return !weight.starts_with("q=0") || weight.find_first_of("123456789") != weight.npos;
  }
  return false;
}

void StaticFiles::add(std::string name, std::string bytes) {
  File file;
  // Only for telling one state of a file from another: the seed need not be secret.
  const std::string tag = fmt::format("{:016x}", base::hash_bytes(bytes, 0));
  std::optional<std::string> smaller = compressed(bytes);
  std::string common;
  append_common_fields(common, content_type_of(name));
  if (smaller) common += "Vary: Accept-Encoding\r\n";
  const auto fill = [&](File& one, std::string etag, std::string_view encoding, std::string body) {
    one.etag = std::move(etag);
    one.fields = fmt::format("{}{}ETag: {}\r\n", common, encoding, one.etag);
    one.body = std::make_shared<const std::string>(std::move(body));
  };
  if (smaller) {
    File gzip;
    fill(gzip, fmt::format("\"{}-gzip\"", tag), "Content-Encoding: gzip\r\n", std::move(*smaller));
    file.gzip = std::make_shared<const File>(std::move(gzip));
  }
  fill(file, fmt::format("\"{}\"", tag), "", std::move(bytes));
  files_.insert_or_assign(std::move(name), std::move(file));
}

const StaticFiles::File* StaticFiles::find(std::string_view name) const {
  const auto found = files_.find(name);
  return found == files_.end() ? nullptr : &found->second;
}

}  // namespace paystats::api
