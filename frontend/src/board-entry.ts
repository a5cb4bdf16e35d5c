// How an entry looks inside: state by colour and by shape, who, what for, and where else.
import { type Entry, type Words, fill, left, spanOf, timeOf } from "./board-day";

const SVG = "http://www.w3.org/2000/svg";
const GLYPHS: Record<string, string> = {
  confirmed: "M8 2.5a5.5 5.5 0 1 0 0 11a5.5 5.5 0 1 0 0-11",
  checked_in: "M8 2.5a5.5 5.5 0 1 0 0 11a5.5 5.5 0 1 0 0-11M8 6a2 2 0 1 0 0 4a2 2 0 1 0 0-4",
  completed: "m3 8.5 3.2 3L13 4.5",
  held: "M5 2.5h6M5 13.5h6M5.5 2.5c0 3 5 3 5 5.5s-5 2.5-5 5.5M10.5 2.5c0 3-5 3-5 5.5",
  block: "M8 2.5a5.5 5.5 0 1 0 0 11a5.5 5.5 0 1 0 0-11M4.2 11.8l7.6-7.6",
  busy: "M3 4h10v9H3zM3 7h10",
  overbook: "M8 2.5 14 13H2zM8 6.5v3M8 11.4v.1",
  note: "M3.5 3h9v7l-3 3h-6zM9.5 13v-3h3",
};

function glyph(name: string): SVGElement {
  const shown = document.createElementNS(SVG, "svg");
  shown.setAttribute("viewBox", "0 0 16 16");
  shown.setAttribute("class", `glyph ${name}`);
  shown.setAttribute("aria-hidden", "true");
  const path = document.createElementNS(SVG, "path");
  path.setAttribute("d", GLYPHS[name] ?? "");
  shown.append(path);
  return shown;
}

function line(name: string, ...parts: (Node | string)[]): HTMLElement {
  const shown = document.createElement("span");
  shown.className = name;
  shown.append(...parts);
  return shown;
}

/** The inside of an entry; `name` is its column's. */
export function contentOf(entry: Entry, name: string, words: Words): HTMLElement {
  const state = entry.state ?? entry.kind;
  const top = line("top", glyph(state), line("who", headline(entry, words)));
  if (entry.kind === "hold") {
    const clock = line("countdown numbers", left(entry.expires ?? ""));
    clock.dataset.expires = entry.expires ?? "";
    top.append(clock);
  }
  if (entry.overbook) top.append(mark("overbook", words[entry.kind === "busy" ? "collision" : "overbook"]!));
  if (entry.note) top.append(mark("note", words.note!));
  top.append(line("when numbers", timeOf(entry.from)));
  const inside = line("entry", top);
  inside.dataset.key = entry.key;
  if (entry.service) inside.append(line("what", entry.service));
  if (entry.with) inside.append(line("with", entry.with.join(" · ")));
  inside.append(line("unseen", fill(words.event!, { what: words[state] ?? "", time: spanOf(entry.from, entry.until), name })));
  return inside;
}

export function headline(entry: Entry, words: Words): string {
  if (entry.kind === "block") return entry.words || words.block!;
  if (entry.kind === "busy") return words.busy!;
  if (entry.offer && entry.client) return fill(words.offered!, { name: entry.client });
  if (entry.kind === "hold") return words.held!;
  return entry.client ?? entry.service ?? "";
}

function mark(name: string, words: string): HTMLElement {
  const shown = line(`mark-${name}`, glyph(name), line("unseen", words));
  shown.title = words;
  return shown;
}
