// Sockets; see preload.cc.
#include <sys/sendfile.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>

#include "calls.h"

using namespace paystats::fault;

extern "C" {

ssize_t recv(int fd, void* buffer, size_t size, int flags) {
  return input(fd, kReceive, size, [&](size_t n) {
    return ::syscall(SYS_recvfrom, fd, buffer, n, flags, nullptr, nullptr);
  });
}

ssize_t recvmsg(int fd, msghdr* message, int flags) {
  msghdr less = *message;
  less.msg_iovlen = std::min<size_t>(less.msg_iovlen, 1);
  return input(fd, kReceive, 2, [&](size_t n) {
    return ::syscall(SYS_recvmsg, fd, n < 2 ? &less : message, flags);
  });
}

ssize_t send(int fd, const void* bytes, size_t size, int flags) {
  return input(fd, kSend, size,
               [&](size_t n) { return ::syscall(SYS_sendto, fd, bytes, n, flags, nullptr, 0); });
}

// Short: half of the first part.
ssize_t sendmsg(int fd, const msghdr* message, int flags) {
  const bool some = message->msg_iovlen > 0 && message->msg_iov[0].iov_len > 0;
  const size_t first = some ? message->msg_iov[0].iov_len : 0;
  return input(fd, kSend, first, [&](size_t n) -> ssize_t {
    if (n == first) return ::syscall(SYS_sendmsg, fd, message, flags);
    return ::syscall(SYS_sendto, fd, message->msg_iov[0].iov_base, n, flags, nullptr, 0);
  });
}

ssize_t sendfile(int fd, int from, off_t* offset, size_t size) noexcept {
  return input(fd, kSendFile, size,
               [&](size_t n) { return ::syscall(SYS_sendfile, fd, from, offset, n); });
}

// ECONNABORTED: the client has gone, and the connection with it.
int accept(int fd, sockaddr* address, socklen_t* size) {
  const auto taken = [&] { return static_cast<int>(::syscall(SYS_accept4, fd, address, size, 0)); };
  if (!matters(fd)) return taken();
  const Way way = count(kAccept);
  if (way == Way::kKill) kill_self();
  if (way == Way::kPass) return taken();
  const int error = errno;
  if (error == ECONNABORTED) ::syscall(SYS_close, taken());
  errno = error;
  return -1;
}

int socket(int domain, int type, int protocol) noexcept {
  return whole(switched_on(), kSocket,
               [&] { return ::syscall(SYS_socket, domain, type, protocol); });
}

int bind(int fd, const sockaddr* address, socklen_t size) noexcept {
  return whole(matters(fd), kSocket, [&] { return ::syscall(SYS_bind, fd, address, size); });
}

int listen(int fd, int backlog) noexcept {
  return whole(matters(fd), kSocket, [&] { return ::syscall(SYS_listen, fd, backlog); });
}

int connect(int fd, const sockaddr* address, socklen_t size) {
  return whole(matters(fd), kConnect, [&] { return ::syscall(SYS_connect, fd, address, size); });
}

[[gnu::alias("sendfile")]] ssize_t sendfile64(int fd, int from, off64_t* offset,
                                              size_t size) noexcept;

}  // extern "C"
