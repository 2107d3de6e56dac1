// What is waited for, and how descriptors are controlled; see preload.cc.
#include <fcntl.h>
#include <poll.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/inotify.h>
#include <sys/ioctl.h>
#include <sys/syscall.h>
#include <sys/timerfd.h>
#include <unistd.h>

#include <csignal>
#include <cstdarg>
#include <ctime>

#include "calls.h"

using namespace paystats::fault;

extern "C" {

int poll(pollfd* polled, nfds_t n, int timeout_ms) {
  return whole(switched_on(), kPoll, [&] {
    timespec timeout{timeout_ms / 1000, timeout_ms % 1000 * 1'000'000L};
    return ::syscall(SYS_ppoll, polled, n, timeout_ms < 0 ? nullptr : &timeout, nullptr, 0);
  });
}

int ppoll(pollfd* polled, nfds_t n, const timespec* timeout, const sigset_t* mask) {
  return whole(switched_on(), kPoll, [&] {
    timespec left = timeout != nullptr ? *timeout : timespec{};
    return ::syscall(SYS_ppoll, polled, n, timeout != nullptr ? &left : nullptr, mask, _NSIG / 8);
  });
}

int epoll_wait(int fd, epoll_event* events, int n, int timeout_ms) {
  return whole(switched_on(), kWait, [&] {
    return ::syscall(SYS_epoll_pwait, fd, events, n, timeout_ms, nullptr, _NSIG / 8);
  });
}

int epoll_create1(int flags) noexcept {
  return whole(switched_on(), kEvent, [&] { return ::syscall(SYS_epoll_create1, flags); });
}

// Not of descriptors of the event loop itself: Asio takes no notice of that.
int epoll_ctl(int fd, int operation, int watched, epoll_event* event) noexcept {
  return whole(matters(watched) && operation == EPOLL_CTL_ADD, kEpoll,
               [&] { return ::syscall(SYS_epoll_ctl, fd, operation, watched, event); });
}

int eventfd(unsigned value, int flags) noexcept {
  return whole(switched_on(), kEvent, [&] { return ::syscall(SYS_eventfd2, value, flags); });
}

int timerfd_create(int clock, int flags) noexcept {
  return whole(switched_on(), kEvent, [&] { return ::syscall(SYS_timerfd_create, clock, flags); });
}

int inotify_init1(int flags) noexcept {
  return whole(switched_on(), kWatch, [&] { return ::syscall(SYS_inotify_init1, flags); });
}

int inotify_add_watch(int fd, const char* path, uint32_t mask) noexcept {
  return whole(in_folder(path), kWatch,
               [&] { return ::syscall(SYS_inotify_add_watch, fd, path, mask); });
}

int fcntl(int fd, int operation, ...) {
  va_list arguments;
  va_start(arguments, operation);
  void* const argument = va_arg(arguments, void*);
  va_end(arguments);
  return whole(matters(fd), kControl,
               [&] { return ::syscall(SYS_fcntl, fd, operation, argument); });
}

int ioctl(int fd, unsigned long operation, ...) noexcept {
  va_list arguments;
  va_start(arguments, operation);
  void* const argument = va_arg(arguments, void*);
  va_end(arguments);
  return whole(matters(fd), kControl,
               [&] { return ::syscall(SYS_ioctl, fd, operation, argument); });
}

int fcntl64(int fd, int operation, ...) {
  va_list arguments;
  va_start(arguments, operation);
  void* const argument = va_arg(arguments, void*);
  va_end(arguments);
  return fcntl(fd, operation, argument);
}

}  // extern "C"
