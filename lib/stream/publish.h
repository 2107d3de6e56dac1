// How totals leave: once at the end, as changes, or as a whole each time.
//
//   Result<std::unique_ptr<Publisher>> publisher = open_publisher(endpoint, OutputMode::kUpdate);
//   (*publisher)->publish(totals);   // at each trigger; for kFinal once, at the end
//   (*publisher)->flush();           // when about to wait for input
//   (*publisher)->close();           // the proof that all of it arrived
//
// kFinal and kComplete write all users in the order of totals/rank.h, kUpdate those of
// totals.changed() in the order of their first change. A long list is sorted and encoded by several
// threads. A user without payments (its partials were removed) is not in those lists, and a change
// to it is one to 0. A file is replaced as a whole by kFinal (in close()) and by kComplete (in each
// publish()); kUpdate appends to it. Nothing else that was there is touched before.
#pragma once

#include <memory>

#include "base/result.h"
#include "io/endpoint.h"
#include "io/sink.h"
#include "totals/totals.h"

namespace paystats::stream {

enum class OutputMode { kFinal, kUpdate, kComplete };

class Publisher {
 public:
  virtual ~Publisher() = default;

  // Writes what the mode asks for and, in kUpdate, clears the list of changes. After kFinal nothing
  // can be added to the totals.
  virtual base::Result<void> publish(totals::Totals& totals) = 0;
  // In kUpdate: an empty line, which says that all that was there at the start has been published.
  virtual base::Result<void> mark_ready() = 0;
  virtual base::Result<void> flush() = 0;
  virtual base::Result<void> close() = 0;

  virtual int reader_fd() const = 0;  // see Sink
};

base::Result<std::unique_ptr<Publisher>> open_publisher(const io::Endpoint& endpoint,
                                                        OutputMode mode, unsigned threads = 1);

// For tests: the publisher of this mode into `sink`, as if it were stdout.
std::unique_ptr<Publisher> publish_to(std::unique_ptr<io::Sink> sink, OutputMode mode,
                                      unsigned threads = 1);

}  // namespace paystats::stream
