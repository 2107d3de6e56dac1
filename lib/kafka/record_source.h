// What each stats message says of itself in its header `src`: which payments it was made of, and by
// which group; and the last of those, which tells a topic that has been made anew from the one
// before, though the group's offsets have gone with that. Pure; the format is in paystats(7).
//
//   SourceJudge judge({.cluster = "MkU3", .topic = "payments", .partition = 3, .group = "g"});
//   if (Result<void> own = judge.check(message, "payment-stats"); !own) return own;
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "base/result.h"
#include "io/message_source.h"
#include "kafka/offset_signature.h"

namespace paystats::kafka {

inline constexpr const char* kSourceHeader = "src";

// What is said of totals whose `options` are others, and the remedy.
inline constexpr const char* kMadeWithOtherOptions =
    "made with other options (--user-field, --amount-field, --volume-field, "
    "--schema-registry-framing); give payagg the options of before, or a new output topic and a "
    "new group";

struct RecordSource {
  std::string cluster = {};  // its id; empty: it has none
  std::string topic;
  int32_t partition = 0;
  std::string group = {};
  std::optional<uint64_t> options = {};  // a hash of those that shape totals, where it is known
  // A message that was read before the total was published, as a rule the last one.
  std::optional<MessageMark> last = {};

  friend bool operator==(const RecordSource&, const RecordSource&) = default;
};

// {"cluster":"…","topic":"payments","partition":0,"group":"…","options":"HASH",
// "last":"OFFSET TIMESTAMP HASH"}: without `cluster` where it has no id, and without `options` and
// `last` where those are not known. What of a name is not UTF-8 becomes U+FFFD.
std::string record_source_text(const RecordSource& source);

// Fields that it does not know are ignored; what is no such text is nothing.
std::optional<RecordSource> read_record_source(std::string_view text);

// Tells records of our own from those of others.
class SourceJudge {
 public:
  explicit SourceJudge(const RecordSource& own);

  // What is foreign in a record whose header says this, in words that follow the place of the
  // record, with the remedy. Nothing: it is our own, or says nothing of itself (as those of
  // versions before). An unknown cluster is no other one, nor are unknown options.
  std::optional<std::string> foreign(std::string_view header);

  // The same of a message of `topic`, as an error that begins with its place: kMustNotGoOn.
  base::Result<void> check(const io::Message& message, const std::string& topic);

  // The last one of all messages that records of our own have named.
  const std::optional<MessageMark>& last() const { return last_; }

 private:
  const RecordSource own_;  // as it is read back
  std::string accepted_;    // the header before: those of one publication are the same
  std::optional<MessageMark> last_;
};

}  // namespace paystats::kafka
