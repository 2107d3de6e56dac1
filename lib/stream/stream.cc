#include "stream/stream.h"

#include <algorithm>
#include <span>
#include <type_traits>
#include <vector>

#include "io/decode_block.h"
#include "io/decode_messages.h"

namespace paystats::stream {
namespace {

// While input never pauses, outputs are flushed this often.
constexpr base::Duration kFlushInterval = std::chrono::milliseconds(100);

totals::Totals& totals_of(totals::Totals& table) {
  return table;
}
totals::Totals& totals_of(totals::MergedTotals& table) {
  return table.totals();
}

// What the loop needs of its input, be it lines or messages: read(), take() with what becomes of
// the records, reject(), and figures.
template <class Record>
class Lines {
 public:
  using Chunk = io::DecodedChunk<Record>;

  Lines(io::Source& source, const StreamOptions& options, io::RejectLog& rejects)
      : source_(source), decoder_(options.fields, rejects) {}

  base::Result<io::ReadStatus> read(base::Instant deadline) {
    return source_.read(block_, deadline);
  }

  template <class Table, class OnChunk>
  base::Result<void> take(Table& table, OnChunk&& on_chunk) {
    if constexpr (std::is_same_v<Record, record::Stats>) {
      if (block_.begins_input) table.begin_input();
    }
    return decoder_.decode(block_, on_chunk);
  }
  base::Result<void> reject(const Chunk& chunk, uint32_t line, record::Flaw flaw) {
    return decoder_.reject(chunk, line, flaw);
  }

  base::Result<void> ending() const { return source_.ending(); }
  uint64_t records() const { return decoder_.records(); }
  uint64_t nulls() const { return 0; }
  uint64_t bytes() const { return source_.bytes_read(); }
  void show(base::Progress& progress) const {
    progress.update(records(), source_.bytes_read(), source_.bytes_all());
  }

 private:
  io::Source& source_;
  io::Block block_;
  io::BlockDecoder<Record> decoder_;
};

template <class Record>
class Messages {
 public:
  using Chunk = io::DecodedRun<Record>;

  Messages(io::MessageSource& source, const StreamOptions& options, io::RejectLog& rejects)
      : source_(source), decoder_(options.fields, rejects, options.framing) {}

  base::Result<io::ReadStatus> read(base::Instant deadline) {
    return source_.read(block_, deadline);
  }

  template <class Table, class OnChunk>
  base::Result<void> take(Table& table, OnChunk&& on_chunk) {
    for (const io::Message& message : block_.messages) {
      bytes_ += message.value.value_or(std::string_view()).size();
    }
    if constexpr (std::is_same_v<Record, record::Stats>) {
      return decoder_.decode(block_, on_chunk, [&](std::span<const io::Message> nulls) {
        nulls_ += nulls.size();
        for (const io::Message& null : nulls) table.remove(null.key, null.at.partition);
        return base::Result<void>();
      });
    } else {
      return decoder_.decode(block_, on_chunk);
    }
  }
  base::Result<void> reject(const Chunk& chunk, uint32_t index, record::Flaw flaw) {
    return decoder_.reject(chunk, index, flaw);
  }

  base::Result<void> ending() const { return {}; }
  uint64_t records() const { return decoder_.records(); }
  uint64_t nulls() const { return nulls_; }
  uint64_t bytes() const { return bytes_; }
  void show(base::Progress& progress) const {
    // Of a topic that is followed there is no share once the start has been read.
    const bool over = source_.caught_up();
    progress.update(records(), over ? 0 : source_.messages_read(),
                    over ? 0 : source_.messages_at_start());
  }

 private:
  io::MessageSource& source_;
  io::MessageBlock block_;
  io::MessageDecoder<Record> decoder_;
  uint64_t bytes_ = 0;
  uint64_t nulls_ = 0;
};

// Input is Lines or Messages, of Payment with Totals as Table, or of Stats with MergedTotals.
template <class Input, class Context, class Table>
class Loop {
 public:
  Loop(const Context& context, const StreamOptions& options, Table& table)
      : context_(context),
        publishes_(options.mode != OutputMode::kFinal),
        owes_ready_line_(options.ready_line),
        table_(table),
        trigger_(options.trigger, context.clock),
        input_(context.source, options, context.outputs.rejects),
        caught_up_(context.source.caught_up()),
        flushed_(context.clock.now()) {}

  base::Result<StreamOutcome> run() {
    for (;;) {
      base::Result<io::ReadStatus> status = input_.read(context_.clock.now());
      if (status && *status == io::ReadStatus::kIdle) {
        if (base::Result<void> ready = before_waiting(); !ready) return base::fail(ready.error());
        status = input_.read(deadline());
      }
      if (!status) return base::fail(status.error());
      if (*status == io::ReadStatus::kEnd) return finish();
      if (*status == io::ReadStatus::kBlock) {
        if (base::Result<void> taken = take(); !taken) return base::fail(taken.error());
      }
      if (base::Result<void> done = after_reading(); !done) return base::fail(done.error());
    }
  }

 private:
  using Chunk = typename Input::Chunk;

  base::Result<void> take() {
    const uint64_t nulls = input_.nulls();
    base::Result<void> taken =
        input_.take(table_, [this](const Chunk& chunk) { return add(chunk); });
    const uint64_t removals = input_.nulls() - nulls;
    trigger_.added(removals);
    accepted_ += removals;
    return taken;
  }

  base::Result<void> add(const Chunk& chunk) {
    std::span rows(chunk.lines.rows);
    // Of a chunk without groups, as nearly all are, each row is a record.
    const bool all_alone = chunk.lines.groups == 0;
    while (!rows.empty()) {
      const bool counted = publishes_ && caught_up_;
      const uint64_t most = counted ? trigger_.records_left() : UINT64_MAX;
      const record::RowSpan part =
          all_alone ? record::first_rows(rows.size(), most) : record::first_records(rows, most);
      const size_t n = part.rows;
      rejected_.clear();
      if (base::Result<void> added = table_.add(rows.first(n), rejected_); !added) return added;
      for (const totals::Totals::RejectedRow& rejected : rejected_) {
        base::Result<void> put_aside = input_.reject(chunk, rows[rejected.row].line, rejected.flaw);
        if (!put_aside) return put_aside;
      }
      trigger_.added(part.records - rejected_.size());
      accepted_ += part.records - rejected_.size();
      rows = rows.subspan(n);
      if (counted && trigger_.records_reached()) {
        if (base::Result<void> published = publish(); !published) return published;
      }
    }
    return {};
  }

  // The input has nothing more at this moment, so all that is due must leave before we wait.
  base::Result<void> before_waiting() {
    caught_up_ = caught_up_ || context_.source.caught_up();
    if (publishes_ && caught_up_ && trigger_.due(true)) {
      if (base::Result<void> published = publish(); !published) return published;
    }
    if (base::Result<void> marked = mark_ready(); !marked) return marked;
    context_.outputs.metrics.update(counters());
    return flush();
  }

  base::Result<void> after_reading() {
    caught_up_ = caught_up_ || context_.source.caught_up();
    if (publishes_ && caught_up_ && trigger_.due(false)) {
      if (base::Result<void> published = publish(); !published) return published;
    }
    if (base::Result<void> marked = mark_ready(); !marked) return marked;
    context_.outputs.metrics.update(counters());
    input_.show(context_.progress);
    return context_.clock.now() - flushed_ >= kFlushInterval ? flush() : base::Result<void>();
  }

  // When to wake up without input.
  base::Instant deadline() const {
    const bool may_publish = publishes_ && caught_up_;
    return std::min(may_publish ? trigger_.deadline() : base::Instant::max(),
                    context_.outputs.metrics.deadline());
  }

  base::Result<void> publish() {
    if (base::Result<void> done = context_.outputs.publisher.publish(totals_of(table_)); !done)
      return done;
    trigger_.fired();
    return {};
  }

  // Once: all that was there at the start has been published.
  base::Result<void> mark_ready() {
    if (!owes_ready_line_ || !caught_up_ || trigger_.pending()) return {};
    owes_ready_line_ = false;
    return context_.outputs.publisher.mark_ready();
  }

  base::Result<void> flush() {
    flushed_ = context_.clock.now();
    if (base::Result<void> safe = context_.outputs.rejects.flush(); !safe) return safe;
    return context_.outputs.publisher.flush();
  }

  base::Result<StreamOutcome> finish() {
    context_.progress.clear();
    caught_up_ = caught_up_ || context_.source.caught_up();
    // A first publication is due even where no record came: an empty file says that there is none.
    // But with totals of a log of which only the front was read consumers would see older totals.
    const bool publish = caught_up_ && (trigger_.pending() || trigger_.times_fired() == 0);
    const base::Result<void> done =
        publish_last(context_.outputs, totals_of(table_), counters(), publish);
    if (!done) return base::fail(done.error());
    if (base::Result<void> ending = input_.ending(); !ending) return base::fail(ending.error());
    return StreamOutcome{.cut_short = context_.source.cut_short()};
  }

  Counters counters() const {
    return {.records_accepted = accepted_,
            .records_rejected = context_.outputs.rejects.count(),
            .bytes_read = input_.bytes(),
            .users = users(),
            .triggers = trigger_.times_fired(),
            .caught_up = caught_up_};
  }
  uint64_t users() const { return totals_of(table_).users(); }

  const Context& context_;
  const bool publishes_;  // before the end
  bool owes_ready_line_;
  Table& table_;
  Trigger trigger_;
  Input input_;
  std::vector<totals::Totals::RejectedRow> rejected_;  // reused
  bool caught_up_;  // known only between blocks: within one, part of it is not yet added
  uint64_t accepted_ = 0;
  base::Instant flushed_;
};

}  // namespace

base::Result<StreamOutcome> aggregate_stream(const StreamContext& context,
                                             const StreamOptions& options, totals::Totals& totals) {
  return Loop<Lines<record::Payment>, StreamContext, totals::Totals>(context, options, totals)
      .run();
}

base::Result<StreamOutcome> aggregate_stream(const MessageStreamContext& context,
                                             const StreamOptions& options, totals::Totals& totals) {
  return Loop<Messages<record::Payment>, MessageStreamContext, totals::Totals>(context, options,
                                                                               totals)
      .run();
}

base::Result<StreamOutcome> merge_stream(const StreamContext& context, const StreamOptions& options,
                                         totals::MergedTotals& merged) {
  return Loop<Lines<record::Stats>, StreamContext, totals::MergedTotals>(context, options, merged)
      .run();
}

base::Result<StreamOutcome> merge_stream(const MessageStreamContext& context,
                                         const StreamOptions& options,
                                         totals::MergedTotals& merged) {
  merged.begin_input();
  return Loop<Messages<record::Stats>, MessageStreamContext, totals::MergedTotals>(context, options,
                                                                                   merged)
      .run();
}

base::Result<void> publish_last(const AggregateOutputs& outputs, totals::Totals& totals,
                                Counters counters, bool publish) {
  if (base::Result<void> safe = outputs.rejects.flush(); !safe) return safe;
  if (publish) {
    if (base::Result<void> done = outputs.publisher.publish(totals); !done) return done;
    ++counters.triggers;
  }
  if (base::Result<void> done = outputs.publisher.close(); !done) return done;
  return outputs.metrics.finish(counters);
}

}  // namespace paystats::stream
