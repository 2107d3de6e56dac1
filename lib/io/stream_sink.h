// A sink that writes to a descriptor as it is: a pipe, a terminal, a device, a file appended to.
#pragma once

#include <optional>
#include <string>

#include "base/fd.h"
#include "io/sink.h"
#include "io/turn.h"

namespace paystats::io {

class StreamSink final : public Sink {
 public:
  static constexpr size_t kBufferBytes = 256 << 10;

  enum class Start {
    kAsItIs,
    kOnNewLine,  // behind a line that a killed writer left without its newline comes one first
  };

  // `fd` is owned: of stdout give a duplicate, whose close(2) is then checked like any other.
  StreamSink(base::UniqueFd fd, std::string name, Start start = Start::kAsItIs);

  base::Result<void> write(std::string_view lines) override;
  // write() and flush() without the buffer in between.
  base::Result<void> write_through(std::string_view lines);
  base::Result<void> flush() override;
  base::Result<void> close() override;
  int reader_fd() const override;

  // Until something can be written without waiting for a reader, or `cancel_fd` can be read.
  base::Result<Turn> wait_for_room(int cancel_fd) const;

 private:
  base::Result<void> put_out(std::string_view bytes);

  base::UniqueFd fd_;
  const std::string name_;
  const bool has_reader_;
  bool needs_newline_ = false;  // before the first line
  std::string buffer_;
  // What went wrong first. Something is missing in the output from then on, so nothing that comes
  // later may be taken for a success.
  std::optional<base::Error> error_;
};

// A duplicate of stdout, whose name in messages is "stdout".
base::Result<std::unique_ptr<StreamSink>> open_stdout();
// An existing path that is not a regular file. A FIFO is waited for until it has a reader; a signal
// ends that wait with an error of kind kInterrupted.
base::Result<std::unique_ptr<StreamSink>> open_stream(const std::string& path);

// close(2) with its error: a network file system may report a failed write only here.
base::Result<void> close_checked(base::UniqueFd fd, std::string_view name);

// Whether there is a file at `path` that is not a regular one. A folder is an error.
base::Result<bool> is_special_file(const std::string& path);

}  // namespace paystats::io
