// For a tool that something starts again by itself: after status 3 its message is kept in a file,
// and it does not start while that file is there. A supervisor that knows no exit status, or a
// reboot, would otherwise begin anew on what is there now, and nobody would see what is missing.
//
//   const NoStartFile file(path, clock, diagnostics);  // nothing: nothing is done
//   if (Result<void> may = file.check(); !may) ...     // before anything is opened
//   file.keep("payments.jsonl: shrank ...");           // after status 3
//
// The file is one line of text: the time of day (UTC) and the message. A file that a person has
// made, with whatever is in it, keeps the tool from starting too. A person who has looked removes
// it.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "base/clock.h"
#include "base/diagnostics.h"
#include "base/result.h"

namespace paystats::cli {

class NoStartFile {
 public:
  NoStartFile(std::optional<std::string> path, const base::Clock& clock,
              base::Diagnostics& diagnostics)
      : path_(std::move(path)), clock_(clock), diagnostics_(diagnostics) {}

  // Shows what the file says. Errors: kMustNotGoOn while it is there; kFailed where it cannot be
  // looked for, or could not be written after status 3.
  base::Result<void> check() const;

  // Writes it, on the disk before this returns, and says so. Where that fails the message says that
  // too: the status is 3 in any case.
  void keep(std::string_view message) const;

 private:
  const std::optional<std::string> path_;
  const base::Clock& clock_;
  base::Diagnostics& diagnostics_;
};

}  // namespace paystats::cli
