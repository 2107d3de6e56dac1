// A user's name is whatever text somebody sent. It is shown as text, never as markup; what would
// be invisible or would turn the text around it is shown as its escape, so that no two names look
// alike but for what is not seen; and <bdi> keeps the direction of a name to itself.

// The scripts that are written with zero width (non-)joiners, and the marks that, with a joiner
// after them, make another shape at a word's end, too: the Indic viramas.
const JOINED = String.raw`[[\p{L}\p{M}]&&[\p{scx=Arab}\p{scx=Syrc}\p{scx=Nkoo}\p{scx=Mong}\p{scx=Deva}\p{scx=Beng}\p{scx=Guru}
  \p{scx=Gujr}\p{scx=Orya}\p{scx=Taml}\p{scx=Telu}\p{scx=Knda}\p{scx=Mlym}\p{scx=Sinh}\p{scx=Khmr}\p{scx=Mymr}]]`.replace(/\s/g, "");
const VIRAMA = String.raw`[\u094d\u09cd\u0a4d\u0acd\u0b4d\u0bcd\u0c4d\u0ccd\u0d4d\u0dca]`;

// What is not seen and yet belongs there stays as it is: in an emoji that this browser knows,
// between letters of those scripts, and where it chooses a form of a Mongolian or a Han letter.
const KEPT = String.raw`\p{RGI_Emoji}|${JOINED}[\u200c\u200d](?=${JOINED})|${VIRAMA}\u200d`
  + String.raw`|\p{sc=Mong}[\u180b-\u180d\u180f]|\p{sc=Han}[\ufe00-\ufe02\u{e0100}-\u{e01ef}]`;

// All else that is ignored where it is displayed, controls, separators of lines, the marks around
// annotations, the object that is not there, the blank Braille pattern, and white space at the ends.
const UNSEEN = String.raw`[\p{Default_Ignorable_Code_Point}\p{Cc}\p{Zl}\p{Zp}\ufff9-\ufffc\u2800]|^\p{Zs}+|\p{Zs}+$`;

// A browser from before 2023 lacks the flag v, and with it the sets and emoji that are kept: there
// all that is not seen is escaped.
function partsOfNames() {
  try {
    return new RegExp(`${KEPT}|(${UNSEEN})`, "gv");
  } catch {
    return new RegExp(`(${UNSEEN})`, "gu");
  }
}
const PARTS = partsOfNames();
const NAME_CHARACTERS_MAX = 20;

function escapedOne(character) {
  if (character === " ") return "␣";
  const code = character.codePointAt(0).toString(16).padStart(4, "0");
  return code.length > 4 ? `\\u{${code}}` : `\\u${code}`;
}
const escaped = (text) => [...text].map(escapedOne).join("");

export const visible = (name) => name.replace(PARTS, (part, unseen) => (unseen ? escaped(unseen) : part));

// The same, for a sentence: of a long name its beginning and its end.
export function shortened(name) {
  const characters = [...visible(name)];
  if (characters.length <= NAME_CHARACTERS_MAX) return characters.join("");
  const half = NAME_CHARACTERS_MAX / 2;
  return `${characters.slice(0, half).join("")}…${characters.slice(1 - half).join("")}`;
}

// The name as a <bdi> element; `title` has the whole of one that is cut short by the layout.
export function nameElement(name) {
  const $name = $("<bdi class='name'>").attr("title", visible(name));
  let end = 0;
  for (const { 0: part, 1: unseen, index } of name.matchAll(PARTS)) {
    if (!unseen) continue;
    $name.append(document.createTextNode(name.slice(end, index)));
    $name.append($("<span class='unseen'>").text(escaped(unseen)));
    end = index + part.length;
  }
  return $name.append(document.createTextNode(name.slice(end)));
}
