// Which system calls count, and which of them is to fail: what the environment of a preloaded tool
// says (preload.cc lists the variables).
#pragma once

#include <sys/stat.h>

#include <cstddef>
#include <cstdint>

namespace paystats::fault {

// preload.py has the same order.
enum Kind : uint8_t {
  kWrite,
  kRead,
  kSync,
  kTruncate,
  kOpen,
  kLock,
  kRename,
  kUnlink,
  kPoll,
  kMap,
  kStat,
  kSend,
  kReceive,
  kAccept,
  kControl,
  kStatFs,
  kWatch,
  kSendFile,
  kSeek,
  kLink,
  kAccess,
  kMode,
  kSocket,
  kConnect,
  kEvent,
  kEpoll,
  kWait,
  kClose,
  kRandom,
  kKinds,
  kNone
};

enum class Way : uint8_t { kPass, kError, kShort, kKill };

// The folder whose files matter; without one nothing does.
bool switched_on();
bool in_folder(const char* path);
bool is_file_of_folder(int fd);
// Files of the folder, pipes and sockets; never stderr.
bool matters(int fd);

// Counts a call of this kind, and says what is to become of it: with kError, `errno` is set.
Way count(Kind kind);
[[noreturn]] void kill_self();

// Leave errno as it is.
bool status_of(int fd, struct stat& status);
uint64_t inode_of(int fd);

}  // namespace paystats::fault
