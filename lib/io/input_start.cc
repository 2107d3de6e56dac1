#include "io/input_start.h"

#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <cassert>
#include <optional>
#include <string>
#include <string_view>
#include <utility>

#include "base/invocation.h"
#include "base/shell_word.h"
#include "base/utf8.h"

namespace paystats::io {
namespace {

using record::Flaw;

struct Conversion {
  std::string_view what;     // the input is
  std::string_view command;  // the filter that makes lines of it
};

constexpr std::string_view kSeveralLines =
    "is JSON over several lines, and one object a line is wanted (jq before 1.7 rounds numbers of "
    "more than 15 digits)";
constexpr Conversion kArray = {kSeveralLines, "jq -c '.[]'"};
constexpr Conversion kObject = {kSeveralLines, "jq -c ."};

Conversion conversion_of(Flaw form, std::string_view begin) {
  // Where there is a mark, that says the order of the bytes.
  const bool marked = !begin.empty() && static_cast<unsigned char>(begin[0]) >= 0xFE;
  const bool nul_first = begin.starts_with('\0');
  switch (form) {
    case Flaw::kUtf16:
      return {"is UTF-16, and UTF-8 is wanted", marked      ? "iconv -f UTF-16 -t UTF-8"
                                                : nul_first ? "iconv -f UTF-16BE -t UTF-8"
                                                            : "iconv -f UTF-16LE -t UTF-8"};
    case Flaw::kUtf32:
      return {"is UTF-32, and UTF-8 is wanted", marked      ? "iconv -f UTF-32 -t UTF-8"
                                                : nul_first ? "iconv -f UTF-32BE -t UTF-8"
                                                            : "iconv -f UTF-32LE -t UTF-8"};
    case Flaw::kGzip:
      return {"is compressed by gzip", "zcat"};
    case Flaw::kZstd:
      return {"is compressed by zstd", "zstdcat"};
    case Flaw::kXz:
      return {"is compressed by xz", "xzcat"};
    default:
      assert(form == Flaw::kBzip2);
      return {"is compressed by bzip2", "bzcat"};
  }
}

// The name of a file that is not there yet.
std::string free_name(std::string_view source) {
  std::string name(source);
  do {
    name += ".jsonl";
  } while (::access(name.c_str(), F_OK) == 0);
  return name;
}

// The filter in front of this very run. Where the input cannot be stdin, because that is another
// one, a file is made of it.
std::string remedy(std::string_view source, std::string_view filter, const base::Invocation& run) {
  const std::optional<std::string> reader = run.with_stdin_for(source);
  if (source == "-") return fmt::format("... | {} | {}", filter, reader.value_or(run.tool()));
  const std::string file = base::shell_operand(source);
  if (reader) return fmt::format("{} {} | {}", filter, file, *reader);
  const std::string made = free_name(source);
  return fmt::format("{} {} >{} && {}{}", filter, file, base::shell_operand(made),
                     run.names_stdin() ? "... | " : "", run.with_input(source, {made}));
}

// Who follows a copy never sees what is appended to the log itself: so what is there is to be
// summed up once.
base::Invocation without_follow(const base::Invocation& run) {
  return run.without({"--follow", "--ready-line"}, {"--output-mode", "--trigger", "--max-records"});
}

base::Result<void> refusal(std::string_view source, const Conversion& conversion, bool followed,
                           const base::Diagnostics& diagnostics) {
  const base::Invocation& run = diagnostics.invocation();
  if (followed) {
    return base::fail(fmt::format(
        "{}: {}, so it cannot be followed: a log holds one object a line. The totals of what is "
        "there now: {}",
        source, conversion.what, remedy(source, conversion.command, without_follow(run))));
  }
  return base::fail(fmt::format("{}: {}: {}", source == "-" ? "stdin" : source, conversion.what,
                                remedy(source, conversion.command, run)));
}

}  // namespace

base::Result<void> check_encoding(std::string_view begin, std::string_view source, bool followed,
                                  const base::Diagnostics& diagnostics) {
  const Flaw form = record::foreign_encoding(begin);
  if (form == Flaw::kNone) return {};
  return refusal(source, conversion_of(form, begin), followed, diagnostics);
}

base::Result<void> InputStart::take(Block& block, bool are_lines) {
  if (block.begins_input) {
    base::Result<void> begun = begin(block);
    if (!begun) return begun;
  }
  known_ = known_ || are_lines;
  std::string_view rest = block.bytes;
  while (!rest.empty() && !known_) {
    const bool whole = block.long_line_bytes == 0;
    const size_t newline = whole ? rest.find('\n') : std::string_view::npos;
    const std::string_view line = rest.substr(0, std::min(newline, rest.size() - 1) + 1);
    const std::optional<Flaw> form = lines_.take(line, whole);
    if (form == Flaw::kSeveralLines) return refuse_lines();
    known_ = form.has_value();
    rest.remove_prefix(line.size());
  }
  return {};
}

base::Result<void> InputStart::end() {
  if (std::exchange(known_, true) || lines_.end() != Flaw::kSeveralLines) return {};
  return refuse_lines();
}

base::Result<void> InputStart::refuse_lines() const {
  return refusal(source_, lines_.is_array() ? kArray : kObject, followed_, diagnostics_);
}

base::Result<void> InputStart::begin(Block& block) {
  if (block.bytes.starts_with(base::kByteOrderMark)) {
    const std::string_view name = block.source == "-" ? "stdin" : block.source;
    diagnostics_.note(fmt::format("{}: begins with a byte-order mark, which was skipped", name));
    block.bytes.remove_prefix(base::kByteOrderMark.size());
    if (block.long_line_bytes != 0) block.long_line_bytes -= base::kByteOrderMark.size();
  }
  lines_ = {};
  source_ = block.source;
  known_ = false;
  return check_encoding(block.bytes, block.source, followed_, diagnostics_);
}

}  // namespace paystats::io
