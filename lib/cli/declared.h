// What a tool has declared of its command line, as data: completion scripts are made of it.
#pragma once

#include <string>
#include <vector>

namespace paystats::cli {

struct DeclaredOption {
  std::vector<std::string> names;  // "-o", "--output": the long one last
  std::string metavar = {};        // empty: no value follows
  std::string help = {};
  std::vector<std::string> words = {};  // the value is one of these, each of letters and dashes
  bool repeats = false;                 // may be given several times
  bool answers = false;                 // prints something and ends the tool, as --help does

  const std::string& name() const { return names.back(); }
};

struct Declared {
  std::string tool;
  std::vector<DeclaredOption> options;  // in the order of --help
  std::string inputs_metavar;           // empty: nothing stands on the line without a dash
};

}  // namespace paystats::cli
