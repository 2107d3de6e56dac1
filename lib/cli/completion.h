// Completion scripts for shells, made of what a tool declares: names, words, files.
//
//   const std::string script = completion_script(Shell::kFish, declared);
//
// What an option's value is, and so what is offered for it, is said by its metavar: PATH and FILE
// are files, DIR is a folder, ENDPOINT and INPUT are what io::Endpoint takes, COMMAND... is all the
// rest of the line, which zsh completes. Of any other value nothing is known, and nothing is
// offered. A script is all that its shell needs: it may be
// installed where the shell looks for it (cmake/Completions.cmake) or be read by `source`.
#pragma once

#include <string>
#include <string_view>

#include "cli/declared.h"

namespace paystats::cli {

enum class Shell { kBash, kZsh, kFish };
// The words of --generate, in the order of Shell.
constexpr std::string_view kCompletions[] = {"complete-bash", "complete-zsh", "complete-fish"};

std::string completion_script(Shell shell, const Declared& declared);

}  // namespace paystats::cli
