"""What must be in the topics of requests and answers, and in that of payments, key by key.

    fates = check_answers(requests, answers, ledger)   # {key: the unit that was paid}
    check_told(keys, fates, payments)                  # raises Difference

The topic of requests alone decides: the first request of a key is paid, each later one answered as it
was. All topics are as oracle.read_topic() has them.
"""
import collections
import decimal

from keyed_clients import FREE, NOT_TAKEN, REUSED, TAKEN
from oracle import payment_of
from torture_common import Difference, parse

# What others may write into the topic of requests: it is answered, and nothing is paid for it.
NONSENSE = ("no", "[]", "{}", "null", '{"payments":[]}', '{"user":"u"}', '{"user":"u","paymentAmt":"1","volume":0}',
            '{"payments":[{"user":"u","paymentAmt":"1"},{"user":"","paymentAmt":"1"}]}')


def parse_or_none(text):
    try:
        return parse(text)
    except ValueError:
        return None


def number_of(record):
    """Of the first batch of a request."""
    first = record["payments"][0] if "payments" in record else record
    return int(decimal.Decimal(first["paymentAmt"]) % 1 * 10**9)


def check_answers(requests, answers, ledger):
    """One answer for each request, in order, and the right one. {key: unit}, of the keys that were paid."""
    units = {unit.batches[0].number: unit for unit in ledger.units}
    fates, homes, digests = {}, {}, {}
    for partition, messages in requests.items():
        replies = answers.get(partition, [])
        for place, request in enumerate(messages):
            if request.offset != place:
                raise Difference(f"{request} is the request of number {place}: there is a gap")
            if request.value not in NONSENSE and homes.setdefault(request.key, partition) != partition:
                raise Difference(f"{request}: the key is in partition {homes[request.key]}, too")
            if place >= len(replies):
                raise Difference(f"{request} has no answer; there are {len(replies)} for {len(messages)} requests")
            check_answer(request, replies[place], units, fates, digests)
        if len(replies) > len(messages):
            raise Difference(f"partition {partition}: {len(replies)} answers for {len(messages)} requests")
    for partition in set(answers) - set(requests):
        raise Difference(f"partition {partition}: answers without requests: {answers[partition][:2]}")
    return fates


def check_answer(request, reply, units, fates, digests):
    asked, said = parse_or_none(request.value), parse(reply.value)
    if request.value in NONSENSE:
        right = {"error": said.get("error"), "offset": request.offset}
        if request.key:
            right["idempotencyKey"] = request.key
        if not said.get("error") or said != right:
            raise Difference(f"{request}, answered {reply}: should be {right}")
        return
    if reply.key != request.key or asked["idempotencyKey"] != request.key or said["idempotencyKey"] != request.key:
        raise Difference(f"{request}, answered {reply}: not of one key")
    if said["offset"] != request.offset:
        raise Difference(f"{request}, answered {reply}: the offset is another's")
    if "question" not in asked:
        unit = units.get(number_of(asked))
        if unit is None:
            raise Difference(f"{request} was never sent")
        fates.setdefault(request.key, unit)
    if request.key not in fates:
        if said != {"idempotencyKey": request.key, "question": asked["question"], "offset": request.offset}:
            raise Difference(f"{request}, answered {reply}: nothing has been paid for it")
        return
    count = sum(batch.volume for batch in fates[request.key].batches)
    digest = digests.setdefault(request.key, said.get("payments"))
    right = {"idempotencyKey": request.key, "payments": digest, "accepted": count, "offset": request.offset}
    if digest is None or said != right:
        raise Difference(f"{request}, answered {reply}: should be {right}")


def check_told(keys, fates, payments):
    """Each key is paid at most once; what clients were told is so."""
    there = collections.Counter(int(payment_of(message)[1] % 1 * 10**9)
                                for messages in payments.values() for message in messages)
    for key in keys.values():
        paid = fates.get(key.name)
        story = [str(attempt) for attempt in key.attempts + key.last_asked]
        for unit in key.units:
            for batch in unit.batches:
                right = batch.volume if unit is paid else 0
                if there[batch.number] != right:
                    raise Difference(f"{key.name}: {there[batch.number]} payments of batch {batch.number} in place "
                                     f"of {right}: {story}")
        wrong = what_is_wrong(key, paid)
        if wrong:
            raise Difference(f"{key.name}, {'' if paid else 'not '}paid"
                             f"{f' as batch {paid.batches[0].number}' if paid else ''}: {wrong}: {story}")


def what_is_wrong(key, paid):
    count = sum(batch.volume for batch in paid.batches) if paid else None
    taken = [attempt for attempt in key.attempts if attempt.outcome == TAKEN]
    first = min((attempt.ended for attempt in taken), default=None)
    for attempt in key.attempts:
        if attempt.outcome == TAKEN and (attempt.accepted != count or attempt.unit not in (None, paid)):
            return f"told that it is, {attempt.accepted} payments of {count}"
        if attempt.outcome == REUSED and (paid is None or attempt.unit is paid):
            return "told that other payments were"
        if attempt.outcome == FREE and first is not None and attempt.begun > first:
            return "told that the key is not known, after it was told that it is paid"
    if paid and all(attempt.outcome in (NOT_TAKEN, REUSED) for attempt in key.attempts if attempt.unit is paid):
        return "every attempt was told that it is not taken"
    if paid and key.is_bad:
        return "it was refused"
    for attempt in key.last_asked:
        if attempt.outcome != (TAKEN if paid else FREE):
            return f"in the end told {attempt.status}"
    return None


def tally(keys, fates):
    """For a summary."""
    counts = collections.Counter(keys=len(keys), paid=len(fates))
    for key in keys.values():
        counts["attempts"] += len(key.attempts)
        for attempt in key.attempts:
            counts[f"told {attempt.outcome}"] += 1
    return counts
