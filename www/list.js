// From an answer of the server to the element that shows it. Each call makes the whole list anew.

import { grouped, proportion, share, units } from "./amounts.js";
import { nameElement, visible } from "./names.js";

// A sum that has many groups may wrap between them; a short one never does.
export function amountElement(text) {
  const shown = grouped(text);
  const $amount = $("<span class='amount'>");
  if (shown.length <= 20) return $amount.text(shown);
  shown.match(/[^,]+,?/g).forEach((group) => $amount.append(document.createTextNode(group), "<wbr>"));
  return $amount.addClass("long");
}

function rowElement(row, largest, total, mine) {
  const sum = units(row.sum);
  const length = proportion(sum, largest);
  const $bar = $("<span class='bar' aria-hidden='true'>");
  if (length > 0) $("<span class='fill'>").css("width", `max(3px, ${length * 100}%)`).appendTo($bar);
  const count = grouped(String(row.count));
  return $("<tr role='row'>")
    .toggleClass("mine", row.user === mine)
    .append($("<td class='rank' role='cell'>").text(grouped(String(row.rank))))
    .append($("<th class='user' role='rowheader' scope='row'>").append(nameElement(row.user), $bar))
    .append($("<td class='sum' role='cell'>").toggleClass("negative", sum < 0n).append(amountElement(row.sum)))
    .append($("<td class='count' role='cell'>").text(count).attr("data-unit", row.count === 1 ? "payment" : "payments"))
    .append($("<td class='share' role='cell'>").text(share(sum, total)));
}

function headElement() {
  const $row = $("<tr role='row'>");
  for (const [name, text] of [["rank", "Rank"], ["user", "User"], ["sum", "Sum"], ["count", "Payments"], ["share", "Share"]]) {
    $(`<th role='columnheader' scope='col' class='${name}'>`).text(text).appendTo($row);
  }
  return $("<thead role='rowgroup'>").append($row);
}

function emptyElement(body, query) {
  const $empty = $("<div class='empty'>");
  if (!body.ready) {
    return $empty
      .append($("<p class='first'>").text("Catching up"))
      .append($("<p>").text("What has been paid so far is being read, and appears here."));
  }
  if (query.q) return $empty.append($("<p>").text("No user’s name begins with ").append($("<bdi>").text(visible(query.q)), "."));
  return $empty
    .append($("<p class='first'>").text("No payments yet"))
    .append($("<p>").text("Submit the first one below, and it appears here."));
}

// `mine` is the user of the latest submission, whose row stands out for a moment.
export function listElement(body, query, mine) {
  // A live region it is not: with ten updates a second nobody could listen to it.
  const $list = $("<div id='list' class='list' role='region' aria-label='Users by sum'>");
  if (body.stats.length === 0) return $list.append(emptyElement(body, query));
  const sums = body.stats.map((row) => units(row.sum));
  const largest = sums.reduce((most, sum) => (sum > most ? sum : most));
  const total = units(body.sum);
  const $rows = $("<tbody role='rowgroup'>");
  for (const row of body.stats) $rows.append(rowElement(row, largest, total, mine));
  const $caption = $("<caption class='hidden'>").text("Users by the sum of their payments, largest first");
  return $list.append($("<table role='table'>").append($caption, headElement(), $rows));
}
