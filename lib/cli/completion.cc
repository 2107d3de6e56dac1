#include "cli/completion.h"

#include <fmt/format.h>

#include <algorithm>
#include <initializer_list>
#include <utility>

#include "base/shell_word.h"

namespace paystats::cli {
namespace {

enum class Value { kNone, kWords, kFile, kFolder, kEndpoint, kCommand, kOther };

Value value_of(std::string_view metavar) {
  if (metavar.empty()) return Value::kNone;
  if (metavar == "PATH" || metavar == "FILE") return Value::kFile;
  if (metavar == "DIR") return Value::kFolder;
  if (metavar == "ENDPOINT" || metavar == "INPUT") return Value::kEndpoint;
  if (metavar == "COMMAND...") return Value::kCommand;
  return Value::kOther;
}

Value value_of(const DeclaredOption& option) {
  return option.words.empty() ? value_of(option.metavar) : Value::kWords;
}

bool is_short(std::string_view name) {
  return name.size() == 2;
}

std::string escaped(std::string_view text, std::string_view special) {
  std::string result;
  for (const char c : text) {
    if (special.find(c) != special.npos) result += '\\';
    result += c;
  }
  return result;
}

// In fish a backslash within single quotes is one only before another and before a quote.
std::string fish_quoted(std::string_view text) {
  return "'" + escaped(text, "\\'") + "'";
}

// `@key@` in a script becomes what it stands for.
using Places = std::initializer_list<std::pair<std::string_view, std::string>>;

std::string filled(std::string_view script, Places places) {
  std::string result(script);
  for (const auto& [key, text] : places) {
    const std::string mark = fmt::format("@{}@", key);
    for (size_t at = 0; (at = result.find(mark, at)) != result.npos; at += text.size()) {
      result.replace(at, mark.size(), text);
    }
  }
  return result;
}

// A name for functions of the script, in which a shell takes no dash for granted.
std::string identifier(std::string tool) {
  std::replace(tool.begin(), tool.end(), '-', '_');
  return tool;
}

// ---- bash

// bash cuts what was typed at the = and : of COMP_WORDBREAKS and replaces the last piece alone. So
// the pieces are joined to what they were, and what a candidate has in front of the last piece is
// left out.
constexpr std::string_view kBash =
    R"script(# bash completion of @tool@, by: @tool@ --generate complete-bash

# The command that begins at this piece of the line.
_@function@_command() {
  COMPREPLY=()
  if declare -F _comp_command_offset >/dev/null; then
    _comp_command_offset "$1"
  elif declare -F _command_offset >/dev/null; then
    _command_offset "$1"
  elif (($1 == COMP_CWORD)); then
    mapfile -t COMPREPLY < <(compgen -c -- "${COMP_WORDS[COMP_CWORD]}")
  fi
}

_@function@() {
  # What follows each name (nothing: ''), and the name by which its option is known.
  local -A value=(@values@
  )
  local -A option=(@options@
  )
  local names=(@names@
  )
  local repeats=' @repeats@' inputs='@inputs@'

  # The pieces joined to words; the one at the cursor, up to the cursor, and what of it is not replaced.
  local words=() first=() word='' kept='' piece before='' at=0 i j
  for ((i = 0; i < ${#COMP_WORDS[@]}; i++)); do
    piece=${COMP_WORDS[i]}
    if ((${#words[@]} > 1)) && [[ -n $piece ]] && {
      [[ $piece != *[!=:]* && ! ($piece == :* && ${words[-1]} == -* && ${words[-1]} != *=*) ]] ||
        [[ -n $before && $before != *[!=:]* ]]
    }; then
      words[-1]+=$piece
    else
      words+=("$piece") first+=("$i")
    fi
    before=$piece
    if ((i == COMP_CWORD)); then
      at=$((${#words[@]} - 1)) word=${words[-1]}
      [[ $piece == *[!=:]* ]] || piece=''
      kept=${word%"$piece"}
    fi
  done

  # The options given elsewhere on the line; whose value the word is, if it stands by itself.
  local -A given=()
  local name='' awaited='' owner='' only_inputs='' no_options=''
  for ((i = 1; i < ${#words[@]}; i++)); do
    piece=${words[i]}
    if ((i == at)); then
      owner=$awaited no_options=$only_inputs awaited=''
    elif [[ -n $awaited ]]; then
      awaited=''
    elif [[ -z $only_inputs ]]; then
      case $piece in
        --) only_inputs=yes ;;
        --*)
          name=${piece%%=*}
          given["${option[$name]-$name}"]=yes
          if [[ ${value[$piece]-} == command ]]; then
            _@function@_command $((first[i] + 1))
            return
          fi
          if [[ $piece != *=* && -n ${value[$name]-} ]]; then awaited=$name; fi
          ;;
        -?*)
          for ((j = 1; j < ${#piece}; j++)); do
            name=-${piece:j:1}
            given["${option[$name]-$name}"]=yes
            if [[ -n ${value[$name]-} ]]; then
              if ((j + 1 == ${#piece})); then awaited=$name; fi
              break
            fi
          done
          ;;
      esac
    fi
  done

  # What the word is, and what stands in front of its value: `--output=` or `-o`.
  local kind=names lead=''
  if [[ -n $owner ]]; then
    kind=${value[$owner]}
  elif [[ -n $no_options || $word != -* ]]; then
    kind=$inputs
    if [[ -z $kind && -z $no_options ]]; then kind=names; fi
  elif [[ $word == --*=* ]]; then
    name=${word%%=*} kind=${value[$name]-} lead=$name=
  elif [[ $word != --* ]]; then
    for ((j = 1; j + 1 < ${#word}; j++)); do
      name=-${word:j:1}
      if [[ -n ${value[$name]-} ]]; then
        kind=${value[$name]} lead=${word:0:j+1}
        break
      fi
    done
  fi

  local rest=${word#"$lead"} candidates=() files=()
  case $kind in
    names)
      for name in "${names[@]}"; do
        if [[ $repeats == *" ${option[$name]} "* || -z ${given["${option[$name]}"]-} ]]; then
          candidates+=("$name")
        fi
      done
      ;;
    words\ *) read -r -a candidates <<<"${kind#words }" ;;
    endpoints) candidates=(- kafka:) ;;
  esac
  case $kind in
    files | endpoints) mapfile -t files < <(compgen -f -- "$rest") ;;
    folders) mapfile -t files < <(compgen -d -- "$rest") ;;
  esac
  COMPREPLY=()
  for piece in "${candidates[@]}"; do
    if [[ $piece == "$rest"* && $lead$piece != "$kept" ]]; then COMPREPLY+=("$piece"); fi
  done
  COMPREPLY+=("${files[@]}")
  for i in "${!COMPREPLY[@]}"; do
    piece=$lead${COMPREPLY[i]}
    COMPREPLY[i]=${piece#"$kept"}
  done
  if ((${#files[@]} > 0)); then
    compopt -o filenames 2>/dev/null
  elif [[ ${#COMPREPLY[@]} -eq 1 && ${COMPREPLY[0]} == *: ]]; then
    compopt -o nospace 2>/dev/null
  fi
  return 0
}

complete -F _@function@ @tool@
)script";

std::string bash_value(Value value, const std::vector<std::string>& words) {
  switch (value) {
    case Value::kNone:
      return "";
    case Value::kWords:
      return fmt::format("words {}", fmt::join(words, " "));
    case Value::kFile:
      return "files";
    case Value::kFolder:
      return "folders";
    case Value::kEndpoint:
      return "endpoints";
    case Value::kCommand:
      return "command";
    case Value::kOther:
      return "other";
  }
  return "";
}

std::string bash_script(const Declared& declared) {
  std::string values;
  std::string options;
  std::string names;
  std::string repeats;
  for (const DeclaredOption& option : declared.options) {
    if (option.repeats) repeats += option.name() + " ";
    for (const std::string& name : option.names) {
      values += fmt::format("\n    [{}]={}", name,
                            base::shell_word(bash_value(value_of(option), option.words)));
      options += fmt::format("\n    [{}]={}", name, option.name());
      names += "\n    " + name;
    }
  }
  return filled(kBash, {{"tool", declared.tool},
                        {"function", identifier(declared.tool)},
                        {"values", values},
                        {"options", options},
                        {"names", names},
                        {"repeats", repeats},
                        {"inputs", bash_value(value_of(declared.inputs_metavar), {})}});
}

// ---- zsh

constexpr std::string_view kZsh = R"script(#compdef @tool@
# zsh completion of @tool@, by: @tool@ --generate complete-zsh

_@tool@_endpoint() {
  _alternative 'files:file:_files' 'streams:standard stream:(-)' \
    'topics:topic:compadd -S "" kafka\:'
}

_@tool@() {
  _arguments -s -S :@specs@
}

if [[ $funcstack[1] == _@tool@ ]]; then
  _@tool@ "$@"
else
  compdef _@tool@ @tool@
fi
)script";

// What a value is called, and what is offered for it: the end of a spec of _arguments. A colon ends
// a part of one.
std::string zsh_value(const std::string& tool, Value value, const std::string& metavar,
                      const std::vector<std::string>& words) {
  std::string action = " ";
  if (value == Value::kNone) return "";
  if (value == Value::kFile) action = "_files";
  if (value == Value::kFolder) action = "_files -/";
  if (value == Value::kEndpoint) action = fmt::format("_{}_endpoint", tool);
  if (value == Value::kWords) action = fmt::format("({})", fmt::join(words, " "));
  if (value == Value::kCommand) return ":*:::command:_normal";  // and all words behind it
  const bool named = value == Value::kWords;                    // the words say it themselves
  return fmt::format(":{}:{}", named ? "word" : escaped(metavar, "\\:"), action);
}

std::string zsh_script(const Declared& declared) {
  std::string specs;
  const auto add = [&specs](const std::string& spec) {
    specs += " \\\n    " + base::shell_word(spec);
  };
  for (const DeclaredOption& option : declared.options) {
    const Value value = value_of(option);
    std::string once = fmt::format("({})", fmt::join(option.names, " "));
    if (option.repeats) once = "*";
    if (option.answers) once = "(- *)";
    for (const std::string& name : option.names) {
      // The value of -o in the same word or in the next one; that of --output also behind a =.
      std::string_view joined = is_short(name) ? "+" : "=";
      if (value == Value::kNone || value == Value::kCommand) joined = "";
      add(fmt::format("{}{}{}[{}]{}", once, name, joined, escaped(option.help, "\\[]:"),
                      zsh_value(declared.tool, value, option.metavar, option.words)));
    }
  }
  if (!declared.inputs_metavar.empty()) {
    add("*" +
        zsh_value(declared.tool, value_of(declared.inputs_metavar), declared.inputs_metavar, {}));
  }
  return filled(kZsh, {{"tool", declared.tool}, {"specs", specs}});
}

// ---- fish

// While the value of an option is completed, its name is on the line already, and fish asks again
// whether the option is offered: a name that ends the line is not counted, where a value follows
// it.
constexpr std::string_view kFish =
    R"script(# fish completion of @tool@, by: @tool@ --generate complete-fish

# Whether an option is not on the line yet: its short letter or '', its long name, value or flag.
function __@function@_unused
    set -l words (commandline -opc)
    set -e words[1]
    if test "$argv[3]" = value; and set -q words[-1]
        set -l letter $argv[1]
        if test "$words[-1]" = --$argv[2]; or begin
                test -n "$letter"; and string match -qr -- "^-[@flags@]*$letter\$" $words[-1]
            end
            set -e words[-1]
        end
    end
    for word in $words
        string match -q -- "--$argv[2]" $word; and return 1
        string match -q -- "--$argv[2]=*" $word; and return 1
        test -n "$argv[1]"; and string match -qr -- "^-[@flags@]*$argv[1]" $word; and return 1
    end
    return 0
end

# Whether the line has the option that a command follows.
function __@function@_in_command
    contains -- "$argv[1]" (commandline -opc)
end

# What completes the command behind that option.
function __@function@_command
    set -l words (commandline -opc)
    set -e words[1..(contains -i -- $argv[1] $words)]
    complete -C (string join ' ' -- (string escape -- $words) (commandline -ct))
end

@lines@)script";

std::string fish_value(Value value, const std::vector<std::string>& words) {
  switch (value) {
    case Value::kNone:
      return "";
    case Value::kWords:
      return " -x -a " + fish_quoted(fmt::format("{}", fmt::join(words, " ")));
    case Value::kFile:
      return " -r -F";
    case Value::kFolder:
      return " -x -a '(__fish_complete_directories)'";
    case Value::kEndpoint:
      return " -r -F -a '- kafka:'";
    case Value::kCommand:
      return " -r";
    case Value::kOther:
      return " -x";
  }
  return "";
}

std::string fish_script(const Declared& declared) {
  const std::string function = identifier(declared.tool);
  const Value inputs = value_of(declared.inputs_metavar);
  std::string_view what = " -f";
  if (inputs == Value::kFile) what = " -F";
  if (inputs == Value::kEndpoint) what = " -a '- kafka:'";
  const auto command = std::find_if(
      declared.options.begin(), declared.options.end(),
      [](const DeclaredOption& option) { return value_of(option) == Value::kCommand; });
  std::string in_command;
  std::string elsewhere;  // the condition of all else
  if (command != declared.options.end()) {
    in_command = fmt::format("__{}_in_command {}", function, command->name());
    elsewhere = "not " + in_command;
  }
  const auto only = [](const std::string& condition) {
    return condition.empty() ? "" : " -n " + fish_quoted(condition);
  };
  std::string lines = fmt::format("complete -c {}{}{}\n", declared.tool, only(elsewhere), what);
  if (!in_command.empty()) {
    lines += fmt::format("complete -c {}{} -x -a '(__{}_command {})'\n", declared.tool,
                         only(in_command), function, command->name());
  }
  std::string flags;  // letters
  for (const DeclaredOption& option : declared.options) {
    const Value value = value_of(option);
    std::string letter;
    std::string name;
    for (const std::string& each : option.names) {
      (is_short(each) ? letter : name) = each.substr(is_short(each) ? 1 : 2);
    }
    if (value == Value::kNone) flags += letter;
    const std::string once = fmt::format("__{}_unused '{}' {} {}", function, letter, name,
                                         value == Value::kNone ? "flag" : "value");
    std::string condition = elsewhere;
    if (!option.repeats) condition += condition.empty() ? once : "; and " + once;
    lines += fmt::format("complete -c {}{}{} -l {}{} -d {}\n", declared.tool, only(condition),
                         letter.empty() ? "" : " -s " + letter, name,
                         fish_value(value, option.words), fish_quoted(option.help));
  }
  return filled(
      kFish, {{"tool", declared.tool}, {"function", function}, {"flags", flags}, {"lines", lines}});
}

}  // namespace

std::string completion_script(Shell shell, const Declared& declared) {
  if (shell == Shell::kBash) return bash_script(declared);
  return shell == Shell::kZsh ? zsh_script(declared) : fish_script(declared);
}

}  // namespace paystats::cli
