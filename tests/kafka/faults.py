"""What is done to a round of the pipeline; each ends when all is well again, or raises Difference."""
import errno
import os
import signal
import time

from pipeline import END_LIMIT_S, RECOVERY_LIMIT_S
from round import SERVER_SESSION_S, SESSION_S
from torture_common import Difference, wait_for

ENDS = [signal.SIGKILL, signal.SIGKILL, signal.SIGTERM]


def end_and_start(work, tool):
    how = work.rng.choice(ENDS)
    work.say(f"{tool.name}: {how.name}")
    status = tool.end(how, END_LIMIT_S)
    if how == signal.SIGTERM and status != 0:
        raise Difference(f"{tool.name}: status {status} of SIGTERM: {tool.last_words()}")
    tool.start()


def payagg(work):
    since = time.monotonic()
    end_and_start(work, work.rng.choice(work.members))
    if work.rng.random() < 0.5:
        work.recovered("payagg", since)


def takeover(work):
    member = work.rng.choice(work.members)
    work.say(f"{member.name}: SIGKILL, and it stays away")
    since = time.monotonic()
    member.end(signal.SIGKILL, END_LIMIT_S)
    others = [tool for tool in work.tools if tool is not member]
    work.tools, tools = others, work.tools
    if len(work.members) > 1:
        work.recovered("takeover", since)
    work.tools = tools
    member.start()


def zombie(work):
    member = work.rng.choice(work.members)
    work.say(f"{member.name}: SIGSTOP")
    member.send(signal.SIGSTOP)
    time.sleep(SESSION_S * work.rng.uniform(0.5, 2.2))
    if len(work.members) > 1 and work.rng.random() < 0.5:
        work.recovered("zombie away", time.monotonic())
    work.say(f"{member.name}: SIGCONT")
    member.send(signal.SIGCONT)
    work.recovered("zombie", time.monotonic())


def twin(work):
    """Of two of a name the one that joined last goes on: the younger, unless the older was joining."""
    older = work.rng.choice(work.members)
    index = work.members.index(older)
    name = f"{older.name}-twin-{work.counts['twin']}"
    work.say(f"{name}: the name of {older.name}")
    younger = work.child(name, older.argv)
    work.tools = [tool for tool in work.tools if tool is not older]
    younger.start()
    wait_for(lambda: not (older.runs() and younger.runs()), "the end of one of two of a name", RECOVERY_LIMIT_S, 0.02)
    ended, other = (younger, older) if older.runs() else (older, younger)
    if ended.await_end(0) != 2 or "instance" not in ended.last_words():
        raise Difference(f"{ended.name}, one of two of a name: status {ended.process.returncode}: "
                         f"{ended.last_words()}")
    work.tools.append(other)
    work.members[index] = other
    work.recovered("twin", time.monotonic())


def serve(work):
    since = time.monotonic()
    for server in work.rng.choice([work.servers, work.servers[:1], work.servers[1:]]):
        end_and_start(work, server)
    if work.rng.random() < 0.5:
        work.recovered("serve", since)


def serve_away(work):
    """A server is killed and stays away: the other one pays what it has left."""
    server = work.rng.choice(work.servers)
    work.say(f"{server.name}: SIGKILL, and it stays away")
    since = time.monotonic()
    server.end(signal.SIGKILL, END_LIMIT_S)
    work.tools.remove(server)
    work.recovered("serve_away", since)
    work.tools.append(server)
    server.start()


def serve_zombie(work):
    """A server comes back when the other one has paid in its place; sometimes it dies first."""
    server = work.rng.choice(work.servers)
    work.say(f"{server.name}: SIGSTOP")
    server.send(signal.SIGSTOP)
    time.sleep(SERVER_SESSION_S * work.rng.choice([0.1, work.rng.uniform(0.5, 2)]))
    if work.rng.random() < 0.5:
        work.recovered("serve_zombie away", time.monotonic())
    dies = work.rng.random() < 0.2
    work.say(f"{server.name}: {'SIGKILL' if dies else 'SIGCONT'}")
    if dies:
        server.end(signal.SIGKILL, END_LIMIT_S)
        server.start()
    else:
        server.send(signal.SIGCONT)
    work.recovered("serve_zombie", time.monotonic())


def cache(work):
    end_and_start(work, work.cache)


def paygen(work):
    """One that has much to do; the next one takes its transactional id, and ends what it left open."""
    with work.paygen_lock:
        atomic = work.rng.random() < 0.5
        process, units = work.writer(work.rng, atomic, (3000, 10000))
        time.sleep(work.rng.uniform(0, 0.4))
        how = work.rng.choice(ENDS)
        work.say(f"paygen: {how.name}")
        process.send_signal(how)
        work.await_writer(process, units)
        if atomic:
            process, units = work.writer(work.rng, True)
            work.await_writer(process, units)


def end_all(work):
    """Every tool ends in time although there is no broker."""
    for tool in work.tools:
        if tool.runs():
            tool.send(signal.SIGTERM)
    end = time.monotonic() + END_LIMIT_S
    for tool in work.tools:
        tool.await_end(max(0.1, end - time.monotonic()))
    work.say("all tools have ended while no broker was there")


def broker(work):
    since = time.monotonic()
    how = work.rng.choice(["KILL", "KILL", "TERM", "STOP"])
    work.say(f"broker: {how}")
    if how == "STOP":
        work.broker.kill("STOP")
        time.sleep(work.rng.choice([0.5, 2, 6, 12]))
        work.broker.kill("CONT")
    else:
        work.broker.kill(how)
        time.sleep(10 if work.rng.random() < 0.15 else work.rng.uniform(0, 1))  # as long as a request waits, or not
        ended = work.rng.random() < 0.3
        if ended:
            end_all(work)
        work.broker.start()
        if ended:
            for tool in work.tools:
                tool.start()
    work.say(f"broker: back after {time.monotonic() - since:.1f} s")
    work.recovered(f"broker {how}", time.monotonic())


def net(work):
    how = work.rng.choice(["slow", "cut", "cut", "deaf", "deaf", "blackhole"])
    seconds = work.rng.choice([0.2, 1, 3, 12])
    mends = work.rng.choice(["cut", "heal"])
    whose, proxies = work.rng.choice([("all", work.proxies), ("serve-1", work.proxies[1:]),
                                      ("all but serve-1", work.proxies[:1])])
    work.say(f"net of {whose}: {how} for {seconds} s, then {mends}")
    for _ in range(work.rng.randint(1, 4) if how == "cut" else 1):
        for proxy in proxies:
            if how == "slow":
                proxy.slow(work.rng.uniform(0.02, 0.4))
            else:
                {"cut": proxy.cut, "deaf": proxy.deafen, "blackhole": proxy.blackhole}[how]()
        if how == "cut":
            time.sleep(work.rng.uniform(0, 0.3))
    time.sleep(0 if how == "cut" else seconds)
    for proxy in proxies:
        if mends == "cut":
            proxy.cut()
        proxy.heal()
    work.recovered(f"net {how}", time.monotonic())


def disk(work):
    """Fills the disk until the broker gives up, makes room again and starts it."""
    balloon = os.path.join(os.path.dirname(work.broker.folder), "disk", "balloon")
    with open(balloon, "wb", buffering=0) as file:
        try:
            while True:
                file.write(bytes(1 << 16))
        except OSError as error:
            if error.errno != errno.ENOSPC:
                raise
        work.say("the disk is full")
        end = time.monotonic() + 20
        while work.broker.alive() and time.monotonic() < end:
            time.sleep(0.1)
    work.say(f"the broker {'runs still' if work.broker.alive() else 'has ended'}; there is room again")
    os.unlink(balloon)
    work.broker.start()
    work.recovered("disk", time.monotonic())


def leader(work):
    node = work.rng.randint(1, work.broker.nodes)
    how = work.rng.choice(["KILL", "TERM"])
    work.say(f"broker {node}: {how}")
    work.broker.kill(how, node)
    work.recovered("leader away", time.monotonic())
    work.broker.start()
    work.recovered("leader", time.monotonic())


FAULTS = {function.__name__: function for function in
          (payagg, takeover, zombie, twin, serve, serve_away, serve_zombie, cache, paygen, broker, net, disk,
           leader)}
