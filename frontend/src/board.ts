// The day board: the page's own reading of the day, drawn as columns, kept up to date, and changed by hand.
import { type Calendar, Interaction, ResourceTimeGrid, createCalendar } from "@event-calendar/core";
import { type Day, type Entry, type Words, count, eventOf, groundOf, later, left, wall } from "./board-day";
import { contentOf } from "./board-entry";
import { startKeys } from "./board-keys";
import { type Change, follow } from "./board-live";
import { openMenu } from "./board-menu";
import { changeBlock, draggedStart, moveVisit } from "./board-move";
import { openPanel } from "./panel";

const KINDS = ["provider", "room", "device", "all"];
const NARROW = matchMedia("(max-width: 47.99rem)");
const DEFAULT_SPAN_SECONDS = 30 * 60;

function draw(root: HTMLElement): void {
  const words = JSON.parse(root.dataset.words!) as Words;
  const place = new URL(root.dataset.live!, location.href).searchParams.get("location")!;
  const may = { book: Boolean(root.dataset.mayBook), block: Boolean(root.dataset.mayBlock) };
  let day = JSON.parse(root.dataset.day!) as Day;
  let by = root.dataset.by!;
  let entries = new Map(day.entries.map((entry) => [entry.key, entry]));
  let alone = 0; // which column a phone shows
  let dragging = false;
  const waiting = new Set<string>();
  const changedMeanwhile = new Set<string>();

  const movable = (entry: Entry): boolean => (entry.kind === "visit" ? may.book && entry.state === "confirmed" : entry.kind === "block" && may.block);
  const eventFor = (entry: Entry): Calendar.EventInput => eventOf(entry, movable(entry) && !waiting.has(entry.key), waiting.has(entry.key));
  const column = (id: string) => day.columns.find((each) => each.id === id);
  const ofKind = () => day.columns.filter((each) => by === "all" || each.kind === by);
  const shownColumns = () => (NARROW.matches ? ofKind().slice(alone, alone + 1) : ofKind());
  const resources = (): Calendar.ResourceInput[] => shownColumns().map((each) => ({ id: each.id, title: each.name, extendedProps: { kind: each.kind } }));
  const allEvents = (): Calendar.EventInput[] => [...day.columns.flatMap((each) => groundOf(each, day.date, words)), ...[...entries.values()].map(eventFor)];
  const secondsOf = (duration: Calendar.Duration): number => duration.days * 86400 + duration.seconds;

  const calendar = createCalendar(root, [ResourceTimeGrid, Interaction], {
    view: "resourceTimeGridDay",
    date: day.date,
    locale: root.dataset.lang,
    timeZone: day.offset,
    height: "100%",
    headerToolbar: { start: "", center: "", end: "" },
    allDaySlot: false,
    slotMinTime: `${day.hours[0]}:00`,
    slotMaxTime: `${day.hours[1]}:00`,
    slotDuration: "00:15",
    slotLabelInterval: "01:00",
    snapDuration: "00:05",
    slotHeight: 19,
    slotLabelFormat: { hour: "numeric" },
    columnWidth: "minmax(8.5rem, 1fr)",
    slotEventOverlap: false,
    scrollTime: scrollTime(day),
    nowIndicator: true,
    filterEventsWithResources: true,
    resources: resources(),
    events: allEvents() as Calendar.Event[],
    eventContent: ({ event }) => {
      const entry = event.extendedProps.entry as Entry | undefined;
      return entry ? { domNodes: [contentOf(entry, column(entry.column)?.name ?? "", words)] } : undefined;
    },
    eventClick: ({ event }) => {
      const entry = event.extendedProps.entry as Entry | undefined;
      if (entry?.kind === "visit") void openPanel(`/desk/appointments/${entry.id}`);
      if (entry?.kind === "block") void openPanel(`/desk/blocks/${entry.id}`);
      if (entry?.offer) void openPanel(`/desk/waitlist/offers/${entry.offer}`);
    },
    longPressDelay: 400,
    selectable: true,
    unselectAuto: false,
    select: ({ startStr, endStr, resource, jsEvent }) => menu(startStr, endStr, resource.id, jsEvent as PointerEvent),
    dateClick: ({ dateStr, resource, jsEvent }) => {
      const start = quarter(dateStr);
      if (resource) menu(start, later(start, DEFAULT_SPAN_SECONDS), resource.id, jsEvent as PointerEvent);
    },
    eventDragStart: () => void (dragging = true),
    eventDragStop: () => void (dragging = false),
    eventResizeStart: () => void (dragging = true),
    eventResizeStop: () => void (dragging = false),
    // A visit's injector cannot become a room.
    dragConstraint: ({ event, newResource }) => {
      const entry = event.extendedProps.entry as Entry;
      return !newResource || column(entry.column)?.kind === newResource.extendedProps.kind;
    },
    eventDrop: ({ event, delta, newResource }) => {
      const entry = entries.get(String(event.id));
      if (!entry) return;
      const to = newResource?.id ?? entry.column;
      const seconds = secondsOf(delta);
      if (entry.kind === "visit") void moveVisit(board, entry, draggedStart(entry, seconds), to);
      else void changeBlock(board, entry, later(entry.start, seconds), later(entry.end, seconds), to);
    },
    eventResize: ({ event, endDelta }) => {
      const entry = entries.get(String(event.id));
      if (entry) void changeBlock(board, entry, entry.start, later(entry.end, secondsOf(endDelta)), entry.column);
    },
  });

  const board = {
    words,
    get token() {
      return root.dataset.token!; // another one after signing in again
    },
    location: place,
    column,
    entry: (key: string) => entries.get(key),
    pending: (key: string, isWaiting: boolean) => {
      isWaiting ? waiting.add(key) : waiting.delete(key);
      // While it waits it stays where it was dropped; afterwards it is where the record has it.
      if (!isWaiting) show(key);
      else element(key)?.classList.add("pending");
    },
  };

  const element = (key: string): HTMLElement | null | undefined => root.querySelector(`[data-key="${CSS.escape(key)}"]`)?.closest<HTMLElement>(".ec-event");

  function menu(start: string, end: string, id: string, at: { clientX: number; clientY: number }): void {
    const found = column(id);
    if (found) openMenu({ start: start.slice(0, 19), end: end.slice(0, 19), column: found }, { x: at.clientX, y: at.clientY }, place, may, words, () => calendar.unselect());
  }

  /** Make the calendar show an entry as it is now: only this one is drawn anew. */
  function show(key: string): void {
    if (waiting.has(key)) return;
    if (dragging) {
      changedMeanwhile.add(key);
      return;
    }
    const entry = entries.get(key);
    if (!entry) calendar.removeEventById(key);
    else if (calendar.getEventById(key)) calendar.updateEvent(eventFor(entry));
    else calendar.addEvent(eventFor(entry));
  }

  function glow(keys: string[]): void {
    requestAnimationFrame(() => {
      for (const key of keys) element(key)?.animate([{ boxShadow: "0 0 0 3px var(--accent-text)" }, { boxShadow: "0 0 0 3px transparent" }], 1200);
    });
  }

  function change({ put, drop }: Change): void {
    for (const key of drop) entries.delete(key);
    for (const entry of put) entries.set(entry.key, entry);
    for (const key of [...drop, ...put.map((entry) => entry.key)]) show(key);
    glow(put.map((entry) => entry.key));
  }

  function showDay(fresh: Day): void {
    day = fresh;
    entries = new Map(day.entries.map((entry) => [entry.key, entry]));
    calendar.setOption("resources", resources());
    calendar.setOption("events", allEvents() as Calendar.Event[]);
    requestAnimationFrame(() => plain(root));
    listColumns();
  }

  function showKind(kind: string): void {
    by = kind;
    alone = 0;
    for (const link of document.querySelectorAll<HTMLElement>(".kinds a")) {
      link.toggleAttribute("aria-current", link.dataset.by === kind);
      if (link.dataset.by === kind) link.setAttribute("aria-current", "true");
    }
    const here = new URL(location.href);
    here.searchParams.set("by", kind);
    history.replaceState(null, "", here);
    for (const link of document.querySelectorAll<HTMLAnchorElement>(".when a")) {
      const to = new URL(link.href);
      to.searchParams.set("by", kind);
      link.href = to.href;
    }
    const field = document.querySelector<HTMLInputElement>(".where [name=by]");
    if (field) field.value = kind;
    showColumns();
  }

  function showColumns(): void {
    calendar.setOption("resources", resources());
    requestAnimationFrame(() => plain(root));
    listColumns();
  }

  // A phone shows one column at a time; which one is chosen by name, or by a swipe.
  const picker = Object.assign(document.createElement("select"), { className: "column-picker no-print" });
  picker.setAttribute("aria-label", document.querySelector(".kinds")?.getAttribute("aria-label") ?? "");
  root.before(picker);
  picker.addEventListener("change", () => {
    alone = picker.selectedIndex;
    showColumns();
  });
  function listColumns(): void {
    picker.replaceChildren(...ofKind().map((each) => new Option(each.name)));
    picker.selectedIndex = alone;
  }
  let touched: { x: number; y: number } | null = null;
  root.addEventListener("touchstart", (event) => void (touched = event.touches[0] ? { x: event.touches[0].clientX, y: event.touches[0].clientY } : null), { passive: true });
  root.addEventListener("touchend", (event) => {
    const end = event.changedTouches[0];
    if (!NARROW.matches || !touched || !end || dragging) return;
    const [x, y] = [end.clientX - touched.x, end.clientY - touched.y];
    if (Math.abs(x) < 60 || Math.abs(x) < 2 * Math.abs(y)) return;
    alone = Math.min(Math.max(alone + (x < 0 ? 1 : -1), 0), ofKind().length - 1);
    showColumns();
  });
  NARROW.addEventListener("change", showColumns);

  root.addEventListener("contextmenu", (event) => {
    const point = calendar.dateFromPoint(event.clientX, event.clientY);
    if (!point?.resource || (event.target as Element).closest(".ec-event")) return;
    event.preventDefault();
    const start = quarter(wall(point.date.getTime() - point.date.getTimezoneOffset() * 60_000));
    menu(start, later(start, DEFAULT_SPAN_SECONDS), point.resource.id, event);
  });
  for (const link of document.querySelectorAll<HTMLElement>(".kinds a")) {
    link.addEventListener("click", (event) => {
      event.preventDefault();
      showKind(link.dataset.by!);
    });
  }
  startKeys({
    kind: (number) => document.querySelector(".kinds") && showKind(KINDS[number - 1]!),
    book: () => may.book && void openPanel(`/desk/book?location=${place}&start=${day.date}`),
  });

  setInterval(() => {
    for (const clock of root.querySelectorAll<HTMLElement>("[data-expires]")) clock.textContent = left(clock.dataset.expires!);
    for (const entry of entries.values()) {
      // Not an event of the record yet, but nobody can have it any more.
      if (entry.expires && Date.parse(entry.expires) < Date.now() - 1000) {
        entries.delete(entry.key);
        show(entry.key);
      }
    }
    if (!dragging && changedMeanwhile.size) {
      const keys = [...changedMeanwhile];
      changedMeanwhile.clear();
      keys.forEach(show);
    }
  }, 1000);

  const bar = document.querySelector<HTMLElement>(".live-bar")!;
  const say = (text: string, isLost: boolean): void => {
    bar.textContent = text;
    bar.hidden = false;
    bar.classList.toggle("lost", isLost);
    root.classList.toggle("stale", isLost);
  };
  follow(root.dataset.live!, day.version, {
    day: showDay,
    change,
    lost: () => say(words.lost!, true),
    ended: () => say(words.ended!, true),
    back: () => {
      say(words.back!, false);
      setTimeout(() => void (bar.hidden = bar.classList.contains("lost") ? false : true), 4000);
    },
  });
  showColumns();
  root.classList.add("drawn");
}

/** A click means the quarter of an hour that it is in; only a drag is to the minute. */
const quarter = (at: string): string => wall(Math.floor(count(at) / 900_000) * 900_000);

/** The calendar calls itself a table, but its rows hold no cells: that promises a reader what is not there. */
function plain(root: HTMLElement): void {
  for (const part of root.querySelectorAll("[role=table], [role=row], [role=rowgroup], [role=columnheader], [role=cell]")) {
    part.removeAttribute("role");
    for (const name of ["aria-colindex", "aria-colspan", "aria-rowindex"]) part.removeAttribute(name);
  }
}

function scrollTime(day: Day): string {
  const now = wall(Date.now() + Number(`${day.offset[0]}1`) * (Number(day.offset.slice(1, 3)) * 60 + Number(day.offset.slice(4, 6))) * 60_000);
  const today = now.slice(0, 10) === day.date;
  const first = wall(count(`${day.date}T00:00:00`) + day.hours[0] * 3_600_000);
  return (today && now > first ? later(now, -3600) : first).slice(11, 16);
}

for (const field of document.querySelectorAll<HTMLInputElement>("[data-send]")) field.addEventListener("change", () => field.form?.requestSubmit());
const root = document.getElementById("board");
if (root) draw(root);
