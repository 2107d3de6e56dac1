#include "base/mutex.h"

#include <gtest/gtest.h>

#include <thread>

namespace paystats::base {
namespace {

using std::chrono::milliseconds;

struct Box {
  Mutex mutex;
  CondVar changed;
  int value PAYSTATS_GUARDED_BY(mutex) = 0;
};

TEST(Mutex, OneThreadAtATimeIsInside) {
  Box box;
  const auto add = [&box] {
    for (int i = 0; i < 10'000; ++i) {
      const MutexLock lock(box.mutex);
      ++box.value;
    }
  };
  std::thread other(add);
  add();
  other.join();
  const MutexLock lock(box.mutex);
  EXPECT_EQ(box.value, 20'000);
}

TEST(Mutex, ALockCanBeGivenUpForAWhile) {
  Box box;
  MutexLock lock(box.mutex);
  lock.unlock();
  std::thread other([&box] {
    const MutexLock theirs(box.mutex);
    box.value = 1;
  });
  other.join();
  lock.lock();
  EXPECT_EQ(box.value, 1);
}

TEST(CondVar, WhoWaitsIsWokenAndHoldsTheMutexAgain) {
  Box box;
  std::thread other([&box] {
    const MutexLock lock(box.mutex);
    box.value = 7;
    box.changed.notify_one();
  });
  {
    MutexLock lock(box.mutex);
    while (box.value == 0) box.changed.wait(lock);
    EXPECT_EQ(box.value, 7);
  }
  other.join();
}

TEST(CondVar, AWaitEndsAtItsDeadline) {
  Box box;
  MutexLock lock(box.mutex);
  const auto begin = std::chrono::steady_clock::now();
  while (box.changed.wait_for(lock, milliseconds(20))) {
  }
  EXPECT_GE(std::chrono::steady_clock::now() - begin, milliseconds(20));
  EXPECT_FALSE(box.changed.wait_until(lock, begin));
}

}  // namespace
}  // namespace paystats::base
