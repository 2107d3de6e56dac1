#!/usr/bin/env python3
"""Compiles the examples that headers open with, so that they stay true.

  header_examples.py COMPILER [ROOM...]

An example is the first block of lines "//   ..." of a header. It stands in EXAMPLES, with what it
takes from around it, or in OTHERS; names of other rooms are written without those. Where it says
"...", code of the reader's goes on. Exit 1 if one does not compile, or is in neither list.
"""
import concurrent.futures
import glob
import os
import re
import subprocess
import sys

ROOT = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))

# {header: the parameters of a function that has its example as body, or what stands before and behind it}
EXAMPLES = {
    "api/http.h": "std::string& out",
    "api/origin.h": "std::string_view text, void (*use)(bool, std::string_view, uint16_t)",
    "api/posted_payments.h": "std::string_view body, const PaymentRules& rules",
    "api/public_url.h": "std::string_view text, void (*use)(const std::string&)",
    "api/router.h": "const RouterOptions& options, StaticFiles files, const HttpRequest& request",
    "api/static_files.h": "",
    "base/child_process.h": "UniqueFd out, int signal_number, void (*wait_readable)(int)",
    "base/invocation.h": "",
    "base/large_array.h": ("template <class Key> void of(size_t size) {", "}"),
    "base/metrics_text.h": "",
    "base/mutex.h": ("struct Item {}; class Queue {", "};"),
    "base/numbers.h": "uint64_t& hash",
    "base/progress.h": "Diagnostics& diagnostics, const Clock& clock, Verbosity verbosity,"
                       " uint64_t records, uint64_t bytes_done, uint64_t bytes_all",
    "base/result.h": "const std::string& path",
    "base/shell_word.h": "const std::string& path",
    "base/stop.h": "int input, const Stop& stop, void (*wait_for_either)(int, int)",
    "base/stop_signal.h": "int input, bool interrupted, void (*wait_for_either)(int, int)",
    "base/threads.h": ("struct Reader { void read_all(); Result<void> start(unsigned threads) {",
                       "return {}; } };"),
    "cache/client.h": "const Waiter& waiter, Instant deadline",
    "cache/command.h": "const CacheOptions& options, const RunContext& context",
    "cache/feed_command.h": "const Waiter& waiter, const RunContext& context",
    "cache/metrics_writer.h": "const std::string& path, Diagnostics& diagnostics,"
                              " const std::string& text",
    "cache/output.h": "const Endpoint& endpoint, const View& view",
    "cache/questions.h": "std::unique_ptr<Sink>& sink, const Waiter& waiter, Diagnostics& diagnostics",
    "cache/run.h": "const CacheRunOptions& options, std::unique_ptr<Source>& source,"
                   " RejectLog& rejects, Progress& progress, const RunContext& context",
    "cache/server.h": "EventLoop& loop, Result<SocketClaim>& claim, const std::shared_ptr<View>& view,"
                      " const Clock& clock, const Stats& stats",
    "cache/stats_batch.h": "StatsBatch& batch, const DecodedChunk<Stats>& chunk, View& view,"
                           " std::vector<View::RejectedRow>& rejected, RejectLog& rejects",
    "cache/stats_feed.h": "EventLoop& loop, std::unique_ptr<Source>& source, RejectLog& rejects,"
                          " const Clock& clock, Progress& progress, bool& ready, Result<void>& end,"
                          " Result<void> (*apply)(StatsBatch&)",
    "cli/command_line.h": ("struct Options { std::string output; uint64_t jobs; };", ""),
    "cli/completion.h": "const Declared& declared",
    "cli/no_start_file.h": "const std::optional<std::string>& path, const Clock& clock,"
                           " Diagnostics& diagnostics",
    "cli/tool_main.h": ("struct Options {};"
                        " void declare(CommandLine&, Options&);"
                        " Result<ExitStatus> run(const Options&, RunContext&);", ""),
    "gen/deliver.h": "PaymentSink& sink, const Waiter& waiter, Pace pace, Progress& progress,"
                     " BatchTotals& batch_totals, const SinglePlan& plan",
    "gen/digits.h": "char* out",
    "gen/job.h": "const Plan& plan, const Places& places, const KafkaOptions& kafka,"
                 " const RunContext& context",
    "gen/pace.h": ("void of(uint64_t rate, Duration duration, const Clock& clock, Instant now,"
                   " uint64_t wanted) {", "}"),
    "gen/random_payments.h": "const RandomSpec& spec, PaymentSink& sink, TimeOfDay time",
    "gen/zipf.h": "uint32_t users, uint32_t skew_thousandths, SplitMix64& generator",
    "http/answer_feed.h": "EventLoop& loop, const Clock& clock, const Query& query",
    "http/body_pages.h": "const SharedBytes& body, int socket, void (*send_pages)(int, int)",
    "http/chunk_decoder.h": "uint64_t body_bytes_max, std::string_view input",
    "http/clients.h": "const HttpLimits& limits, std::shared_ptr<Client> client, Instant now",
    "http/event_stream.h": "LivePages& pages, UnreadAnswers& unread, const Clock& clock,"
                           " const HttpLimits& limits,"
                           " ServerFigures& figures, EventStreams::Socket socket,"
                           " const PageQuery& query",
    "http/head.h": "std::string_view buffer",
    "http/keyed_posts.h": "EventLoop& loop, std::unique_ptr<KeyedRequests> requests,"
                          " PostedPayments& posted",
    "http/line_link.h": "EventLoop& loop",
    "http/listener.h": "EventLoop& loop, ErrorCode& error",
    "http/live_pages.h": "EventLoop& loop, AnswerFeed& feed, const PageQuery& query",
    "http/outbox.h": ("asio::awaitable<void> of(HttpOutbox& out, const HttpResponse& response,"
                      " const ConnectionFields& connection, BodyPages& pages, SharedBytes body,"
                      " StreamSocket& socket, asio::awaitable<void> (*room)(StreamSocket&)) {", "}"),
    "http/payment_writer.h": "EventLoop& loop, std::unique_ptr<PaymentSink> sink, const Clock& clock,"
                             " const PaymentWriterLimits& limits, PostedPayments payments",
    "http/probe_pace.h": "ProbePace::Clock::time_point now, std::unique_ptr<PaymentSink> sink",
    "http/request_body.h": "size_t bytes_max, Duration quiet_timeout, Holder& client,"
                           " std::string_view bytes, Instant now, const PaymentRules& rules",
    "http/run.h": "HttpRunOptions options, const RunContext& context,"
                  " std::unique_ptr<PaymentSink> sink, StaticFiles files",
    "http/thread_wake.h": "int reader_fd",
    "http/server.h": "EventLoop& loop, const Router& router, const PaymentRules& rules,"
                     " AnswerFeed& feed, PaymentWriter& writer, const Clock& clock",
    "http/turns.h": "EventLoop& loop",
    "http/unread_answers.h": "size_t bytes_max, Holder& client, SharedBytes body, size_t head_bytes",
    "io/decode_block.h": "RejectLog& rejects, const Block& block, bool (*take)(const Payment&)",
    "io/decode_messages.h": "RejectLog& rejects, const MessageBlock& block,"
                            " bool (*take)(const Payment&, SourceOffset)",
    "io/distinct_places.h": "const std::vector<Endpoint>& inputs, const Endpoint& output,"
                            " const std::optional<Endpoint>& rejects",
    "io/input_start.h": "Block& block, bool followed, Diagnostics& diagnostics",
    "io/line_splitter.h": "Block& block, size_t (*read_into)(char*)",
    "io/message_source.h": "MessageSource& source, const Clock& clock",
    "io/reject_log.h": "Diagnostics& diagnostics, std::unique_ptr<Sink> sink, std::string_view text",
    "io/source.h": "Source& source, const Clock& clock, Instant deadline, void (*flush)(),"
                   " void (*take)(std::string_view)",
    "kafka/admin.h": "Cluster& cluster",
    "kafka/batch.h": "rd_kafka_queue_t* queue, void (*note)(const rd_kafka_message_t&),"
                     " const std::vector<int64_t>& next",
    "kafka/broker_watch.h": "BrokerWatch& watch",
    "kafka/client.h": "Cluster& cluster",
    "kafka/cluster.h": "const KafkaOptions& options, const RunContext& context",
    "kafka/delivered_ranges.h": "const Message& sent",
    "kafka/ends.h": "Cluster& cluster, const std::vector<int32_t>& partitions, int64_t& behind,"
                    " int64_t (*position_of)(int32_t)",
    "kafka/fetch_waker.h": "ClientSettings& settings, std::unique_ptr<Client>& client,"
                           " rd_kafka_queue_t* queue, std::span<const int32_t> partitions_with_more",
    "kafka/group_consumer.h": "Cluster& cluster, const GroupConsumerOptions& options,"
                              " PartitionOwner& owner, const Waiter& waiter, MessageBlock& block,"
                              " const Clock& clock",
    "kafka/group_entry.h": "std::unique_ptr<Client>& client, bool& assigned, const Clock& clock,"
                           " void (*wait_until)(Instant)",
    "kafka/hidden_messages.h": "Cluster& cluster, Diagnostics& diagnostics,"
                       " GroupConsumer& consumer, const Clock& clock, uint64_t& lag_behind",
    "kafka/offset_signature.h": "const OffsetSignature& signature",
    "kafka/open.h": "const KafkaOptions& options, const RunContext& context,"
                    " const Endpoint& endpoint",
    "kafka/partition_reader.h": "Cluster& cluster, std::span<const int32_t> partitions,"
                                " const Waiter& waiter, Instant deadline, Result<Wake>& wake",
    "kafka/payment_sink.h": "Cluster& cluster",
    "kafka/producer.h": "Producer& producer, const ConsumedOffsets& offsets, std::string_view user,"
                        " std::string_view line",
    "kafka/input_watch.h": "Cluster& cluster, const Waiter& waiter, PartitionReader& reader, Instant now,"
                           " std::optional<TopicLoss>& loss,"
                           " Result<std::optional<TopicLoss>>& judged",
    "kafka/message_sender.h": ("using Failure = MessageSender::Failure; void of(Cluster& cluster,"
                               " std::string_view key, std::string_view value) {", "}"),
    "kafka/range_reader.h": "Cluster& cluster, Result<void> (*take)(const MessageBlock&)",
    "kafka/record_source.h": "const Message& message",
    "kafka/refusals.h": "rd_kafka_resp_err_t error, const std::string& what",
    "kafka/request_writer.h": "Cluster& cluster, const std::vector<SourceOffset>& offsets,"
                              " GroupConsumer& consumer, const Batch& batch, int32_t partition,"
                              " std::string_view key, std::string_view line",
    "kafka/restore.h": "Cluster& cluster, const std::vector<int32_t>& assigned,"
                       " Result<void> (*take)(const MessageBlock&), Progress& progress",
    "kafka/slots.h": "",
    "kafka/stall.h": ("Result<void> of(Cluster& cluster, rd_kafka_resp_err_t error) {", "return {}; }"),
    "kafka/stats_writer.h": "StatsWriter& writer, const std::vector<SignedOffset>& offsets,"
                            " GroupConsumer& consumer, int32_t partition, std::string_view user,"
                            " std::string_view line",
    "kafka/topic_look.h": "Cluster& cluster, const std::vector<int32_t>& partitions",
    "kafka/topic_sink.h": "Cluster& cluster",
    "kafka/topic_source.h": "Cluster& cluster, const Waiter& waiter",
    "kafka/topics.h": "Cluster& cluster",
    "loop/await_call.h": ("asio::awaitable<void> of(void (*wake_later)(std::function<void(bool)>)) {", "}"),
    "loop/event_loop.h": "SocketClaim claim, const std::shared_ptr<View>& view, const Clock& clock,"
                         " const StopSignal& stop",
    "loop/socket_claim.h": "",
    "money/decimal.h": "Decimal& sum, std::string& out",
    "money/short_amount.h": "const char* p",
    "payagg/aggregate.h": "const AggregatePlan& plan, const RunContext& context",
    "record/decoder.h": "std::string_view block",
    "record/foreign.h": "std::optional<Flaw> verdict, std::string_view line",
    "record/json_elements.h": "std::string_view text",
    "record/json_scanner.h": "std::string_view text",
    "record/payment_layouts.h": "PaymentLayouts& layouts, const char* p, const char* end,"
                                " DecodedLines<Payment>& out, const char* line, const char* next,"
                                " const PaymentLayout::Tokens& tokens",
    "record/plain_layout.h": "const PaymentLayout& layout, const char* line, const char* newline,"
                             " const StringStops::Marks& stops, Payment& payment,"
                             " ShortAmounts& amounts, size_t i",
    "record/plain_tail.h": "const PlainTail& tail, const char* amount, const char* values_end, size_t i,"
                           " const StringStops::Marks& stops, PlainTail::Places& places,"
                           " ShortAmounts& amounts, ShortVolumes& volumes",
    "record/row_buffer.h": ("template <class Row> void of(RowBuffer<Row>& rows, size_t most,"
                            " void (*fill)(Row&)) {", "}"),
    "record/short_amounts.h": "size_t i, size_t n, const char* begin, const char* end, Decimal& sum",
    "record/string_stops.h": "const char* block_begin, const char* block_end, const char* p",
    "record/text_arena.h": "TextArena& arena, size_t size_max, size_t bytes_written",
    "record/utf8_marks.h": "const char* begin, size_t size, uint8_t* bits",
    "record/user_name.h": "std::string_view text, const char* begin, size_t size",
    "stream/block_queue.h": "size_t buffers, bool (*read)(Block&), Block& block,"
                            " void (*decode)(const Block&)",
    "stream/parallel.h": "const std::vector<Endpoint>& inputs, std::unique_ptr<Source>& source,"
                         " const ParallelContext& context, Totals& totals",
    "stream/publish.h": "const Endpoint& endpoint, Totals& totals",
    "stream/segments.h": "const std::vector<Endpoint>& inputs, uint64_t segment_bytes,"
                         " const Waiter& waiter, Diagnostics& diagnostics,"
                         " Result<std::optional<Segment>>& segment, Block& block, uint64_t lines,"
                         " const PrefixBound& bound",
    "stream/stream.h": "std::unique_ptr<Publisher>& publisher, RejectLog& rejects,"
                       " MetricsFile& metrics, std::unique_ptr<Source>& source, Progress& progress,"
                       " const Clock& clock",
    "keys/key_table.h": "std::string_view key, uint64_t place, const Clock& clock",
    "keys/keyed_lines.h": "std::string_view block, std::string_view line",
    "keys/ledger.h": "const KeyLimits& limits, const Request& request, Instant now, uint64_t place,"
                     " Result<std::optional<KeyedRequest>> (*read_request)(uint64_t)",
    "io/keyed_requests.h": "std::unique_ptr<KeyedRequests> keyed, const Request& request,"
                           " std::string_view key",
    "io/payment_sink.h": "std::unique_ptr<PaymentSink> sink, std::span<const Batch> batches, int stop_fd",
    "log/log_keys.h": "const std::string& path, const KeyLimits& limits, const Clock& clock, PaymentLog& log,"
                      " const Request& request",
    "log/append.h": "int fd, std::string_view lines, std::string_view name, std::string_view found",
    "log/name_watch.h": "int fd, int next_fd",
    "log/payment_log.h": "Diagnostics& diagnostics",
    "log/payment_sink.h": "const Endpoint& endpoint, const Clock& clock, Diagnostics& diagnostics,"
                          " std::span<const Batch> batches",
    "log/room.h": "int fd, uint64_t size",
    "log/torn_file.h": "const std::string& log_path, int log_fd, uint64_t begin, uint64_t end, bool cut",
    "stream/trigger.h": "const Clock& clock, uint64_t rows, bool paused, void (*publish)(),"
                        " Source& source, Block& block",
    "requests/answer_book.h": "const KeyLimits& limits, const Clock& clock, std::string_view key,"
                              " uint64_t digest, uint64_t count, std::string name,"
                              " std::span<const Answer> answers,"
                              " void (*tell)(std::vector<KeyedOutcome>)",
    "requests/payer.h": "const PayerOptions& options, Cluster& cluster, AnswerBook& book",
    "requests/service.h": "const Endpoint& output, const RequestsOptions& options,"
                          " EndpointOpener& opener, const KeyedRequests::Handlers& handlers",
    "requests/start.h": "const PartitionFacts& facts, const TopicNames& names",
    "topics/job.h": "const TopicJobOptions& options, Cluster& cluster, RejectLog& rejects,"
                    " PendingRejects& pending, TopicCounters& counters, const RunContext& context",
    "topics/output_ends.h": "int32_t partition, int64_t end, const kafka::DeliveredRange& range,"
                            " void (*read)(OutputEnds::Gap)",
    "topics/output_watch.h": "const OutputWatchOptions& options, TopicParts& parts,"
                             " const TopicJobContext& context, const kafka::StatsWriter& writer",
    "topics/partition.h": "int32_t partition, const Stats& stats,"
                          " std::span<const PartitionTotals::Row> rows,"
                          " std::span<const Message> messages,"
                          " std::vector<Totals::RejectedRow>& rejected, void (*write)(const Stats&)",
    "topics/publisher.h": "TopicPublisher& publisher, uint64_t payments, bool paused",
    "topics/facts.h": "Cluster& cluster, std::span<const kafka::PartitionOffsets> partitions,"
                      " const TopicParts& parts, kafka::GroupConsumer& consumer,"
                      " const StartContext& context",
    "topics/outside_watch.h": "kafka::Cluster& cluster, const TopicNames& topics, kafka::GroupConsumer& consumer,"
                              " const io::Waiter& waiter, const io::MessageBlock& block, const TopicParts& parts,"
                              " int32_t partitions, const StartContext& start_context, TopicPublisher& publisher,"
                              " Result<void> same",
    "topics/last_message.h": "Cluster& cluster, std::span<const LastRead> marks",
    "topics/requirements.h": "Cluster& cluster",
    "topics/restore.h": "Cluster& cluster, const RecordSource& own, TopicParts& parts,"
                        " TopicCounters& counters",
    "topics/run.h": "const TopicRunOptions& options, std::unique_ptr<Cluster>& cluster,"
                    " const RunContext& context",
    "topics/signature.h": "const kafka::PartitionOffsets& found, int64_t start, TopicPart& part,"
                          " const TotalsOrigin& origin, const MessageBlock& block, TopicParts& parts,"
                          " const kafka::GroupConsumer::Position& position",
    "topics/start.h": "std::span<const PartitionFacts> facts, const StartContext& context",
    "totals/join.h": "Totals& totals, std::vector<std::unique_ptr<Totals>> others, unsigned threads",
    "totals/merge.h": "Diagnostics& diagnostics, const DecodedLines<Stats>& lines,"
                      " std::vector<Totals::RejectedRow>& rejected, void (*publish)(Totals&)",
    "totals/prefix_bound.h": "Totals& totals, std::span<const Totals::Row> rows,"
                             " std::vector<Totals::RejectedRow>& rejected,"
                             " const PrefixBound& bound_of_those_before",
    "totals/rank.h": "const Totals& totals, unsigned threads, size_t here, size_t there,"
                     " void (*write)(const Stats&)",
    "totals/rank_key.h": "Int128 nanos, const UserName::Head& head,"
                         " const UserName::Head& first_head, std::vector<RankKey>& keys,"
                         " std::string_view name, uint32_t i",
    "totals/rank_sort.h": "LargeArray<RankKey>& keys, unsigned threads",
    "totals/totals.h": "const DecodedLines<Payment>& lines, void (*write)(const Stats&)",
    "totals/user_slots.h": "uint32_t tag, uint32_t user, std::string_view name,"
                           " bool (*is_named)(uint32_t, std::string_view)",
    "view/answering.h": ("asio::awaitable<void> of(View& view, const Query& query,"
                         " asio::awaitable<void> (*other_work)(), void (*send)(const Answer&)) {",
                         "}"),
    "view/partials.h": "Partials& partials, uint32_t owner, int32_t partition",
    "view/view.h": "const DecodedLines<Stats>& lines, std::vector<View::RejectedRow>& rejected,"
                   " bool warned, std::string_view line",
}

# Formats and lists, which look the same.
OTHERS = {
    "api/gatekeeper.h", "api/problem.h", "api/server_names.h", "api/stats_response.h", "base/diagnostics.h",
    "protocol/answer.h", "protocol/query.h", "record/payment_layout.h",
    "requests/format.h", "view/ordered_buckets.h",
}

# What the examples of a room use, and no header of theirs includes.
MORE = {
    "base": ["base/fd.h", "fcntl.h", "deque"],
    "cache": ["sys/socket.h"],
    "kafka": ["base/progress.h"],
    "keys": ["chrono"],
    "log": ["log/payment_log.h"],
    "loop": ["base/stop_signal.h", "cache/server.h", "http/payment_writer.h", "sys/socket.h"],
    "record": ["record/payment.h"],
    "stream": ["base/hash.h"],
    "topics": ["base/hash.h", "kafka/stats_writer.h"],
    "totals": ["base/hash.h", "record/decoder.h"],
    "view": ["base/hash.h", "loop/asio.h", "record/decoder.h"],
}


def example(header):
    """Its code, with nothing in place of the reader's; None where there is no example."""
    with open(f"{ROOT}/lib/{header}", encoding="utf-8") as file:
        block = re.search(r"(?<=\n//\n)(?://   .*\n)+", file.read())
    if block is None:
        return None
    lines = []
    for line in block[0].splitlines():
        code = line[2:].split("//")[0].rstrip()
        lines.append(re.sub(r"\{[^{}]*\.\.\.[^{}]*\}| \.\.\.$", " {}", code))
    return "\n".join(lines) + "\n"


def compiles(compiler, room, headers):
    rooms = sorted(os.path.basename(path) for path in glob.glob(f"{ROOT}/lib/*"))
    text = "".join(f'#include "{header}"\n' for header in [*headers, *MORE.get(room, [])])
    text += "".join(f"namespace paystats::{each} {{}}\n" for each in rooms)
    text += f"namespace paystats::{room}::examples {{\n"
    text += "".join(f"using namespace paystats::{each};\n" for each in rooms if each != room)
    for header in headers:
        name = "of_" + re.sub(r"\W", "_", header)
        around = EXAMPLES[header]
        before, after = around if isinstance(around, tuple) else (f"auto {name}({around}) {{", "}")
        text += f'namespace {name} {{\n{before}\n#line 1 "example of lib/{header}"\n'
        text += f'{example(header)}\n#line 1 "around it"\n{after}\n}}\n'
    text += "}\n"
    command = [compiler, "-std=c++20", "-fsyntax-only", f"-I{ROOT}/lib", "-x", "c++", "-"]
    run = subprocess.run(command, input=text, capture_output=True, text=True, check=False)
    if run.returncode:
        print(f"examples of lib/{room} do not compile:\n{run.stderr}")
    return run.returncode == 0


def main():
    compiler, *wanted = sys.argv[1:]
    listed = True
    for path in sorted(glob.glob(f"{ROOT}/lib/*/*.h")):
        header = os.path.relpath(path, f"{ROOT}/lib")
        if (example(header) is not None) != (header in EXAMPLES or header in OTHERS):
            print(f"lib/{header}: its example, or that it has none, is not in {sys.argv[0]}")
            listed = False
    by_room = {}
    for header in EXAMPLES:
        by_room.setdefault(header.split("/")[0], []).append(header)
    with concurrent.futures.ThreadPoolExecutor(os.cpu_count()) as pool:
        runs = [pool.submit(compiles, compiler, *each) for each in by_room.items()
                if not wanted or each[0] in wanted]
    return 0 if listed and all([run.result() for run in runs]) else 1


sys.exit(main())
