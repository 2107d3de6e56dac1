#include "io/sink.h"

#include <fcntl.h>
#include <fmt/format.h>

#include "io/replace_sink.h"
#include "io/stream_sink.h"

namespace paystats::io {

base::Result<std::unique_ptr<Sink>> open_sink(const Endpoint& endpoint, FileMode mode) {
  if (endpoint.kind == Endpoint::Kind::kTopic) {
    return base::fail(fmt::format("kafka:{}: this build cannot write topics", endpoint.name));
  }
  if (endpoint.kind == Endpoint::Kind::kStdio) return open_stdout();

  const std::string& path = endpoint.name;
  const base::Result<bool> special = is_special_file(path);
  if (!special) return base::fail(special.error());
  if (*special) return open_stream(path);

  if (mode == FileMode::kReplace) {
    base::Result<TemporaryFile> file = TemporaryFile::create(path);
    if (!file) return base::fail(file.error());
    return std::make_unique<ReplaceSink>(std::move(*file), path);
  }
  base::Result<base::UniqueFd> fd = base::open_file(path, O_WRONLY | O_APPEND | O_CREAT);
  if (!fd) return base::fail(fd.error());
  return std::make_unique<StreamSink>(std::move(*fd), path, StreamSink::Start::kOnNewLine);
}

}  // namespace paystats::io
