"""What an amount or a sum is worth, by Python's decimal: the oracle for lib/money.

judge_amount("12.50") -> ("ok", 12500000000); judge_amount("1e15") -> ("too-large", None). Where two
flaws apply it is "too-large|too-fine": which one is named is free.
"""
import decimal
import re

NUMBER = re.compile(r"-?(?:0|[1-9][0-9]*)(?:\.([0-9]+))?(?:[eE]([+-]?[0-9]+))?", re.ASCII)
CONTEXT = decimal.Context(prec=4000, Emax=decimal.MAX_EMAX, Emin=decimal.MIN_EMIN,
                          traps=[decimal.InvalidOperation, decimal.Inexact])
EXPONENT_DIGITS_MAX = 17  # that decimal can hold

FINEST = decimal.Decimal("1e-9")
AMOUNT_BOUND = decimal.Decimal("1e15")
SUM_MOST = decimal.Decimal(2**127 - 1).scaleb(-9, CONTEXT)
SUM_LEAST = decimal.Decimal(-2**127).scaleb(-9, CONTEXT)


def value_of(text):
    """The exact value; +-Infinity or "fine" where the exponent is beyond what decimal can hold."""
    match = NUMBER.fullmatch(text)
    if not match:
        return None
    mantissa = text
    exponent = match[2]
    if exponent is not None:
        mantissa = text[:match.start(2) - 1]
        digits = exponent.lstrip("+-").lstrip("0")
        if len(digits) > EXPONENT_DIGITS_MAX:
            if not decimal.Decimal(mantissa):
                return decimal.Decimal(0)
            return "fine" if exponent[0] == "-" else decimal.Decimal("Infinity")
    return decimal.Decimal(text)


def judge(text, too_large):
    value = value_of(text)
    if value is None:
        return "not-a-number", None
    if value == "fine":
        return "too-fine", None
    if not value:
        return "ok", 0
    # Zeros that do not matter aside, an exact value that ends by the ninth decimal.
    flaws = ["too-large"] if too_large(value) else []
    if value.is_finite() and value.normalize(CONTEXT).as_tuple().exponent < -9:
        flaws.append("too-fine")
    if flaws:
        return "|".join(flaws), None
    return "ok", int(value.scaleb(9, CONTEXT).to_integral_exact(context=CONTEXT))


def judge_amount(text):
    return judge(text, lambda value: value.copy_abs() >= AMOUNT_BOUND)


def judge_sum(text):
    return judge(text, lambda value: not SUM_LEAST <= value <= SUM_MOST)


def formatted(nanos):
    """At least two decimals and no other trailing zero."""
    sign, digits = ("-" if nanos < 0 else ""), str(abs(nanos)).rjust(10, "0")
    fraction = digits[-9:]
    return sign + digits[:-9] + "." + fraction[:2] + fraction[2:].rstrip("0")


def plain(text, nanos):
    """Plain decimals, the fraction as given once the exponent is applied, at most nine."""
    match = NUMBER.fullmatch(text)
    given = len(match[1] or "")
    exponent = match[2] or "0"
    if len(exponent.lstrip("+-").lstrip("0")) > EXPONENT_DIGITS_MAX:
        shift = -10**18 if exponent[0] == "-" else 10**18
    else:
        shift = int(exponent)
    decimals = max(0, min(9, given - shift))
    value = decimal.Decimal(nanos).scaleb(-9, CONTEXT)
    text = str(value.quantize(decimal.Decimal(1).scaleb(-decimals), context=CONTEXT))
    if "E" in text:
        text = format(value, f".{decimals}f")
    return text
