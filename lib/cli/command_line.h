// The command line, so that tools declare options and nothing else: the only room that sees CLI11.
//
//   void declare(CommandLine& line, Options& options) {
//     line.section("Output");
//     line.text("-o,--output", options.output, "ENDPOINT", "where the stats go");
//     line.number("--jobs", options.jobs, "N", "threads for regular files", 1, 256);
//   }
//
// Parsing only validates; run() opens things. Each option may be given once; `names` is like
// "-o,--output" or "--jobs". The order of declaration is the order of --help.
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "base/clock.h"
#include "base/invocation.h"
#include "base/result.h"

namespace paystats::cli {

class CommandLine {
 public:
  CommandLine(std::string tool, const std::string& summary);
  ~CommandLine();

  void section(const std::string& title);  // heading of the options that follow

  void flag(const std::string& names, bool& value, const std::string& help);
  void text(const std::string& names, std::string& value, const std::string& metavar,
            const std::string& help);
  void text(const std::string& names, std::optional<std::string>& value, const std::string& metavar,
            const std::string& help);
  void number(const std::string& names, uint64_t& value, const std::string& metavar,
              const std::string& help, uint64_t min, uint64_t max);
  void number(const std::string& names, std::optional<uint64_t>& value, const std::string& metavar,
              const std::string& help, uint64_t min, uint64_t max);
  // "250ms", "10s", "5m", "1h", "0": an integer and a unit (ns us ms s m h); zero needs none.
  void duration(const std::string& names, std::optional<base::Duration>& value,
                const std::string& metavar, const std::string& help);
  // One of a few words; the value is the index of the word in `words`.
  void choice(const std::string& names, std::optional<size_t>& value,
              const std::vector<std::string>& words, const std::string& help);
  // The same where whoever uses the value judges it, to say of some words why they are refused.
  void word(const std::string& names, std::optional<std::string>& value,
            const std::vector<std::string>& words, const std::string& help);
  // May be repeated: "-X key=value".
  void list(const std::string& names, std::vector<std::string>& values, const std::string& metavar,
            const std::string& help);
  // `--name=` is the empty value of this option, as '' is; of others it is refused.
  void allow_empty(const std::string& name);
  // Behind this option, the rest of the line: a command and its words, taken as they are.
  void command(const std::string& name, std::vector<std::string>& words, const std::string& help);
  // What stands on the line without a dash, any number of them.
  void inputs(std::vector<std::string>& values, const std::string& metavar,
              const std::string& help);

  // kAnswered: what --help, --version or --generate asks for was printed
  enum class Outcome { kRun, kAnswered };
  base::Result<Outcome> parse(int argc, const char* const* argv);

  // The words of a line that parse() has taken, for messages that advise a command: what the value
  // of a property keeps secret is left out.
  base::Invocation invocation(int argc, const char* const* argv) const;

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

base::Result<base::Duration> parse_duration(std::string_view text);

}  // namespace paystats::cli
