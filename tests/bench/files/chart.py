"""The common set as a chart for the README: a bar for each contender, payments per second on a log
scale, since the slowest is some thousand times slower than the fastest. SVG by hand, readable on a
light and on a dark page."""
import math
from xml.sax.saxutils import escape

from tables import find, number, per_million, title_of

WIDTH, LEFT, RIGHT, ROW, TOP, FOOT = 760, 210, 150, 26, 56, 44
STYLE = """
  text { font: 13px system-ui, sans-serif; fill: #1f2328 }
  .title { font-size: 15px; font-weight: 600 } .small { font-size: 11px; fill: #59636e }
  .grid { stroke: #d1d9e0 } .ours { fill: #1a7f37 } .theirs { fill: #8c959f } .floor { fill: #d1d9e0 }
  @media (prefers-color-scheme: dark) {
    text { fill: #f0f6fc } .small { fill: #9198a1 } .grid { stroke: #3d444d }
    .ours { fill: #3fb950 } .theirs { fill: #656c76 } .floor { fill: #3d444d } }
"""


def bars(result):
    """(words, payments a second, class), the fastest first: of each family and number of threads one."""
    best = {}
    for row in result["rows"]:
        if row["walls"] and row["family"] not in ("cat", "wc") and not row["answer"].startswith("wrong"):
            best[(row["family"], row["threads"])] = find(result, row["family"], row["threads"])
    kinds = {"payagg": "ours", "scan": "floor"}
    found = [(title_of(row).replace(", DOUBLE", "").replace(", DECIMAL", ""), 1e6 / per_million(row),
              kinds.get(family, "theirs")) for (family, _), row in best.items()]
    return sorted(found, key=lambda bar: -bar[1])


def rate_words(rate):
    return f"{rate / 1e6:.1f} M/s" if rate >= 1e6 else f"{rate / 1e3:.0f} k/s"


def draw(result, machine):
    drawn = bars(result)
    low = 10 ** math.floor(math.log10(min(rate for _, rate, _ in drawn)))
    high = 10 ** math.ceil(math.log10(max(rate for _, rate, _ in drawn)))
    if low == high:
        high *= 10
    span = WIDTH - LEFT - RIGHT

    def at(rate):
        return LEFT + span * math.log10(rate / low) / math.log10(high / low)

    one_job = find(result, "payagg", 1)
    base = 1e6 / per_million(one_job) if one_job else None
    bottom = TOP + ROW * len(drawn)
    parts = [f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {bottom + FOOT}" width="{WIDTH}" '
             f'height="{bottom + FOOT}" role="img" aria-label="Payments per second of each contender">',
             f"<style>{STYLE}</style>",
             '<text class="title" x="12" y="22">Payments summed per second (longer is better, log scale)</text>']
    tick = low
    while tick <= high:
        x = at(tick)
        parts.append(f'<line class="grid" x1="{x:.1f}" x2="{x:.1f}" y1="{TOP - 6}" y2="{bottom}"/>')
        parts.append(f'<text class="small" x="{x:.1f}" y="{TOP - 12}" text-anchor="middle">{axis_words(tick)}</text>')
        tick *= 10
    for place, (words, rate, kind) in enumerate(drawn):
        y = TOP + ROW * place
        parts.append(f'<text x="{LEFT - 8}" y="{y + 17}" text-anchor="end">{escape(words)}</text>')
        parts.append(f'<rect class="{kind}" x="{LEFT}" y="{y + 3}" width="{at(rate) - LEFT:.1f}" '
                     f'height="{ROW - 7}" rx="2"/>')
        ratio = f" ({number(base / rate, 1)} x the time)" if base and kind == "theirs" else ""
        parts.append(f'<text x="{at(rate) + 6:.1f}" y="{y + 17}">{rate_words(rate)}{ratio}</text>')
    parts.append(f'<text class="small" x="12" y="{bottom + 18}">{result["payments"]:,} payments of {result["users"]:,} '
                 "users; x the time: of payagg with one job</text>")
    parts.append(f'<text class="small" x="12" y="{bottom + 34}">{escape(machine)}</text></svg>')
    return "\n".join(parts) + "\n"


def axis_words(rate):
    return f"{rate / 1e6:g} M/s" if rate >= 1e6 else f"{rate / 1e3:g} k/s"
