// Which files had the name of a log one after the other, as inotify(7) tells it: so a log that is
// rotated twice between two looks is known to be, and the file between them is found.
// Tested through log/payment_sink.h.
//
//   NameWatch watch;
//   watch.begin(fd);                                  // the file that has the name now
//   ...                                               // another one has it
//   NameWatch::Between between = watch.advance(next_fd);
#pragma once

#include <cstddef>
#include <cstdint>
#include <deque>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/fd.h"

struct inotify_event;

namespace paystats::log {

class NameWatch {
 public:
  // From here on, of the name that `fd` has now.
  void begin(int fd);

  struct Between {
    std::vector<base::UniqueFd> files;  // open for reading, the oldest first
    bool all = false;  // else there may have been others, which are not to be found any more
  };
  // What had the name after the file of the last call, and before `fd`. Goes on from `fd`.
  Between advance(int fd);

  // Takes note of what has happened: the kernel keeps only so much of it.
  void look();

 private:
  // Where it lies now in the folder; nothing: nobody knows, or nowhere.
  using Place = std::optional<std::string>;

  void end();
  void take(const inotify_event& event);
  void appeared(const std::string& name, const std::vector<size_t>& moved);
  std::vector<size_t> leave(std::string_view name);
  bool lies_at(int fd, const std::string& name) const;
  std::optional<size_t> find(int fd) const;
  std::optional<size_t> wait_for(int fd);
  base::UniqueFd open(size_t index);

  base::UniqueFd inotify_;
  base::UniqueFd folder_;
  std::string name_;  // in that folder
  // Which had the name one after the other, from that of begin() on. Empty: nothing is known.
  std::deque<Place> files_;
  std::map<uint32_t, std::vector<size_t>> moving_;  // by the cookie of a rename
};

}  // namespace paystats::log
