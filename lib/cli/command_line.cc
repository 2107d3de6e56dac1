#include "cli/command_line.h"

#include <fmt/format.h>

#include <CLI/CLI.hpp>
#include <algorithm>
#include <charconv>
#include <cstdio>
#include <functional>
#include <limits>
#include <set>
#include <utility>

#include "base/fd.h"
#include "base/numbers.h"
#include "cli/completion.h"
#include "kafka/version.h"

namespace paystats::cli {
namespace {

struct Unit {
  std::string_view name;
  int64_t nanoseconds;
};
constexpr Unit kUnits[] = {{"ns", 1},
                           {"us", 1'000},
                           {"ms", 1'000'000},
                           {"s", 1'000'000'000},
                           {"m", 60'000'000'000},
                           {"h", 3'600'000'000'000}};

// CLI11 takes a word such as `[a,b]` for a list and cuts it up, so it is shown one more character.
constexpr char kGuard = '\x1f';

bool looks_like_list(std::string_view word) {
  const size_t last = word.find_last_not_of(kGuard);
  return last != word.npos && last > 0 && word.front() == '[' && word[last] == ']';
}

std::string guarded(std::string word) {
  if (looks_like_list(word)) word += kGuard;
  return word;
}

std::string unguarded(std::string word) {
  if (looks_like_list(word) && word.back() == kGuard) word.pop_back();
  return word;
}

// Endings of the names of librdkafka's properties that hold what a message must not show.
constexpr std::string_view kSecrets[] = {"password=", "secret=", "key.pem=", "oauthbearer.config="};

std::string without_secret(std::string word) {
  for (const std::string_view secret : kSecrets) {
    const size_t at = word.find(secret);
    if (at != std::string::npos) word.replace(at + secret.size(), std::string::npos, "...");
  }
  return word;
}

// CLI11's messages, in the house's form: lower case, no full stop, no line of advice.
std::string house_style(std::string message) {
  std::erase(message, kGuard);
  while (!message.empty() && (message.back() == '\n' || message.back() == '.')) message.pop_back();
  if (message.size() > 1 && message[0] >= 'A' && message[0] <= 'Z' && message[1] >= 'a') {
    message[0] = static_cast<char>(message[0] - 'A' + 'a');
  }
  return message;
}

base::Result<uint64_t> parse_number(std::string_view text, uint64_t min, uint64_t max) {
  uint64_t value = 0;
  if (!base::read_number(text, value) || value < min || value > max) {
    if (max == std::numeric_limits<uint64_t>::max()) {
      return base::fail(fmt::format("{}: not a whole number from {} on", text, min));
    }
    return base::fail(fmt::format("{}: not a whole number from {} to {}", text, min, max));
  }
  return value;
}

// "-o,--output": the short name first.
std::vector<std::string> split_names(const std::string& names) {
  const size_t comma = names.find(',');
  if (comma == std::string::npos) return {names};
  return {names.substr(0, comma), names.substr(comma + 1)};
}

std::string version_text(const std::string& tool) {
  return fmt::format("{} {} (librdkafka {}, built with {})\n", tool, PAYSTATS_VERSION,
                     kafka::librdkafka_version_at_run(), kafka::librdkafka_version_at_build());
}

base::Result<CommandLine::Outcome> print(const std::string& answer) {
  const base::Result<void> written = base::write_all(1, answer, "stdout");
  if (!written) return base::fail(written.error());
  return CommandLine::Outcome::kAnswered;
}

}  // namespace

struct CommandLine::Impl {
  Impl(std::string tool_name, const std::string& summary) : app(summary, tool_name) {
    declared.tool = std::move(tool_name);
  }

  // Adds an option whose text `take` checks and stores; an Error's message becomes CLI11's.
  CLI::Option* add(const std::string& names, const std::string& metavar, const std::string& help,
                   std::function<base::Result<void>(const std::string&)> take) {
    declared.options.push_back({.names = split_names(names), .metavar = metavar, .help = help});
    const auto callback = [names, take = std::move(take)](const CLI::results_t& results) {
      for (const std::string& text : results) {
        if (const base::Result<void> taken = take(unguarded(text)); !taken) {
          const size_t last = names.rfind(',');
          throw CLI::ValidationError(names.substr(last == std::string::npos ? 0 : last + 1),
                                     taken.error().message);
        }
      }
      return true;
    };
    return app.add_option(names, callback, help)
        ->type_name(metavar)
        ->type_size(1)
        ->expected(1)
        ->multi_option_policy(CLI::MultiOptionPolicy::Throw)
        ->group(section);
  }

  void add_flag(const std::string& names, bool& value, const std::string& help) {
    declared.options.push_back({.names = split_names(names), .help = help});
    app.add_flag(names, value, help)->group(section);
  }

  void add_words(const std::string& names, const std::vector<std::string>& words,
                 const std::string& help,
                 std::function<base::Result<void>(const std::string&)> take) {
    add(names, fmt::format("{}", fmt::join(words, "|")), help, std::move(take));
    declared.options.back().words = words;
  }

  bool takes_value(const std::string& name) const {
    const CLI::Option* const option = app.get_option_no_throw(name);
    return option != nullptr && option->get_items_expected_max() > 0;
  }
  // Whether the word that names options leaves the value of the last one to the next word.
  bool value_follows(const std::string& word) const {
    if (word.starts_with("--")) return word.find('=') == std::string::npos && takes_value(word);
    for (size_t i = 1; i < word.size(); ++i) {
      if (takes_value({'-', word[i]})) return i + 1 == word.size();
    }
    return false;
  }

  // `--name=`, for which CLI11 would take the next word for the value, an option as well.
  static bool lacks_value(std::string_view word) {
    return word.starts_with("--") && word.find('=') + 1 == word.size();
  }
  bool may_lack_value(std::string_view word) const {
    return may_be_empty.count(std::string(word.substr(0, word.size() - 1))) != 0;
  }

  // Where the option of command() stands, else the end of the line.
  int end_of_options(int argc, const char* const* argv) const {
    if (command_name.empty()) return argc;
    for (int i = 1; i < argc && std::string_view(argv[i]) != "--"; ++i) {
      if (argv[i] == command_name) return i;
      if (argv[i][0] == '-' && value_follows(argv[i])) ++i;
    }
    return argc;
  }

  Declared declared;
  CLI::App app;
  std::string section = "Options";
  std::vector<std::string>* inputs = nullptr;
  std::string command_name;
  std::vector<std::string>* command_words = nullptr;
  std::set<std::string> may_be_empty;
  bool version = false;
};

CommandLine::CommandLine(std::string tool, const std::string& summary)
    : impl_(std::make_unique<Impl>(std::move(tool), summary)) {
  impl_->app.set_help_flag();  // declared by parse(), so that it stands last
  impl_->app.allow_windows_style_options(false);
}

CommandLine::~CommandLine() = default;

void CommandLine::section(const std::string& title) {
  impl_->section = title;
}

void CommandLine::flag(const std::string& names, bool& value, const std::string& help) {
  impl_->add_flag(names, value, help);
}

void CommandLine::text(const std::string& names, std::string& value, const std::string& metavar,
                       const std::string& help) {
  impl_->add(names, metavar, help, [&value](const std::string& text) -> base::Result<void> {
    value = text;
    return {};
  });
}

void CommandLine::text(const std::string& names, std::optional<std::string>& value,
                       const std::string& metavar, const std::string& help) {
  impl_->add(names, metavar, help, [&value](const std::string& text) -> base::Result<void> {
    value = text;
    return {};
  });
}

void CommandLine::number(const std::string& names, uint64_t& value, const std::string& metavar,
                         const std::string& help, uint64_t min, uint64_t max) {
  impl_->add(names, metavar, help,
             [&value, min, max](const std::string& text) -> base::Result<void> {
               const base::Result<uint64_t> parsed = parse_number(text, min, max);
               if (!parsed) return base::fail(parsed.error());
               value = *parsed;
               return {};
             });
}

void CommandLine::number(const std::string& names, std::optional<uint64_t>& value,
                         const std::string& metavar, const std::string& help, uint64_t min,
                         uint64_t max) {
  impl_->add(names, metavar, help,
             [&value, min, max](const std::string& text) -> base::Result<void> {
               const base::Result<uint64_t> parsed = parse_number(text, min, max);
               if (!parsed) return base::fail(parsed.error());
               value = *parsed;
               return {};
             });
}

void CommandLine::duration(const std::string& names, std::optional<base::Duration>& value,
                           const std::string& metavar, const std::string& help) {
  impl_->add(names, metavar, help, [&value](const std::string& text) -> base::Result<void> {
    const base::Result<base::Duration> parsed = parse_duration(text);
    if (!parsed) return base::fail(parsed.error());
    value = *parsed;
    return {};
  });
}

void CommandLine::choice(const std::string& names, std::optional<size_t>& value,
                         const std::vector<std::string>& words, const std::string& help) {
  impl_->add_words(
      names, words, help, [&value, words](const std::string& text) -> base::Result<void> {
        for (size_t i = 0; i < words.size(); ++i) {
          if (words[i] != text) continue;
          value = i;
          return {};
        }
        return base::fail(fmt::format("{}: not one of {}", text, fmt::join(words, ", ")));
      });
}

void CommandLine::word(const std::string& names, std::optional<std::string>& value,
                       const std::vector<std::string>& words, const std::string& help) {
  impl_->add_words(names, words, help, [&value](const std::string& text) -> base::Result<void> {
    value = text;
    return {};
  });
}

void CommandLine::list(const std::string& names, std::vector<std::string>& values,
                       const std::string& metavar, const std::string& help) {
  impl_
      ->add(names, metavar, help,
            [&values](const std::string& text) -> base::Result<void> {
              values.push_back(text);
              return {};
            })
      ->multi_option_policy(CLI::MultiOptionPolicy::TakeAll);
  impl_->declared.options.back().repeats = true;
}

void CommandLine::allow_empty(const std::string& name) {
  impl_->may_be_empty.insert(name);
}

void CommandLine::command(const std::string& name, std::vector<std::string>& words,
                          const std::string& help) {
  impl_->command_name = name;
  impl_->command_words = &words;
  // For --help, and for `--name=COMMAND`: parse() keeps the option itself for itself.
  impl_->add(name, "COMMAND...", help, [](const std::string&) -> base::Result<void> {
    return base::fail("the command and its words follow, without a =");
  });
}

void CommandLine::inputs(std::vector<std::string>& values, const std::string& metavar,
                         const std::string& help) {
  impl_->app.add_option(metavar, values, help)->type_name("")->group("Arguments");
  impl_->declared.inputs_metavar = metavar;
  impl_->inputs = &values;
}

base::Result<CommandLine::Outcome> CommandLine::parse(int argc, const char* const* argv) {
  CLI::App& app = impl_->app;
  const int end = impl_->end_of_options(argc, argv);
  std::vector<DeclaredOption>& options = impl_->declared.options;
  const size_t of_the_tool = options.size();
  bool help = false;
  std::optional<size_t> generated;
  flag("-h,--help", help, "print this help and exit");
  flag("--version", impl_->version, "print the version and exit");
  choice("--generate", generated, {std::begin(kCompletions), std::end(kCompletions)},
         "print what completes the command line in this shell, and exit");
  for (size_t i = of_the_tool; i < options.size(); ++i) options[i].answers = true;
  // --help answers even where the rest of the line would be refused.
  std::string_view lacks_value;
  for (int i = 1; i < end && std::string_view(argv[i]) != "--"; ++i) {
    const std::string_view word = argv[i];
    if (word == "--help" || word == "-h") help = true;
    if (word == "--version") impl_->version = true;
    if (impl_->lacks_value(word) && !impl_->may_lack_value(word)) lacks_value = word;
  }
  std::string answer;
  if (help) {
    answer = app.help();
  } else if (impl_->version) {
    answer = version_text(impl_->declared.tool);
  }
  if (!answer.empty()) return print(answer);
  if (!lacks_value.empty()) {
    lacks_value.remove_suffix(1);
    return base::fail(fmt::format("{}: an empty value", lacks_value));
  }
  if (end < argc) {
    impl_->command_words->assign(argv + end + 1, argv + argc);
    if (impl_->command_words->empty() || impl_->command_words->front().empty()) {
      return base::fail(fmt::format("{}: the command is missing", impl_->command_name));
    }
  }
  std::vector<std::string> words;  // the last one first, as CLI11 wants them
  bool only_inputs = false;
  for (int i = 1; i < end; ++i) {
    const std::string_view word = argv[i];
    only_inputs = only_inputs || word == "--";
    if (!only_inputs && impl_->lacks_value(word) && impl_->may_lack_value(word)) {
      words.emplace_back(word.substr(0, word.size() - 1));
      words.emplace_back();
    } else {
      words.push_back(guarded(argv[i]));
    }
  }
  std::reverse(words.begin(), words.end());
  try {
    app.parse(std::move(words));
    if (impl_->inputs != nullptr) {
      for (std::string& input : *impl_->inputs) input = unguarded(std::move(input));
    }
  } catch (const CLI::ParseError& error) {
    return base::fail(house_style(error.what()));
  } catch (const std::exception& error) {
    return base::fail(house_style(error.what()));
  }
  if (!generated) return Outcome::kRun;
  return print(completion_script(static_cast<Shell>(*generated), impl_->declared));
}

base::Invocation CommandLine::invocation(int argc, const char* const* argv) const {
  std::vector<std::string> options;
  std::vector<std::string> inputs;
  bool only_inputs = false;
  const int end = impl_->end_of_options(argc, argv);
  for (int i = 1; i < end; ++i) {
    const std::string word = argv[i];
    if (only_inputs || word.size() < 2 || word[0] != '-') {
      inputs.push_back(word);
    } else if (word == "--") {
      only_inputs = true;
    } else {
      options.push_back(without_secret(word));
      if (impl_->value_follows(word) && i + 1 < end) {
        options.push_back(without_secret(argv[++i]));
      }
    }
  }
  for (int i = end; i < argc; ++i) options.push_back(without_secret(argv[i]));
  return base::Invocation(impl_->declared.tool, std::move(options), std::move(inputs));
}

base::Result<base::Duration> parse_duration(std::string_view text) {
  int64_t count = 0;
  const char* const end = text.data() + text.size();
  const auto [stop, error] = std::from_chars(text.data(), end, count);  // an empty text is an error
  const std::string_view unit(stop, static_cast<size_t>(end - stop));
  if (error == std::errc{} && text[0] != '-') {
    if (count == 0 && unit.empty()) return base::Duration::zero();
    for (const Unit& known : kUnits) {
      if (unit != known.name) continue;
      if (count > std::numeric_limits<int64_t>::max() / known.nanoseconds) break;
      return base::Duration(count * known.nanoseconds);
    }
  }
  return base::fail(fmt::format("{}: not a duration such as 250ms, 10s, 5m or 1h", text));
}

}  // namespace paystats::cli
