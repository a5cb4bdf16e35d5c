// The board's empty times by keyboard: one stop of the Tab key, which arrows move over the columns and hours. What it is
// on is drawn in the grid and read out; Enter opens the same menu as a click there.
import type { Calendar } from "@event-calendar/core";
import { type Column, type Day, count, later, wall } from "./board-day";

export const CURSOR = "cursor";
const STEP_SECONDS = 15 * 60;
const HOUR_SECONDS = 3600;

export interface Cell {
  column: Column;
  start: string;
  end: string;
}

interface Grid {
  day: () => Day;
  columns: () => Column[];
  /** Where a new cursor begins: a wall-clock time of the day. */
  first: () => string;
  /** On a phone: show the next column. False at the last. */
  turn: (by: number) => boolean;
  draw: (cell: Cell | null) => void;
  say: (cell: Cell) => void;
  open: (cell: Cell, at: { x: number; y: number }) => void;
  drawn: () => HTMLElement | null;
}

export interface Cursor {
  cell: () => Cell | null;
}

export function startCursor(button: HTMLButtonElement, grid: Grid): Cursor {
  let column = "";
  let start = "";
  let seconds = 2 * STEP_SECONDS;
  let active = false;

  const cell = (): Cell | null => {
    const columns = grid.columns();
    const found = columns.find((each) => each.id === column) ?? columns[0];
    return found ? { column: found, start, end: later(start, seconds) } : null;
  };
  const edge = (hour: number): number => count(`${grid.day().date}T00:00:00`) + hour * HOUR_SECONDS * 1000;
  const put = (at: number): void => {
    const [low, high] = [edge(grid.day().hours[0]), edge(grid.day().hours[1]) - STEP_SECONDS * 1000];
    start = wall(Math.min(Math.max(at, low), high));
  };
  const show = (): void => {
    const here = cell();
    grid.draw(active ? here : null);
    if (!active || !here) return;
    grid.say(here);
    requestAnimationFrame(() => grid.drawn()?.scrollIntoView({ block: "nearest", inline: "nearest" }));
  };
  const sideways = (by: number): void => {
    const columns = grid.columns();
    const at = columns.findIndex((each) => each.id === cell()?.column.id);
    const next = columns[at + by];
    if (next) column = next.id;
    else if (grid.turn(by)) column = grid.columns()[0]!.id;
  };

  const keys: Record<string, (event: KeyboardEvent) => void> = {
    ArrowDown: (event) => (event.shiftKey ? (seconds += STEP_SECONDS) : put(count(start) + STEP_SECONDS * 1000)),
    ArrowUp: (event) => (event.shiftKey ? (seconds = Math.max(seconds - STEP_SECONDS, STEP_SECONDS)) : put(count(start) - STEP_SECONDS * 1000)),
    PageDown: () => put(count(start) + HOUR_SECONDS * 1000),
    PageUp: () => put(count(start) - HOUR_SECONDS * 1000),
    Home: () => put(edge(grid.day().hours[0])),
    End: () => put(edge(grid.day().hours[1])),
    ArrowLeft: () => sideways(-1),
    ArrowRight: () => sideways(1),
  };
  button.hidden = false;
  button.addEventListener("focus", () => {
    active = true;
    if (start.slice(0, 10) !== grid.day().date) start = grid.first();
    put(count(start));
    show();
  });
  button.addEventListener("blur", () => {
    active = false;
    show();
  });
  button.addEventListener("keydown", (event) => {
    if (event.ctrlKey || event.metaKey || event.altKey || !keys[event.key]) return;
    keys[event.key]!(event);
    event.preventDefault();
    show();
  });
  button.addEventListener("click", () => {
    const here = cell();
    const box = grid.drawn()?.getBoundingClientRect();
    if (here) grid.open(here, { x: box ? box.left + 12 : innerWidth / 2, y: box ? box.bottom : innerHeight / 2 });
  });
  return { cell: () => (active ? cell() : null) };
}

/** The cell as the calendar draws it. */
export const cursorEvent = (cell: Cell): Calendar.EventInput => ({
  id: CURSOR,
  start: cell.start,
  end: cell.end,
  resourceIds: [cell.column.id],
  display: "background",
  classNames: [CURSOR],
});
