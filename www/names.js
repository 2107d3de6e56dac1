// A user's name is whatever text somebody sent. It is shown as text, never as markup; what would
// be invisible or would turn the text around it is shown as its escape; and <bdi> keeps the
// direction of a name to itself.

// C0, DEL, C1, soft hyphen, Arabic letter mark, zero width space, marks of direction, line and
// paragraph separators, embeddings, invisible operators, isolates, BOM. Zero width (non-)joiners
// stay as they are: Persian and emoji are written with them.
const UNSEEN = /[\u0000-\u001f\u007f-\u009f\u00ad\u061c\u200b\u200e\u200f\u2028-\u202e\u2060-\u206f\ufeff]|^ +| +$/gu;

const escaped = (text) =>
  text[0] === " " ? "␣".repeat(text.length)
    : `\\u${text.codePointAt(0).toString(16).padStart(4, "0")}`;

export const visible = (name) => name.replace(UNSEEN, escaped);

// The name as a <bdi> element; `title` has the whole of one that is cut short by the layout.
export function nameElement(name) {
  const $name = $("<bdi class='name'>").attr("title", visible(name));
  let end = 0;
  for (const match of name.matchAll(UNSEEN)) {
    $name.append(document.createTextNode(name.slice(end, match.index)));
    $name.append($("<span class='unseen'>").text(escaped(match[0])));
    end = match.index + match[0].length;
  }
  return $name.append(document.createTextNode(name.slice(end)));
}
