// Moving by hand: shown as pending until the record has said yes, put back with the reason when it says no.
import { type Column, type Entry, type Words, dayOf, fill, later, timeOf } from "./board-day";
import { signIn, toSignIn } from "./page";
import { toast } from "./panel";

export interface Board {
  words: Words;
  token: string;
  location: string;
  column: (id: string) => Column | undefined;
  entry: (key: string) => Entry | undefined;
  /** Show the entry as waiting for an answer, or as it is. */
  pending: (key: string, waiting: boolean) => void;
  /** Give the focus to the entry. */
  focus: (key: string) => void;
}

interface Standing {
  start: string;
  resources: { role: string; resource: string }[];
}

interface Slot {
  start: string;
  resources: { role: string; resource: string }[];
}

interface Answer {
  revision?: number;
  before?: Standing;
  detail?: string;
  alternatives?: Slot[];
}

interface Sent {
  ok: boolean;
  answer: Answer;
}

async function send(board: Board, url: string, revision: number | undefined, body: object): Promise<Sent> {
  const headers: Record<string, string> = {
    "Content-Type": "application/json",
    "X-Form-Token": board.token,
    "Idempotency-Key": crypto.randomUUID?.() ?? `${Date.now()}-${Math.random()}`,
  };
  if (revision !== undefined) headers["If-Match"] = `"${revision}"`;
  try {
    const response = await fetch(url, { method: "POST", headers, body: JSON.stringify(body) });
    if (toSignIn(response) && (await signIn.again?.())) return send(board, url, revision, body);
    const told = response.headers.get("Content-Type")?.includes("json");
    return { ok: response.ok && Boolean(told), answer: told ? ((await response.json()) as Answer) : { detail: board.words.reload } };
  } catch {
    return { ok: false, answer: { detail: board.words.offline } };
  }
}

/** Move an appointment so that this entry of it is in `column`, and the visit begins at `start`. */
export async function moveVisit(board: Board, entry: Entry, start: string, column: string): Promise<void> {
  if (entry.visit![0] === start && entry.column === column) return board.pending(entry.key, false);
  const answer = await drag(board, entry, { start, role: entry.role, resource: column, from_resource: entry.column });
  if (!answer) return;
  const moved: Entry = { ...entry, column, visit: [start, entry.visit![1]], revision: answer.revision };
  toast(fill(board.words.moved!, { time: timeOf(start) }), {
    label: board.words.undo!,
    // Every person, room and device as it was: the room may have had to change with the rest.
    act: () => void drag(board, moved, answer.before!).then((undone) => undone && toast(board.words.moved_back!)),
  });
}

async function drag(board: Board, entry: Entry, body: object): Promise<Answer | null> {
  board.pending(entry.key, true);
  const { ok, answer } = await send(board, `/desk/appointments/${entry.id}/drag`, entry.revision, body);
  board.pending(entry.key, false);
  if (!ok) refused(board, entry, answer);
  return ok ? answer : null;
}

/** Give a block other times, or another column. */
export async function changeBlock(board: Board, entry: Entry, start: string, end: string, column: string, undoing = false): Promise<void> {
  board.pending(entry.key, true);
  const { ok, answer } = await send(board, `/desk/blocks/${entry.id}/change`, undefined, { start, end, resource: column, location: board.location });
  board.pending(entry.key, false);
  if (!ok) return refused(board, entry, answer);
  if (undoing) return toast(board.words.moved_back!);
  const changed: Entry = { ...entry, id: (answer as { id: string }).id, column, start, end };
  toast(fill(board.words.changed!, { time: timeOf(start) }), {
    label: board.words.undo!,
    act: () => void changeBlock(board, changed, entry.start, entry.end, entry.column, true),
  });
}

function refused(board: Board, entry: Entry, answer: Answer): void {
  const card = document.querySelector<HTMLElement>(".moving")!;
  const close = (): void => {
    card.hidden = true;
    card.replaceChildren();
    board.focus(entry.key);
  };
  const heading = Object.assign(element("h2", board.words.refused!), { id: "refused-name", tabIndex: -1 });
  const reason = Object.assign(element("p", answer.detail ?? ""), { id: "refused-why" });
  const choices = element("div", "");
  choices.className = "row";
  for (const slot of answer.alternatives ?? []) {
    const start = slot.start.slice(0, 19);
    const column = slot.resources.find((each) => each.role === entry.role)?.resource ?? entry.column;
    // where it is now is free as well, once it is given up: that is the other button
    if (start === entry.visit?.[0] && column === entry.column) continue;
    const name = column === entry.column ? "" : (board.column(column)?.name ?? "");
    const day = start.slice(0, 10) === entry.visit?.[0].slice(0, 10) ? "" : dayOf(start);
    const button = element("button", [day, timeOf(start), name].filter(Boolean).join(" · "));
    button.className = "button quiet";
    button.addEventListener("click", () => {
      close();
      void moveVisit(board, board.entry(entry.key) ?? entry, start, column);
    });
    choices.append(button);
  }
  const keep = element("button", board.words.keep!);
  keep.className = "button plain";
  keep.addEventListener("click", close);
  const alternatives = choices.childElementCount ? [element("p", board.words.instead!), choices] : [];
  card.setAttribute("role", "alertdialog");
  card.setAttribute("aria-labelledby", heading.id);
  card.setAttribute("aria-describedby", reason.id);
  card.replaceChildren(heading, reason, ...alternatives, keep);
  card.hidden = false;
  (card.querySelector<HTMLElement>(".row .button") ?? keep).focus();
  card.onkeydown = (event) => {
    if (event.key === "Escape") close();
  };
}

function element<Name extends keyof HTMLElementTagNameMap>(name: Name, words: string): HTMLElementTagNameMap[Name] {
  return Object.assign(document.createElement(name), { textContent: words });
}

/** The start of the visit when an entry was dragged by so much. */
export const draggedStart = (entry: Entry, seconds: number): string => later(entry.visit?.[0] ?? entry.start, seconds);
