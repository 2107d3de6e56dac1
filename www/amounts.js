// Amounts as text. A sum comes as a decimal string of up to 30 digits, and a Number holds 15 of
// them: so nothing here makes a Number of a sum. What must be computed is computed in BigInt, in
// units of 10^-9, the finest that there is.

const FRACTION_DIGITS = 9;
const DECIMAL = /^([-+]?)(\d+)(?:\.(\d{0,9}))?$/;
const ONE_COMMA = /^([-+]?\d+),(\d+)$/;

// "-12.5" -> -12500000000n; null for what is not a plain decimal.
export function units(text) {
  const parts = DECIMAL.exec(text);
  if (!parts) return null;
  const [, sign, whole, fraction = ""] = parts;
  const size = BigInt(whole + fraction.padEnd(FRACTION_DIGITS, "0"));
  return sign === "-" ? -size : size;
}

// "-1234567.50" -> "−1,234,567.50". The digits stay those that came.
export function grouped(text) {
  const [, sign, whole, rest] = /^([-+]?)(\d*)(.*)$/s.exec(text);
  const groups = whole.replace(/\B(?=(\d{3})+$)/g, ",");
  return (sign === "-" ? "−" : "") + groups + rest;
}

// How long a bar is beside the largest: 0 to 1. A Number, since it is pixels by now.
export function proportion(sum, largest) {
  if (largest <= 0n || sum <= 0n) return 0;
  return Number((sum * 10000n) / largest) / 10000;
}

// "12.3 %", or nothing where a share of the whole has no meaning: a refund, a whole that is not
// positive, a part that is larger than the whole because others are refunds.
export function share(sum, total) {
  if (total <= 0n || sum < 0n || sum > total) return "";
  const permille = (sum * 2000n + total) / (2n * total);
  if (permille === 0n && sum > 0n) return "< 0.1 %";
  return `${permille / 10n}.${permille % 10n} %`;
}

// What a form of "12.50" and "7" is worth: "87.50". Null where either is not a plain number yet.
export function product(amount, volume) {
  const each = units(amount);
  if (each === null || !/^\d{1,9}$/.test(volume)) return null;
  const all = each * BigInt(volume);
  const digits = (all < 0n ? -all : all).toString().padStart(FRACTION_DIGITS + 1, "0");
  const fraction = digits.slice(-FRACTION_DIGITS).replace(/0+$/, "").padEnd(2, "0");
  return `${all < 0n ? "-" : ""}${digits.slice(0, -FRACTION_DIGITS)}.${fraction}`;
}

// How an amount that a person typed is sent. A single comma is a decimal comma ("12,5" -> "12.5"),
// but not where three digits follow it: "1,234" may be meant as 1234 or as 1.234. Answers
// {send, comma} or {readings: [text, text]}. All else goes to the server as it is, which judges it.
export function readTyped(text) {
  const trimmed = text.trim();
  const parts = ONE_COMMA.exec(trimmed);
  if (!parts) return { send: trimmed, comma: false };
  const [, whole, behind] = parts;
  if (behind.length === 3) return { readings: [whole + behind, `${whole}.${behind}`] };
  return { send: `${whole}.${behind}`, comma: true };
}

// "7 payments", "1 payment", of a number or its digits.
export const payments = (count) => `${grouped(String(count))} ${String(count) === "1" ? "payment" : "payments"}`;

// A sum that has many groups may wrap between them; a short one never does.
export function amountElement(text) {
  const shown = grouped(text);
  const $amount = $("<span class='amount'>");
  if (shown.length <= 20) return $amount.text(shown);
  shown.match(/[^,]+,?/g).forEach((group) => $amount.append(document.createTextNode(group), "<wbr>"));
  return $amount.addClass("long");
}
