// Words of a command that a message advises, so that a shell takes them for what they are. Names
// come from outside: one may hold blanks, quotes, or characters that a terminal must not see.
//
//   const std::string command = "zcat " + shell_operand(path) + " | payagg";
#pragma once

#include <string>
#include <string_view>

namespace paystats::base {

// As sh (POSIX) reads it: `word` itself where that is plain, else 'in quotes'. What printable()
// would change is written as "$(printf 'a\033b')", so a message shows the word as it is; that does
// not reach a newline at the very end of a word.
std::string shell_word(std::string_view word);

// A file's name as an argument of a command, which must not take it for an option: `-x` becomes
// `./-x`. `-` stays, and is stdin.
std::string shell_operand(std::string_view path);

}  // namespace paystats::base
