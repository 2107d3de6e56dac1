// The command line of this run, for messages that advise a command: most often that is the same
// one, with its options, and another INPUT.
//
//   Invocation run("payagg", {"--user-field", "name"}, {"a.jsonl", "b.gz"});
//   run.with_input("b.gz", {"b.1", "b"});    // payagg --user-field name a.jsonl b.1 b
//   run.with_stdin_for("b.gz");              // payagg --user-field name a.jsonl -
//
// Both are words for a shell: see shell_word().
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace paystats::base {

class Invocation {
 public:
  // `options` are the words of the command line but for the INPUTs, as they were given; a secret
  // among them is left out by who makes this.
  explicit Invocation(std::string tool, std::vector<std::string> options = {},
                      std::vector<std::string> inputs = {});

  // Without the options of these names, and the word behind those of `valued` that have no '='.
  Invocation without(const std::vector<std::string_view>& flags,
                     const std::vector<std::string_view>& valued) const;

  const std::string& tool() const { return tool_; }
  bool names_stdin() const;  // one of the INPUTs is -

  // The command with `others` in the place of the last INPUT called `input`, or behind the others
  // where none is.
  std::string with_input(std::string_view input, const std::vector<std::string>& others) const;

  // The command with stdin in its place, or nothing where stdin is another of the INPUTs.
  std::optional<std::string> with_stdin_for(std::string_view input) const;

 private:
  std::string text(const std::vector<std::string>& inputs) const;

  std::string tool_;
  std::vector<std::string> options_;
  std::vector<std::string> inputs_;
};

}  // namespace paystats::base
