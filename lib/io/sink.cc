#include "io/sink.h"

#include <fcntl.h>
#include <fmt/format.h>

#include "io/replace_sink.h"
#include "io/stream_sink.h"

namespace paystats {

Result<std::unique_ptr<Sink>> open_sink(const Endpoint& endpoint, FileMode mode) {
  if (endpoint.kind == Endpoint::Kind::kTopic) {
    return fail(fmt::format("kafka:{}: this build cannot write topics", endpoint.name));
  }
  if (endpoint.kind == Endpoint::Kind::kStdio) return open_stdout();

  const std::string& path = endpoint.name;
  const Result<bool> special = is_special_file(path);
  if (!special) return fail(special.error());
  if (*special) return open_stream(path);

  if (mode == FileMode::kReplace) {
    Result<TemporaryFile> file = TemporaryFile::create(path);
    if (!file) return fail(file.error());
    return std::make_unique<ReplaceSink>(std::move(*file), path);
  }
  Result<UniqueFd> fd = open_file(path, O_WRONLY | O_APPEND | O_CREAT);
  if (!fd) return fail(fd.error());
  return std::make_unique<StreamSink>(std::move(*fd), path, StreamSink::Start::kOnNewLine);
}

}  // namespace paystats
