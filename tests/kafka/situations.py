"""What is done to three brokers; each ends when all of them are well again, or raises Difference.

    SITUATIONS["leader-killed"](work)     # a Work of cluster.py, at work
    SABOTAGES["total"](work)              # something that the oracle must find

A function's first line is what --list says of it.
"""
import concurrent.futures
import decimal
import re
import shlex
import signal
import time

import oracle
from pipeline import END_LIMIT_S
from torture_common import Difference, cache_totals, parse, wait_for

STEPS_MAX = 8  # of starts and remedies, until totals are there again
HANGS_S = 30  # a transaction that is open for so long, and whose members all run, is never ended by them


# ---- One broker, or some, away for a while

def kill(work, nodes, signal_name="KILL"):
    """At the same time, as far as that can be."""
    with concurrent.futures.ThreadPoolExecutor(len(nodes)) as pool:
        for done in [pool.submit(work.broker.kill, signal_name, node) for node in nodes]:
            done.result()


def back(work, what):
    """All brokers run, every copy is complete, and totals flow in every partition."""
    since = time.monotonic()
    work.broker.start()
    work.say(f"{what}: the brokers are there again after {time.monotonic() - since:.1f} s")
    work.await_copies()
    work.recovered(what, since)


def without(work, node, what):
    """That one is killed; totals flow without it, and when it is back."""
    work.say(f"{what}: broker {node} is killed")
    since = time.monotonic()
    kill(work, [node])
    work.recovered(f"{what} away", since)
    work.pass_time(since)
    back(work, what)


def rolling(work):
    """each broker is told to end and started again, one after the other"""
    for node in work.nodes:
        work.say(f"broker {node} is told to end")
        kill(work, [node], "TERM")
        work.broker.start()
        work.await_copies()
    back(work, "rolling restart")


def leader_killed(work):
    """kill -9 of the broker that leads a partition of the payments"""
    without(work, work.leader(), "leader killed")


def leader_stopped(work):
    """SIGSTOP of the broker that leads a partition of the payments, and SIGCONT"""
    node = work.leader()
    work.say(f"broker {node} is stopped")
    since = time.monotonic()
    work.broker.kill("STOP", node)
    work.pass_time(since)
    work.broker.kill("CONT", node)
    back(work, "leader stopped")


def two_killed(work):
    """two of three brokers are killed: nothing can be written until they are back"""
    away = work.nodes[:2]
    work.say(f"brokers {away} are killed")
    since = time.monotonic()
    kill(work, away)
    work.pass_time(since)
    back(work, "two killed")


def all_killed(work):
    """all three brokers are killed at once, and started at once or later"""
    later = work.rng.random() < 0.5
    work.say(f"all brokers are killed, and started {'later' if later else 'at once'}")
    since = time.monotonic()
    kill(work, work.nodes)
    if later:
        work.pass_time(since)
    back(work, "all killed")


def controller_killed(work):
    """kill -9 of the controller that leads the others"""
    without(work, work.broker.controller(), "controller killed")


def coordinators_killed(work):
    """kill -9 of the coordinator of payagg's group, and then of that of one of its transactions"""
    without(work, work.broker.coordinator(work.group), "group coordinator killed")
    without(work, work.broker.coordinator(work.transactional_id(), "--transactional"),
            "transaction coordinator killed")


# ---- Totals that were committed are lost

def unclean(work):
    """a broker that lacks the last totals leads payment-stats, while payagg runs"""
    elect_uncleanly(work, lambda: None)


def unclean_restart(work):
    """a broker that lacks the last totals leads payment-stats, and payagg is started then"""
    def end_members():
        for member in work.members:
            member.end(signal.SIGKILL, END_LIMIT_S)

    elect_uncleanly(work, end_members)


def elect_uncleanly(work, before):
    """payment-stats is on two brokers here; the one that has been away leads, the other one is killed."""
    leader, _, behind = work.nodes
    work.say(f"broker {behind} is killed, broker {leader} alone has what is written then")
    since = time.monotonic()
    kill(work, [behind])
    parts = [(work.stats_topic, number) for number in range(work.shape.partitions)]

    def alone():
        known = work.broker.partitions()
        return all(part in known and known[part][1] == {leader} for part in parts)

    wait_for(alone, f"broker {leader} to be the only one in sync", work.recovery_limit_s, 0.2)
    work.recovered("follower away", since)
    work.pass_time(since)
    work.rest()
    payments, _ = work.judge()
    expected = oracle.expected_totals(oracle.running_totals(payments))
    ends = work.ends(work.stats_topic)
    tools, work.tools = work.tools, work.servers
    before()
    kill(work, [leader])
    work.broker.start(only=behind)
    left = wait_for(lambda: work.ends(work.stats_topic), "the ends of the totals", work.recovery_limit_s, 0.1)
    work.say(f"broker {behind} leads; payment-stats ended at {ends}, and ends at {left}")
    if not any(left[number] < ends[number] for number in ends):
        raise Difference(f"nothing was lost, which is to be tried here: {ends}, then {left}")
    work.broker.start()
    work.await_copies()
    for member in work.members:
        if not member.runs() and member.process.returncode == -signal.SIGKILL:
            member.start()
    make_whole(work, expected)
    work.tools = tools
    work.pause.clear()
    back(work, "unclean election")


def make_whole(work, expected):
    """Totals and cache are as expected; whoever has ended with a word before is started as it advises."""
    merged = oracle.merged(expected)
    begun = time.monotonic()

    def whole_or_ended():
        if not all(tool.runs() for tool in work.members + [work.cache]):
            return True
        work.check_run()
        if time.monotonic() > begun + HANGS_S:
            end_hanging(work)
        stats = oracle.read_topic(work.broker.address, work.stats_topic)
        return oracle.last_totals(stats) == expected and cache_totals(work.socket_path) == merged

    for _ in range(STEPS_MAX):
        wait_for(whole_or_ended, "totals that are exact, or a payagg that says why not", work.recovery_limit_s, 0.2)
        ended = [member for member in work.members if not member.runs()]
        for member in ended:
            if member.process.returncode != 3 or "error:" not in member.last_words():
                member.check_runs()
        if ended:
            follow_advice(work, ended)
        elif not work.cache.runs():
            restart_cache(work)
        else:
            work.say("the totals are exact")
            return
    raise Difference(f"not exact after {STEPS_MAX} starts: {work.members[0].last_words()}")


def end_hanging(work):
    """As a person has to do it where the end of a transaction is among what was lost: nobody else does."""
    ends, all_ends = work.ends(work.stats_topic), work.ends(work.stats_topic, "--uncommitted")
    for number, end in (ends or {}).items():
        if all_ends and end < all_ends[number]:
            work.note(f"partition {number} of the totals: the transaction at offset {end} hangs, and is ended by hand")
            work.broker.run("admin", "transactions", "abort", "--topic", work.stats_topic, "--partition", str(number),
                            "--start-offset", str(end))


def restart_cache(work):
    """It may end where the offset that it stands at is gone, with status 2 and a word."""
    work.say(f"the cache: status {work.cache.process.returncode}: {work.cache.last_words()}")
    if work.cache.process.returncode not in (2, 3) or "error:" not in work.cache.last_words():
        work.cache.check_runs()
    work.cache.start()


def follow_advice(work, ended):
    """Runs the command that their last words name, and starts all members again."""
    advice = {}
    for member in ended:
        work.say(f"{member.name}: status 3: {member.last_words()}")
        command = re.search(r"kafka-consumer-groups\.sh (.*)", member.last_words())
        if not command:
            raise Difference(f"{member.name}: status 3, and no command that mends it: {member.last_words()}")
        advice[command[1]] = shlex.split(command[1])
    for member in work.members:
        member.end(signal.SIGTERM, work.recovery_limit_s)
        work.broker.topics("dismiss", work.group, member.argv[member.argv.index("--instance") + 1])
    for words in advice.values():
        _, of_some, named = words[words.index("--topic") + 1].partition(":")
        numbers = named.split(",") if of_some else [str(number) for number in range(work.shape.partitions)]

        def taken(words=words, numbers=numbers):
            try:
                work.broker.run("admin", "org.apache.kafka.tools.consumer.group.ConsumerGroupCommand", *words)
            except Difference:  # its coordinator loads, or the session of a member that has ended is not over
                return False
            offsets = {number: offset for _, number, offset in work.broker.topics("committed", work.group) or []}
            return all(offsets.get(number) == "0" for number in numbers)

        wait_for(taken, "the group's offsets to be reset", work.recovery_limit_s, 1)
    work.say(f"done as advised: {list(advice)}")
    for member in work.members:
        member.start()


SITUATIONS = {function.__name__.replace("_", "-"): function for function in
              (rolling, leader_killed, leader_stopped, two_killed, all_killed, controller_killed, coordinators_killed,
               unclean, unclean_restart)}
ON_TWO_BROKERS = {"unclean", "unclean-restart"}  # payment-stats there


# ---- What the oracle must find

def wrong_total(work):
    """one cent too much in a total that is not the last one of its user"""
    for messages in oracle.read_topic(work.broker.address, work.stats_topic).values():
        last = {message.key: parse(message.value)["offset"] for message in messages}
        for message in messages:
            record = parse(message.value)
            if record["offset"] < last[message.key]:
                wrong = re.sub(r'"sum":[^,}]*', f'"sum":{record["sum"] + decimal.Decimal("0.01")}', message.value)
                wait_for(lambda: work.produce(work.stats_topic, message.partition, message.key, wrong),
                         "a total that is wrong to be written", work.recovery_limit_s, 0.1)
                return
    raise Difference("no total to be made wrong")


def lost_payment(work):
    """a payment that somebody was told is taken, and that was never sent"""
    work.ledger.unit(work.rng, 1, True).acknowledged = True


def member_ends(work):
    """a payagg that is killed"""
    work.members[0].process.kill()
    work.members[0].process.wait(20)


def standstill(work):
    """both payaggs are suspended"""
    for member in work.members:
        member.send(signal.SIGSTOP)


SABOTAGES = {"total": wrong_total, "payment": lost_payment, "end": member_ends, "standstill": standstill}
