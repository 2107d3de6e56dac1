"""Clients that pay with idempotency keys, and what they were told.

    clients = KeyedClients(ports, ledger, say, done)
    clients.play(rng)                # one key, until it is certain what became of it; of any thread
    clients.pay_one(rng, port)       # True: a key of its own is paid, at the first attempt
    clients.ask_all()                # when nobody sends any more: each server about each key
    clients.keys                     # {name: Key}, for keyed_oracle.check_told()

Most clients send again with the same key until they have an answer; some leave, and some of those ask.
Some send to both servers at the same time, the same payments or others. Some use a key again that
was paid long ago.
"""
import concurrent.futures
import http.client
import json
import threading
import time

from torture_common import Difference

HANG_S = 60      # a server answers within 10 s; beside that it may be stopped for a while
DECIDED_S = 120  # for a key, whatever fails meanwhile
TAKEN, NOT_TAKEN, REUSED, FREE, UNKNOWN, BAD = "taken", "not taken", "reused", "free", "unknown", "bad"
HABITS = ("patient", "patient", "hasty", "hasty", "both", "both", "rivals", "rivals", "asks", "gone",
          "gone, asks", "content", "content", "bad", "again", "again")


class Attempt:
    """`unit`: the payments that were sent; None: a question."""

    def __init__(self, unit, port):
        self.unit, self.port, self.begun = unit, port, time.monotonic()
        self.status = self.problem = self.accepted = self.ended = None

    def end(self, status=None, problem="", accepted=None):
        self.status, self.problem, self.accepted, self.ended = status, problem, accepted, time.monotonic()
        return self

    @property
    def outcome(self):
        if self.status is None or self.problem == "outcome-unknown":
            return UNKNOWN
        if self.unit is None and (self.status in (503, 507) or self.problem == "key-under-way"):
            return UNKNOWN
        return {200: TAKEN, 404: FREE, 503: NOT_TAKEN, 507: NOT_TAKEN}.get(
            self.status, REUSED if self.problem == "key-reused" else BAD)

    def __str__(self):
        what = "asked" if self.unit is None else f"batch {self.unit.batches[0].number}"
        return (f"{self.begun:.3f} to {self.ended or 0:.3f} port {self.port} {what}: {self.status} {self.problem} "
                f"{self.accepted if self.accepted is not None else ''}")


class Key:
    def __init__(self, name):
        self.name, self.units, self.attempts, self.last_asked = name, [], [], []
        self.is_bad = False  # none of its requests can be paid

    def told(self, unit, outcome):
        return any(attempt.unit is unit and attempt.outcome == outcome for attempt in self.attempts)


class KeyedClients:
    def __init__(self, ports, ledger, prefix, done):
        self.ports, self.ledger, self.prefix, self.done = ports, ledger, prefix, done
        self.lock, self.keys = threading.Lock(), {}
        self.settled = []  # keys that have been paid
        self.abandoned = False  # set: the round is over, and no key is waited for

    # ---- One attempt

    def ask(self, key, unit, port, timeout=HANG_S):
        """POSTs that unit, or asks about the key. Of an answer that never comes it says the limit."""
        attempt = Attempt(unit, port)
        key.attempts.append(attempt)
        connection = http.client.HTTPConnection("127.0.0.1", port, timeout=timeout)
        try:
            if unit is None:
                connection.request("GET", f"/api/payments/{key.name}")
            else:
                records = [batch.record() for batch in unit.batches]
                if key.is_bad:
                    records.append({"user": "", "paymentAmt": "1"})
                connection.request("POST", "/api/payments", json.dumps(records),
                                   {"Content-Type": "application/json", "Idempotency-Key": f'"{key.name}"'})
            response = connection.getresponse()
            text = response.read()
            said = json.loads(text)
            attempt.end(response.status, str(said.get("type", "")).rpartition(":")[2], said.get("accepted"))
        except TimeoutError:
            if timeout == HANG_S:
                raise Difference(f"{key.name}: no answer within {HANG_S} s: {attempt}") from None
            return attempt.end()
        except (OSError, http.client.HTTPException, ValueError):
            self.done.wait(0.03)
            return attempt.end()
        finally:
            connection.close()
        if attempt.outcome == BAD and not key.is_bad or attempt.status == 422 and unit is None:
            raise Difference(f"{key.name}: {attempt}: {text.decode()}")
        if attempt.outcome == TAKEN and unit is not None:
            unit.acknowledged = True
        return attempt

    def until_certain(self, key, unit, rng, first_port=None, hurries=False, certain=(TAKEN, REUSED, FREE, BAD)):
        """Sends or asks again, to any server, until the answer is certain; that answer."""
        end = time.monotonic() + DECIDED_S
        port = first_port or rng.choice(self.ports)
        while time.monotonic() < end and not self.abandoned:
            timeout = rng.uniform(0.005, 0.5) if hurries and rng.random() < 0.7 else HANG_S
            attempt = self.ask(key, unit, port, timeout)
            if attempt.outcome in certain:
                return attempt
            port = rng.choice(self.ports)
            self.done.wait(rng.uniform(0.005, 0.05))
        raise Difference(f"{key.name}: not decided within {DECIDED_S} s: "
                         f"{[str(attempt) for attempt in key.attempts[-5:]]}")

    # ---- One key

    def new_key(self, rng, units=1):
        with self.lock:
            key = Key(f"{self.prefix}-{len(self.keys)}")
            self.keys[key.name] = key
        key.units = [self.ledger.unit(rng, rng.randint(1, 3), True, (1, 3, 30)) for _ in range(units)]
        return key

    def settle(self, key):
        with self.lock:
            self.settled.append(key)

    def at_once(self, key, units, rng, hurries=False):
        """Each server gets one of the units first; both at the same time."""
        ports = rng.sample(self.ports, 2)
        seeds = [type(rng)(rng.random()) for _ in units]
        with concurrent.futures.ThreadPoolExecutor(2) as pool:
            sent = [pool.submit(self.until_certain, key, unit, seed, port, hurries)
                    for unit, seed, port in zip(units, seeds, ports)]
            return [future.result() for future in sent]

    def play(self, rng):
        how = rng.choice(HABITS)
        if how == "again":
            self.use_again(rng)
        else:
            key = self.new_key(rng, 2 if how == "rivals" else 1)
            self.play_new(key, how, rng)
        self.done.wait(rng.uniform(0, 0.05))

    def play_new(self, key, how, rng):
        unit = key.units[0]
        if how in ("patient", "hasty", "content"):
            certain = (TAKEN, NOT_TAKEN) if how == "content" else (TAKEN,)
            self.until_certain(key, unit, rng, hurries=how == "hasty", certain=certain)
        elif how == "both":
            self.at_once(key, [unit, unit], rng, rng.random() < 0.5)
        elif how == "rivals":
            self.at_once(key, key.units, rng, rng.random() < 0.5)
        elif how == "asks":
            self.at_once(key, [unit, None], rng)
            self.until_certain(key, None, rng, certain=(TAKEN,))
        elif how == "bad":
            key.is_bad = True
            self.until_certain(key, unit, rng, certain=(BAD,))
        else:
            self.ask(key, unit, rng.choice(self.ports), rng.uniform(0.001, 0.05))
            if how == "gone, asks":
                self.until_certain(key, None, rng)
        if any(key.told(each, TAKEN) for each in key.units):
            self.settle(key)

    def use_again(self, rng):
        """A key that has been paid: the same payments, others, or a question."""
        with self.lock:
            key = rng.choice(self.settled) if self.settled else None
        if key is None:
            return
        paid = [unit for unit in key.units if key.told(unit, TAKEN)]
        what = rng.choice(["same", "same", "other", "asks", "both"])
        if what == "other":
            unit = self.ledger.unit(rng, 1, True, (1, 3))
            key.units.append(unit)
            self.until_certain(key, unit, rng)
        elif what == "both":
            self.at_once(key, [paid[0], paid[0]], rng)
        else:
            self.until_certain(key, paid[0] if what == "same" else None, rng)

    def pay_one(self, rng, port):
        key = self.new_key(rng)
        return self.ask(key, key.units[0], port).outcome == TAKEN

    # ---- At the end

    def ask_all(self, rng):
        """Both servers about every key whose fate no client knows, and about some of the others."""
        settled = set(self.settled)
        open_keys = [key for key in self.keys.values() if key not in settled]
        for key in open_keys + rng.sample(self.settled, min(100, len(self.settled))):
            key.last_asked = [self.until_certain(key, None, rng, port, certain=(TAKEN, FREE)) for port in self.ports]
