// Locks whose use the compiler checks: a member says which mutex guards it, a function which one
// its caller has to hold, and clang's -Wthread-safety (an error in scripts/check-tidy) finds each
// access without it. What is generated is the same as with the standard library's types.
//
//   Mutex mutex_;
//   CondVar filled_;
//   std::deque<Item> items_ PAYSTATS_GUARDED_BY(mutex_);
//   Item pop() PAYSTATS_REQUIRES(mutex_);
//   Item take() {
//     MutexLock lock(mutex_);
//     while (items_.empty()) filled_.wait(lock);
//     return pop();
//   }
//
// Waits are loops: a thread may be woken without a notification, and the analysis does not know
// that the lambda of a wait with a condition is called with the mutex held. Constructors and
// destructors are not analysed.
// https://clang.llvm.org/docs/ThreadSafetyAnalysis.html
#pragma once

#include <chrono>
#include <condition_variable>
#include <mutex>

#ifdef __clang__
#define PAYSTATS_THREAD_ATTRIBUTE(x) __attribute__((x))
#else
#define PAYSTATS_THREAD_ATTRIBUTE(x)
#endif

// Of a member: only to be used with that mutex held.
#define PAYSTATS_GUARDED_BY(mutex) PAYSTATS_THREAD_ATTRIBUTE(guarded_by(mutex))
// The same of what a pointer or a smart pointer points to.
#define PAYSTATS_PT_GUARDED_BY(mutex) PAYSTATS_THREAD_ATTRIBUTE(pt_guarded_by(mutex))
// Of a function: its caller holds the mutex, or must not hold it.
#define PAYSTATS_REQUIRES(mutex) PAYSTATS_THREAD_ATTRIBUTE(requires_capability(mutex))
#define PAYSTATS_EXCLUDES(mutex) PAYSTATS_THREAD_ATTRIBUTE(locks_excluded(mutex))

namespace paystats::base {

class PAYSTATS_THREAD_ATTRIBUTE(capability("mutex")) Mutex {
 public:
  Mutex() = default;
  Mutex(const Mutex&) = delete;
  Mutex& operator=(const Mutex&) = delete;

 private:
  friend class MutexLock;
  std::mutex mutex_;
};

// Holds the mutex as long as it lives, but for the time between unlock() and lock().
class PAYSTATS_THREAD_ATTRIBUTE(scoped_lockable) MutexLock {
 public:
  explicit MutexLock(Mutex& mutex) PAYSTATS_THREAD_ATTRIBUTE(acquire_capability(mutex))
      : lock_(mutex.mutex_) {}
  MutexLock(const MutexLock&) = delete;
  MutexLock& operator=(const MutexLock&) = delete;
  ~MutexLock() PAYSTATS_THREAD_ATTRIBUTE(release_capability()) = default;

  void unlock() PAYSTATS_THREAD_ATTRIBUTE(release_capability()) { lock_.unlock(); }
  void lock() PAYSTATS_THREAD_ATTRIBUTE(acquire_capability()) { lock_.lock(); }

 private:
  friend class CondVar;
  std::unique_lock<std::mutex> lock_;
};

// REQUIRES: all that wait at the same time hold the same mutex.
class CondVar {
 public:
  void wait(MutexLock& lock) { changed_.wait(lock.lock_); }

  // False: the time is over, and nobody has notified.
  bool wait_until(MutexLock& lock, std::chrono::steady_clock::time_point deadline) {
    return changed_.wait_until(lock.lock_, deadline) == std::cv_status::no_timeout;
  }
  bool wait_for(MutexLock& lock, std::chrono::steady_clock::duration time) {
    return wait_until(lock, std::chrono::steady_clock::now() + time);
  }

  void notify_one() { changed_.notify_one(); }
  void notify_all() { changed_.notify_all(); }

 private:
  std::condition_variable changed_;
};

}  // namespace paystats::base
