#include "base/shell_word.h"

#include <fmt/format.h>

#include "base/terminal_text.h"

namespace paystats::base {
namespace {

constexpr std::string_view kPlain =
    "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789/._+:@%,=-";

std::string in_quotes(std::string_view word) {
  std::string quoted = "'";
  for (const char c : word) {
    if (c == '\'') {
      quoted += "'\\''";
    } else {
      quoted += c;
    }
  }
  return quoted + "'";
}

// By the octal numbers of its bytes: those are all that every printf(1) knows.
std::string by_printf(std::string_view word) {
  std::string format;
  for (const char c : word) {
    if (kPlain.find(c) != std::string_view::npos && c != '%') {
      format += c;
    } else {
      format += fmt::format("\\{:03o}", static_cast<unsigned char>(c));
    }
  }
  // The first character would begin an option of printf.
  if (format.starts_with('-')) format.replace(0, 1, "\\055");
  return "\"$(printf '" + format + "')\"";
}

}  // namespace

std::string shell_word(std::string_view word) {
  if (!word.empty() && word.find_first_not_of(kPlain) == std::string_view::npos) {
    return std::string(word);
  }
  return printable(word) == word ? in_quotes(word) : by_printf(word);
}

std::string shell_operand(std::string_view path) {
  if (path.size() < 2 || path.front() != '-') return shell_word(path);
  return shell_word("./" + std::string(path));
}

}  // namespace paystats::base
