// Names for the instances of a tool on this host: a static transactional.id or group.instance.id
// lets Kafka clear at once what a killed process left, so the next instance takes its name.
//
//   Result<Slot> slot = Slot::take("paystats-serve.payments");
//   slot->name();   // "paystats-serve.payments.pi5.0", held until the slot is destroyed
//
// A slot is a lock file of this user, in $XDG_RUNTIME_DIR, else in /tmp; the kernel releases it
// whatever ends the process. The first free number is taken.
#pragma once

#include <string>
#include <string_view>

#include "base/fd.h"
#include "base/result.h"

namespace paystats::kafka {

class Slot {
 public:
  static base::Result<Slot> take(std::string_view prefix);
  // The same with the lock files in `folder`, which is made where it is missing.
  static base::Result<Slot> take_in(const std::string& folder, std::string_view prefix);

  const std::string& name() const { return name_; }
  int number() const { return number_; }

 private:
  Slot(base::UniqueFd lock, std::string name, int number);

  base::UniqueFd lock_;
  std::string name_;
  int number_;
};

}  // namespace paystats::kafka
