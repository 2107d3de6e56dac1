// The form: a batch of payments, sent as the texts that were typed, so that nobody between the
// keyboard and the sum rounds an amount. The server alone judges them; what it says of a field
// stands at that field.

import { grouped, product } from "./amounts.js";
import { visible } from "./names.js";

const FIELDS = ["user", "paymentAmt", "volume"];
const ANSWER_MS = 30000;
const UNKNOWN = "No answer came, so it is not known whether this was taken. Look at the list before you send it again.";

// "paymentAmt: not a decimal number" -> "Not a decimal number": the field's label says the rest.
function sentence(field, detail) {
  const text = detail.startsWith(`${field}: `) ? detail.slice(field.length + 2) : detail;
  return text.charAt(0).toUpperCase() + text.slice(1);
}

function problemOf(xhr) {
  try {
    return JSON.parse(xhr.responseText);
  } catch {
    return { title: `The server answered ${xhr.status} ${xhr.statusText}` };
  }
}

// `accepted(user)` is called after the server has the payments.
export function wireForm({ accepted }) {
  const $form = $("#form");
  const $input = (field) => $(`#${field}`);
  let sending = false;

  function mark(field, text) {
    $(`#${field}-error`).text(text);
    if (text) $input(field).attr("aria-invalid", "true");
    else $input(field).removeAttr("aria-invalid");
  }

  function hint() {
    const volume = $input("volume").val().trim();
    const all = product($input("paymentAmt").val().trim(), volume);
    $("#volume-hint").text(all === null || volume === "1"
      ? "Volume is how many such payments are made."
      : `${grouped(volume)} payments, ${grouped(all)} together.`);
  }

  function refuse(xhr) {
    if (xhr.status === 0) return void $("#refused").text(UNKNOWN);
    const problem = problemOf(xhr);
    const texts = new Map();
    const others = [];
    for (const { pointer = "", detail = "" } of problem.errors ?? []) {
      const field = pointer.split("/").at(-1);
      if (!FIELDS.includes(field)) others.push(detail);
      else texts.set(field, [...(texts.get(field) ?? []), sentence(field, detail)]);
    }
    texts.forEach((list, field) => mark(field, list.join("; ")));
    if (texts.size === 0 && others.length === 0) others.push(problem.detail ?? "");
    if (others.length > 0) {
      const again = xhr.getResponseHeader("Retry-After");
      const wait = again ? `Try again in ${again} s.` : "";
      $("#refused").text([problem.title, ...others].filter(Boolean).map((t) => t.replace(/\.?$/, ".")).concat(wait).join(" ").trim());
    }
    const first = FIELDS.find((field) => texts.has(field));
    if (first) $input(first).trigger("focus");
  }

  // What was sent leaves the form; what has been typed since then stays. Whether all has left.
  function clear(typed) {
    const sent = FIELDS.filter((field) => $input(field).val() === typed[field]);
    sent.forEach((field) => $input(field).val($input(field)[0].defaultValue));
    hint();
    return sent.length === FIELDS.length;
  }

  function taken(body, batch, typed) {
    const payments = body.accepted === 1 ? "1 payment" : `${grouped(String(body.accepted))} payments`;
    $("#accepted").text(`Accepted: ${payments} of ${grouped(batch.paymentAmt)} for ${visible(batch.user)}.`);
    const inForm = $form[0].contains(document.activeElement);
    if (clear(typed) && inForm) $input("user").trigger("focus");
    accepted(batch.user);
  }

  $form.on("submit", (event) => {
    event.preventDefault();
    if (sending) return;
    sending = true;
    $("#submit").attr("aria-disabled", "true");
    $("#accepted, #refused").text("");
    FIELDS.forEach((field) => mark(field, ""));
    const typed = Object.fromEntries(FIELDS.map((field) => [field, $input(field).val()]));
    const batch = { user: typed.user, paymentAmt: typed.paymentAmt.trim(), volume: typed.volume.trim() };
    $.ajax({
      method: "POST",
      url: "api/payments",
      contentType: "application/json",
      data: JSON.stringify(batch),
      dataType: "json",
      timeout: ANSWER_MS,
    })
      .always(() => {
        sending = false;
        $("#submit").removeAttr("aria-disabled");
      })
      .done((body) => taken(body, batch, typed))
      .fail(refuse);
  });

  $form.on("input", (event) => {
    mark(event.target.name, "");
    $("#accepted, #refused").text("");
    hint();
  });
}
