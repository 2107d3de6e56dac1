// The places of a run, told apart before any of them is opened: a file that is read and written at
// once would be lost, or would never end; of two outputs in one file, one takes the other's place.
//
//   DistinctPlaces places;
//   for (const Endpoint& input : inputs) places.read(input);
//   places.write("the output", output);
//   places.write("--rejects", *rejects);
//   if (Result<void> distinct = places.check(); !distinct) ...   // "x: is both input and output"
//
// A file is known by its inode, whatever its paths; one that is yet to be made, by its name and the
// inode of its folder. Devices and pipes (/dev/null) may be used twice, but for standard output.
#pragma once

#include <sys/types.h>

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "io/endpoint.h"

namespace paystats::io {

class DistinctPlaces {
 public:
  void read(const Endpoint& input);
  // `role` is what a message calls it.
  void write(std::string_view role, const Endpoint& output);
  void write_file(std::string_view role, const std::string& path);

  // The first two that are one.
  base::Result<void> check() const;

 private:
  struct Identity {
    dev_t device = 0;
    ino_t inode = 0;
    std::string name;  // of a file that is not there yet, a topic, or stdout; else empty

    friend bool operator==(const Identity&, const Identity&) = default;
  };
  struct Place {
    std::string shown;                 // an input's name, or the role of an output
    std::optional<Identity> identity;  // none: cannot be the same as any
  };

  static std::optional<Identity> identity_of(const Endpoint& endpoint, int stdio);

  std::vector<Place> read_;
  std::vector<Place> written_;
};

}  // namespace paystats::io
