"""What must be in the topics, worked out by Python's decimal and nothing of ours.

    ledger = Ledger()                       # what was sent, by whoever sends
    unit = ledger.unit(rng, count, whole=True)   # some batches that are there together or not at all
    unit.acknowledged = True                # once somebody has said so
    payments, stats = read_topic(kafka, topic), read_topic(kafka, stats_topic)
    check_payments(payments, ledger); check_stats(payments, stats); check_totals(...)

A batch is known by the fraction of its amount: its number, in units of 10^-9.
"""
import collections
import decimal
import subprocess
import threading

from torture_common import LIMIT_S, Difference, parse

Message = collections.namedtuple("Message", "partition offset key value time")  # time: in ms, as Kafka has it
USERS = 40


class Batch:
    def __init__(self, number, user, whole_part, volume):
        self.number, self.user, self.volume = number, user, volume
        self.amount = decimal.Decimal(f"{whole_part}.{number:09d}")

    def record(self):
        return {"user": self.user, "paymentAmt": str(self.amount), "volume": self.volume}


class Unit:
    """Batches of one sender that stand or fall together (`whole`), or each payment by itself."""

    def __init__(self, batches, whole):
        self.batches, self.whole, self.acknowledged = batches, whole, False


class Ledger:
    def __init__(self):
        self.units, self.batches, self.lock = [], {}, threading.Lock()

    def unit(self, rng, count, whole, volumes=(1, 2, 30, 300)):
        with self.lock:
            batches = []
            for _ in range(count):
                number = len(self.batches) + 1
                batch = Batch(number, f"user-{rng.randrange(USERS)}", rng.randint(1, 9999),
                              rng.randint(1, rng.choice(volumes)))
                self.batches[number] = batch
                batches.append(batch)
            unit = Unit(batches, whole)
            self.units.append(unit)
            return unit


def messages_of(text, timed=False):
    """{partition: [Message]} of lines of partition, offset, time if `timed`, key and value, with tabs
    between."""
    messages = collections.defaultdict(list)
    for line in text.split("\n"):
        if line:
            partition, offset, *time, key, value = line.split("\t", 4 if timed else 3)
            messages[int(partition)].append(
                Message(int(partition), int(offset), key, value, int(time[0]) if timed else None))
    for each in messages.values():
        each.sort(key=lambda message: message.offset)
    return messages


def read_topic(brokers, topic):
    """All that a read_committed consumer sees, by partition: {partition: [Message]}."""
    run = subprocess.run(
        ["kcat", "-q", "-b", brokers, "-X", "isolation.level=read_committed", "-C", "-e", "-o", "beginning",
         "-t", topic, "-f", "%p\t%o\t%T\t%k\t%s\n"], capture_output=True, check=False, timeout=6 * LIMIT_S)
    if run.returncode != 0:
        raise Difference(f"kcat on {topic}: {run.stderr.decode()}")
    return messages_of(run.stdout.decode(errors="surrogateescape"), timed=True)


def payment_of(message):
    record = parse(message.value)
    return record["user"], decimal.Decimal(record["paymentAmt"])


def check_payments(payments, ledger):
    """What is there was sent, no payment twice, each unit whole or absent, the acknowledged there."""
    seen, homes = collections.Counter(), {}
    for messages in payments.values():
        for message in messages:
            user, amount = payment_of(message)
            number = int(amount % 1 * 10**9)
            batch = ledger.batches.get(number)
            if batch is None or (batch.user, batch.amount) != (user, amount):
                raise Difference(f"{message} was never sent")
            if message.key != batch.user:
                raise Difference(f"{message}: the key is not the user")
            if homes.setdefault(batch.user, message.partition) != message.partition:
                raise Difference(f"{batch.user} is in two partitions")
            seen[number] += 1
    for unit in ledger.units:
        counts = [(seen[batch.number], batch.volume) for batch in unit.batches]
        told = f"a unit of {len(counts)} batches, (there, sent): {counts}, first {unit.batches[0].record()}"
        if any(there > sent for there, sent in counts):
            raise Difference(f"payments are there twice: {told}")
        if unit.acknowledged and any(there < sent for there, sent in counts):
            raise Difference(f"acknowledged and not there: {told}")
        if unit.whole and len({there == sent for there, sent in counts}) > 1 or unit.whole and any(
                0 < there < sent for there, sent in counts):
            raise Difference(f"neither whole nor absent: {told}")
    return sum(seen.values())


def running_totals(payments):
    """{partition: {user: {offset: (sum, count)}}} after each of the user's payments."""
    totals = {}
    for partition, messages in payments.items():
        users = totals.setdefault(partition, {})
        last = {}
        for message in messages:
            user, amount = payment_of(message)
            total, count = last.get(user, (decimal.Decimal(0), 0))
            last[user] = (total + amount, count + 1)
            users.setdefault(user, {})[message.offset] = last[user]
    return totals


def check_prefixes(truth, stats, exactly_once):
    """Every total that was ever committed is that of a prefix of its partition."""
    for partition, messages in stats.items():
        newest = {}
        for message in messages:
            record = parse(message.value)
            where = truth.get(partition, {}).get(record["user"], {})
            is_right = (message.key == record["user"] and record["partition"] == partition and
                        where.get(int(record["offset"])) == (record["sum"], record["count"]))
            if not is_right:
                raise Difference(f"{message} is no total of a prefix: at that offset it is "
                                 f"{where.get(int(record['offset']))}")
            if exactly_once and record["offset"] < newest.get(record["user"], -1):
                raise Difference(f"{message} goes back behind offset {newest[record['user']]}")
            newest[record["user"]] = max(record["offset"], newest.get(record["user"], -1))


def last_totals(stats):
    """{(partition, user): (offset, sum, count)}, the highest offset of each."""
    last = {}
    for partition, messages in stats.items():
        for message in messages:
            record = parse(message.value)
            found = (int(record["offset"]), record["sum"], int(record["count"]))
            key = (partition, record["user"])
            last[key] = max(found, last.get(key, found))
    return last


def expected_totals(truth):
    """What last_totals() must be when all has been read."""
    return {(partition, user): (max(steps), *steps[max(steps)])
            for partition, users in truth.items() for user, steps in users.items()}


def merged(totals):
    """{user: (sum, count)} over all partitions."""
    merge = {}
    for (_, user), (_, total, count) in totals.items():
        held = merge.get(user, (decimal.Decimal(0), 0))
        merge[user] = (held[0] + total, held[1] + count)
    return merge
