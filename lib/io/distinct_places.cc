#include "io/distinct_places.h"

#include <fmt/format.h>
#include <sys/stat.h>
#include <unistd.h>

#include <filesystem>

namespace paystats::io {

std::optional<DistinctPlaces::Identity> DistinctPlaces::identity_of(const Endpoint& endpoint,
                                                                    int stdio) {
  if (endpoint.kind == Endpoint::Kind::kTopic) return Identity{0, 0, "kafka:" + endpoint.name};
  const bool is_stdio = endpoint.kind == Endpoint::Kind::kStdio;
  struct stat status = {};
  const int known = is_stdio ? ::fstat(stdio, &status) : ::stat(endpoint.name.c_str(), &status);
  if (known == 0 && S_ISREG(status.st_mode)) return Identity{status.st_dev, status.st_ino, {}};
  if (is_stdio) {
    if (stdio == STDOUT_FILENO) return Identity{0, 0, "-"};
    return std::nullopt;
  }
  if (known == 0) return std::nullopt;
  const std::filesystem::path path(endpoint.name);
  const std::filesystem::path folder = path.has_parent_path() ? path.parent_path() : ".";
  if (::stat(folder.c_str(), &status) != 0) return std::nullopt;  // opening it will tell why
  return Identity{status.st_dev, status.st_ino, path.filename()};
}

void DistinctPlaces::read(const Endpoint& input) {
  const bool is_topic = input.kind == Endpoint::Kind::kTopic;
  const std::string shown = input.kind == Endpoint::Kind::kStdio ? "stdin" : input.name;
  read_.push_back({(is_topic ? "kafka:" : "") + shown, identity_of(input, STDIN_FILENO)});
}

void DistinctPlaces::write(std::string_view role, const Endpoint& output) {
  written_.push_back({std::string(role), identity_of(output, STDOUT_FILENO)});
}

void DistinctPlaces::write_file(std::string_view role, const std::string& path) {
  write(role, Endpoint{Endpoint::Kind::kFile, path});
}

base::Result<void> DistinctPlaces::check() const {
  for (size_t i = 0; i < written_.size(); ++i) {
    const Place& output = written_[i];
    if (!output.identity) continue;
    for (const Place& input : read_) {
      if (input.identity != output.identity) continue;
      return base::fail(fmt::format("{}: is both input and {}", input.shown, output.shown));
    }
    for (size_t j = 0; j < i; ++j) {
      if (written_[j].identity != output.identity) continue;
      return base::fail(
          fmt::format("{} and {} are the same place", written_[j].shown, output.shown));
    }
  }
  return {};
}

}  // namespace paystats::io
