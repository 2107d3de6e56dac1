// What the address of the page holds, so that a reload, a link and Back work, under any path:
//
//   ?user=edgar          the second pane shows this user
//   ?sent                the second pane shows what was sent from this browser (on a narrow window)
//   #page=2&q=ed         the page of the list, and what the names in it begin with
//
// A pane that is opened or closed is a step of the browser's history; page and search are not.

// {user, sent, inSight, page, q}
export function readAddress() {
  const pane = new URLSearchParams(location.search);
  const list = new URLSearchParams(location.hash.slice(1));
  return {
    user: pane.get("user") || null,
    sent: pane.has("sent"),
    inSight: history.state?.inSight ?? true,
    page: Math.max(1, Number.parseInt(list.get("page"), 10) || 1),
    q: list.get("q") ?? "",
  };
}

// The address of a pane, relative to the page: of a user, of what was sent, or of neither.
export function paneAddress({ user = null, sent = false } = {}) {
  const words = user ? `?${new URLSearchParams({ user })}` : sent ? "?sent" : "";
  return (words || location.pathname) + location.hash;
}

// A pane that a person did not open is not `inSight` on a narrow window.
export function openPaneAddress({ inSight = true, ...pane }) {
  history.pushState({ inSight }, "", paneAddress(pane));
}

export function writeListAddress({ page, q }) {
  const words = new URLSearchParams();
  if (page > 1) words.set("page", page);
  if (q) words.set("q", q);
  const hash = words.toString();
  history.replaceState(history.state, "", location.pathname + location.search + (hash ? `#${hash}` : ""));
}
