#!/usr/bin/env python3
"""The random workload of paygen, made a second time from its description alone, and its totals.

    paygen_oracle.py lines N USERS SKEW LO:HI SEED   the same bytes as paygen --random N ...
    paygen_oracle.py totals < payments.jsonl         what --expect must say of payments and batches, by
                                                     Python's decimal

Plain integers without a limit take the place of paygen's fixed words; the weights of the users are
checked against Python's decimal logarithms before they are used.
"""
import decimal
import json
import math
import sys

WORD = (1 << 64) - 1
ONE = 1 << 62
FRACTION_BITS = 40


def splitmix64(state):
    while True:
        state = (state + 0x9E3779B97F4A7C15) & WORD
        z = state
        z = ((z ^ (z >> 30)) * 0xBF58476D1CE4E5B9) & WORD
        z = ((z ^ (z >> 27)) * 0x94D049BB133111EB) & WORD
        yield z ^ (z >> 31)


def xoshiro256(seed):
    def rotate(x, k):
        return ((x << k) | (x >> (64 - k))) & WORD

    fill = splitmix64(seed)
    s = [next(fill) for _ in range(4)]
    while True:
        yield (rotate((s[1] * 5) & WORD, 7) * 9) & WORD
        t = (s[1] << 17) & WORD
        s[2] ^= s[0]
        s[3] ^= s[1]
        s[1] ^= s[2]
        s[0] ^= s[3]
        s[2] ^= t
        s[3] = rotate(s[3], 45)


def log2_fixed(n):
    whole = n.bit_length() - 1
    x = n << (63 - whole)
    result = whole
    for _ in range(FRACTION_BITS):
        x = x * x
        bit = x >> 127
        x >>= 63 + bit
        result = 2 * result + bit
    return result


def roots():
    values = [1 << 63]
    for _ in range(FRACTION_BITS):
        values.append(math.isqrt(values[-1] << 62))
    return values


def power_weight(n, skew, root):
    exponent = log2_fixed(n) * skew // 1000
    power = ONE
    for k in range(1, FRACTION_BITS + 1):
        if exponent >> (FRACTION_BITS - k) & 1:
            power = power * root[k] >> 62
    return (1 << 124) // power >> (exponent >> FRACTION_BITS)


def weights_of(users, skew):
    root = roots()
    weights = [0, power_weight(1, skew, root)]
    for n in range(2, users + 1):
        factor = next((p for p in range(2, math.isqrt(n) + 1) if n % p == 0), n)
        if factor == n:
            weights.append(power_weight(n, skew, root))
        else:
            weights.append(weights[factor] * weights[n // factor] >> 62)
    exponent = -decimal.Decimal(skew) / 1000
    for n in range(1, users + 1):
        exact = decimal.Decimal(n) ** exponent * ONE
        assert abs(weights[n] - exact) <= exact / 10**9 + 2, (n, weights[n], exact)
    return weights[1:]


def alias_table(users, skew):
    weights = weights_of(users, skew)
    ratio = (users << 94) // sum(weights)
    parts = [w * ratio >> 62 for w in weights]
    for i in range((users << 32) - sum(parts)):
        parts[i % users] += 1
    full = 1 << 32
    poor = [i for i in range(users) if parts[i] < full]
    rich = [i for i in range(users) if parts[i] > full]  # taken from the end
    columns = [(0, i) for i in range(users)]
    while poor:
        taker = poor.pop()
        giver = rich[-1]
        columns[taker] = (parts[taker], giver)
        parts[giver] -= full - parts[taker]
        if parts[giver] <= full:
            rich.pop()
            if parts[giver] < full:
                poor.append(giver)
    return columns


def lines(count, users, skew, amount, seed):
    low, high = (decimal.Decimal(part) for part in (amount.split(":") * 2)[:2])
    decimals = max(0, *(-bound.as_tuple().exponent for bound in (low, high)))
    low, high = (int(bound.scaleb(decimals)) for bound in (low, high))
    columns = alias_table(users, skew)
    random = xoshiro256(seed)
    for _ in range(count):
        product = next(random) * users
        column, coin = product >> 64, (product & WORD) >> 32
        cut, alias = columns[column]
        rank = column if coin < cut else alias
        units = low + (next(random) * (high - low + 1) >> 64)
        text = str(decimal.Decimal(units).scaleb(-decimals).quantize(decimal.Decimal(1).scaleb(-decimals)))
        yield '{"user":"user%d","paymentAmt":%s}\n' % (rank + 1, text)


def totals(stream):
    sums, counts = {}, {}
    for line in stream:
        payment = json.loads(line, parse_float=decimal.Decimal, parse_int=decimal.Decimal)
        user, amount, volume = payment["user"], payment["paymentAmt"], int(payment.get("volume", 1))
        sums[user] = sums.get(user, 0) + amount * volume
        counts[user] = counts.get(user, 0) + volume
    for user in sorted(sums, key=lambda u: (-sums[u], u.encode())):
        text = format(sums[user], "f")
        whole, _, fraction = text.partition(".")
        fraction = fraction.rstrip("0").ljust(2, "0")
        yield '{"user":%s,"sum":%s.%s,"count":%d}\n' % (
            json.dumps(user, ensure_ascii=False), whole, fraction, counts[user])


def main():
    decimal.getcontext().prec = 60
    if sys.argv[1] == "lines":
        count, users, skew, amount, seed = sys.argv[2:]
        skew = int(decimal.Decimal(skew) * 1000)
        sys.stdout.writelines(lines(int(count), int(users), skew, amount, int(seed)))
    else:
        sys.stdin.reconfigure(encoding="utf-8")
        sys.stdout.reconfigure(encoding="utf-8")
        sys.stdout.writelines(totals(sys.stdin))


if __name__ == "__main__":
    main()
