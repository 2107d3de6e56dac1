#include "agg/stream.h"

#include <algorithm>
#include <span>
#include <type_traits>
#include <vector>

#include "io/decode_block.h"

namespace paystats {
namespace {

// While input never pauses, outputs are flushed this often.
constexpr Duration kFlushInterval = std::chrono::milliseconds(100);

Totals& totals_of(Totals& table) {
  return table;
}
Totals& totals_of(MergedTotals& table) {
  return table.totals();
}

// Record is Payment and Table Totals, or Stats and MergedTotals.
template <class Record, class Table>
class Loop {
 public:
  Loop(const StreamEnds& ends, const StreamOptions& options, Table& table)
      : ends_(ends),
        publishes_(options.mode != OutputMode::kFinal),
        table_(table),
        trigger_(options.trigger, ends.clock),
        decoder_(options.names, ends.outputs.rejects),
        caught_up_(ends.source.caught_up()),
        flushed_(ends.clock.now()) {}

  Result<StreamEnd> run() {
    for (;;) {
      Block block;
      Result<ReadStatus> status = ends_.source.read(block, ends_.clock.now());
      if (status && *status == ReadStatus::kIdle) {
        if (Result<void> ready = before_waiting(); !ready) return fail(ready.error());
        status = ends_.source.read(block, deadline());
      }
      if (!status) return fail(status.error());
      if (*status == ReadStatus::kEnd) return finish();
      if (*status == ReadStatus::kBlock) {
        if (Result<void> taken = take(block); !taken) return fail(taken.error());
      }
      if (Result<void> done = after_reading(); !done) return fail(done.error());
    }
  }

 private:
  using Chunk = DecodedChunk<Record>;
  using Row = typename DecodedLines<Record>::Row;

  Result<void> take(const Block& block) {
    // The first block of each input says so by its first line.
    if constexpr (std::is_same_v<Record, Stats>) {
      if (block.first_line == 1) table_.begin_input();
    }
    return decoder_.decode(block, [this](const Chunk& chunk) { return add(chunk); });
  }

  Result<void> add(const Chunk& chunk) {
    std::span<const Row> rows(chunk.lines.rows);
    while (!rows.empty()) {
      const bool counted = publishes_ && caught_up_;
      const size_t n =
          counted ? std::min<uint64_t>(rows.size(), trigger_.records_left()) : rows.size();
      refused_.clear();
      if (Result<void> added = table_.add(rows.first(n), refused_); !added) return added;
      for (const Totals::Refused& refused : refused_) {
        Result<void> put_aside = decoder_.reject(chunk, rows[refused.row].line, refused.flaw);
        if (!put_aside) return put_aside;
      }
      trigger_.added(n - refused_.size());
      accepted_ += n - refused_.size();
      rows = rows.subspan(n);
      if (counted && trigger_.records_reached()) {
        if (Result<void> published = publish(); !published) return published;
      }
    }
    return {};
  }

  // The input has nothing more at this moment, so all that is due must leave before we wait.
  Result<void> before_waiting() {
    caught_up_ = caught_up_ || ends_.source.caught_up();
    if (publishes_ && caught_up_ && trigger_.due(true)) {
      if (Result<void> published = publish(); !published) return published;
    }
    ends_.outputs.metrics.update(counters());
    return flush();
  }

  Result<void> after_reading() {
    caught_up_ = caught_up_ || ends_.source.caught_up();
    if (publishes_ && caught_up_ && trigger_.due(false)) {
      if (Result<void> published = publish(); !published) return published;
    }
    ends_.outputs.metrics.update(counters());
    ends_.progress.update(decoder_.records(), ends_.source.bytes_read(), ends_.source.bytes_all());
    return ends_.clock.now() - flushed_ >= kFlushInterval ? flush() : Result<void>();
  }

  // When to wake up without input.
  Instant deadline() const {
    const bool may_publish = publishes_ && caught_up_;
    return std::min(may_publish ? trigger_.deadline() : Instant::max(),
                    ends_.outputs.metrics.deadline());
  }

  Result<void> publish() {
    if (Result<void> done = ends_.outputs.publisher.publish(totals_of(table_)); !done) return done;
    trigger_.fired();
    return {};
  }

  Result<void> flush() {
    flushed_ = ends_.clock.now();
    if (Result<void> safe = ends_.outputs.rejects.flush(); !safe) return safe;
    return ends_.outputs.publisher.flush();
  }

  Result<StreamEnd> finish() {
    ends_.progress.clear();
    // A first publication is due even where no record came: an empty file says that there is none.
    // But totals of a log of which only the front was read would take readers back in time.
    const bool publish = caught_up_ && (trigger_.pending() || trigger_.times_fired() == 0);
    const Result<void> done = publish_last(ends_.outputs, totals_of(table_), counters(), publish);
    if (!done) return fail(done.error());
    return StreamEnd{.cut_short = ends_.source.cut_short()};
  }

  Counters counters() const {
    return {.records_accepted = accepted_,
            .records_rejected = ends_.outputs.rejects.count(),
            .bytes_read = ends_.source.bytes_read(),
            .users = users(),
            .triggers = trigger_.times_fired(),
            .caught_up = caught_up_};
  }
  uint64_t users() const { return totals_of(table_).users(); }

  const StreamEnds& ends_;
  const bool publishes_;  // before the end
  Table& table_;
  Trigger trigger_;
  BlockDecoder<Record> decoder_;
  std::vector<Totals::Refused> refused_;  // reused
  bool caught_up_;  // known only between blocks: within one, part of it is not yet added
  uint64_t accepted_ = 0;
  Instant flushed_;
};

}  // namespace

Result<StreamEnd> aggregate_stream(const StreamEnds& ends, const StreamOptions& options,
                                   Totals& totals) {
  return Loop<Payment, Totals>(ends, options, totals).run();
}

Result<StreamEnd> merge_stream(const StreamEnds& ends, const StreamOptions& options,
                               MergedTotals& merged) {
  return Loop<Stats, MergedTotals>(ends, options, merged).run();
}

Result<void> publish_last(const AggregateOutputs& outputs, Totals& totals, Counters counters,
                          bool publish) {
  if (Result<void> safe = outputs.rejects.flush(); !safe) return safe;
  if (publish) {
    if (Result<void> done = outputs.publisher.publish(totals); !done) return done;
    ++counters.triggers;
  }
  if (Result<void> done = outputs.publisher.close(); !done) return done;
  return outputs.metrics.finish(counters);
}

}  // namespace paystats
