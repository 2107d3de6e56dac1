// A sink that puts a new file in the place of an old one, at once and only when it is complete.
#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "base/fd.h"
#include "io/sink.h"

namespace paystats::io {

// A file that is being made beside the one that it will replace. Its name begins with a dot and
// ends in ".paystats-" and 16 random digits, so nobody takes it, or what a kill left of it, for
// data. Where the path is a symbolic link, what it points to is replaced.
class TemporaryFile {
 public:
  // With the mode of the file that it will replace, or as umask has it where there is none.
  static base::Result<TemporaryFile> create(const std::string& path);
  TemporaryFile(TemporaryFile&&) = default;
  TemporaryFile& operator=(TemporaryFile&&) = delete;
  ~TemporaryFile();  // removes it, unless it has taken its place

  int fd() const { return fd_.get(); }
  const std::string& target() const { return target_; }  // what it will replace
  base::Result<void> take_place();

 private:
  TemporaryFile(base::UniqueFd fd, std::string path, std::string target, std::string name);

  base::UniqueFd fd_;
  std::string path_;
  std::string target_;
  std::string name_;  // what messages call it: as the user wrote it
};

class ReplaceSink final : public Sink {
 public:
  ReplaceSink(TemporaryFile file, std::string name);

  base::Result<void> write(std::string_view lines) override;
  base::Result<void> flush() override;
  base::Result<void> close() override;

 private:
  base::Result<void> put_out(std::string_view bytes);

  TemporaryFile file_;
  const std::string name_;
  std::string buffer_;
  std::optional<base::Error> error_;  // something is missing in it, so it must not take its place
};

}  // namespace paystats::io
