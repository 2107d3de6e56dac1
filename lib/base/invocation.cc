#include "base/invocation.h"

#include <algorithm>
#include <utility>

#include "base/shell_word.h"

namespace paystats::base {
namespace {

constexpr std::string_view kStdin = "-";

}  // namespace

Invocation::Invocation(std::string tool, std::vector<std::string> options,
                       std::vector<std::string> inputs)
    : tool_(std::move(tool)), options_(std::move(options)), inputs_(std::move(inputs)) {}

Invocation Invocation::without(const std::vector<std::string_view>& flags,
                               const std::vector<std::string_view>& valued) const {
  const auto is_one_of = [](const auto& names, std::string_view word) {
    return std::find(names.begin(), names.end(), word.substr(0, word.find('='))) != names.end();
  };
  Invocation rest(tool_, {}, inputs_);
  for (size_t i = 0; i < options_.size(); ++i) {
    if (is_one_of(flags, options_[i])) continue;
    if (!is_one_of(valued, options_[i])) {
      rest.options_.push_back(options_[i]);
    } else if (options_[i].find('=') == std::string::npos) {
      ++i;  // its value
    }
  }
  return rest;
}

bool Invocation::names_stdin() const {
  return std::find(inputs_.begin(), inputs_.end(), kStdin) != inputs_.end();
}

std::string Invocation::with_input(std::string_view input,
                                   const std::vector<std::string>& others) const {
  std::vector<std::string> inputs = inputs_;
  const auto last = std::find(inputs.rbegin(), inputs.rend(), input);
  const auto place = last == inputs.rend() ? inputs.end() : inputs.erase(std::prev(last.base()));
  inputs.insert(place, others.begin(), others.end());
  return text(inputs);
}

std::optional<std::string> Invocation::with_stdin_for(std::string_view input) const {
  if (input != kStdin && names_stdin()) return std::nullopt;
  if (inputs_.size() <= 1) return text({});  // stdin is what is read where no INPUT is named
  return with_input(input, {std::string(kStdin)});
}

std::string Invocation::text(const std::vector<std::string>& inputs) const {
  std::string command = tool_;
  for (const std::string& option : options_) command += " " + shell_word(option);
  for (const std::string& input : inputs) command += " " + shell_operand(input);
  return command;
}

}  // namespace paystats::base
