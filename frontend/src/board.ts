// The day board: the page's own reading of the day, drawn as columns, kept up to date, and changed by hand.
import { type Calendar, Interaction, ResourceTimeGrid, createCalendar } from "@event-calendar/core";
import { CURSOR, type Cell, cursorEvent, startCursor } from "./board-cursor";
import { type Day, type Entry, type Words, count, dayOf, eventOf, fill, groundOf, later, left, now, setClock, spanOf, wall, wallNow } from "./board-day";
import { contentOf, headline } from "./board-entry";
import { startKeys } from "./board-keys";
import { type Change, follow } from "./board-live";
import { type Choice, menuIsOpen, openMenu } from "./board-menu";
import { changeBlock, draggedStart, moveVisit } from "./board-move";
import { openPanel } from "./panel";

const KINDS = ["provider", "room", "device", "all"];
const NARROW = matchMedia("(max-width: 47.99rem)");
const DEFAULT_SPAN_SECONDS = 30 * 60;

function draw(root: HTMLElement): void {
  const words = JSON.parse(root.dataset.words!) as Words;
  const place = new URL(root.dataset.live!, location.href).searchParams.get("location")!;
  const may = { book: Boolean(root.dataset.mayBook), block: Boolean(root.dataset.mayBlock), why: Boolean(root.dataset.mayWhy) };
  let day = JSON.parse(root.dataset.day!) as Day;
  setClock(day.as_of);
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
    ...hoursOf(day),
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
    resourceLabelContent: ({ resource }) => ({ domNodes: [labelOf(String(resource.id))] }),
    events: allEvents() as Calendar.Event[],
    eventContent: ({ event }) => {
      const entry = event.extendedProps.entry as Entry | undefined;
      return entry ? { domNodes: [contentOf(entry, column(entry.column)?.name ?? "", words)] } : undefined;
    },
    eventClick: ({ event, jsEvent }) => {
      // By Enter: the rest of that key would press the button that has the focus next, which closes the panel.
      jsEvent.preventDefault();
      const entry = event.extendedProps.entry as Entry | undefined;
      if (entry?.kind === "visit") void openPanel(`/desk/appointments/${entry.id}`);
      if (entry?.kind === "block") void openPanel(`/desk/blocks/${entry.id}`);
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
    token: root.dataset.token!,
    location: place,
    column,
    entry: (key: string) => entries.get(key),
    pending: (key: string, isWaiting: boolean) => {
      isWaiting ? waiting.add(key) : waiting.delete(key);
      // While it waits it stays where it was dropped; afterwards it is where the record has it.
      if (!isWaiting) show(key);
      else element(key)?.classList.add("pending");
    },
    focus: (key: string) => element(key)?.focus(),
  };

  const element = (key: string): HTMLElement | null | undefined => root.querySelector(`[data-key="${CSS.escape(key)}"]`)?.closest<HTMLElement>(".ec-event");

  const asking = (path: string, query: Record<string, string>): Choice["act"] => () => void openPanel(`${path}?${new URLSearchParams({ location: place, ...query })}`);

  /** What can be done with an empty span of a column. */
  function choicesAt(start: string, end: string, resource: string): Choice[] {
    const from = { start: start.slice(0, 16), resource };
    const span = { ...from, end: end.slice(0, 16) };
    return [
      ...(may.book ? [{ label: words.book!, act: asking("/desk/book", from) }] : []),
      ...(may.block ? [{ label: words.close!, act: asking("/desk/blocks/new", span) }, { label: words.out!, act: asking("/desk/dropout", from) }] : []),
      ...(may.why ? [{ label: words.why!, act: asking("/desk/why", from) }] : []),
    ];
  }

  function menu(start: string, end: string, id: string, at: { clientX: number; clientY: number }): void {
    const found = column(id);
    const choices = choicesAt(start.slice(0, 19), end.slice(0, 19), id);
    if (found && choices.length) openMenu(fill(words.span!, { name: found.name, time: spanOf(start, end) }), choices, { x: at.clientX, y: at.clientY }, () => calendar.unselect());
    else calendar.unselect();
  }

  /** The head of a column: its name, which opens what can be begun for it on this day. */
  function labelOf(id: string): HTMLElement {
    const found = column(id);
    const label = Object.assign(document.createElement("button"), { type: "button", className: "col-name", textContent: found?.name ?? "" });
    label.setAttribute("aria-haspopup", "menu");
    label.addEventListener("click", () => {
      const box = label.getBoundingClientRect();
      const from = { start: day.date, resource: id };
      const choices: Choice[] = [
        ...(may.book ? [{ label: words.bookFirst!, act: asking("/desk/book", from) }] : []),
        ...(may.block ? [{ label: words.closeTime!, act: asking("/desk/blocks/new", from) }, { label: words.out!, act: asking("/desk/dropout", from) }] : []),
      ];
      if (choices.length) openMenu(label.textContent, choices, { x: box.left, y: box.bottom + 4 });
    });
    return label;
  }

  /** What stands in a cell, whatever it is; a closed cell has nothing. */
  const standingIn = (cell: Cell): Entry[] => [...entries.values()].filter((each) => each.column === cell.column.id && each.start < cell.end && cell.start < each.end);

  const cursor = startCursor(document.querySelector<HTMLButtonElement>(".cell-cursor")!, {
    day: () => day,
    columns: shownColumns,
    first: () => (wallNow(day).slice(0, 10) === day.date ? quarter(wallNow(day)) : (shownColumns()[0]?.open[0]?.[0] ?? `${day.date}T09:00:00`)),
    turn,
    draw: (cell) => {
      if (!cell) calendar.removeEventById(CURSOR);
      else if (calendar.getEventById(CURSOR)) calendar.updateEvent(cursorEvent(cell));
      else calendar.addEvent(cursorEvent(cell));
    },
    say: (cell) => {
      const there = standingIn(cell).map((each) => headline(each, words));
      document.querySelector(".cell-said")!.textContent = [fill(words.span!, { name: cell.column.name, time: spanOf(cell.start, cell.end) }), ...there].join(", ");
    },
    open: (cell, at) => {
      const opened = standingIn(cell).flatMap((each): Choice[] => {
        const address = { visit: `/desk/appointments/${each.id}`, block: `/desk/blocks/${each.id}`, hold: "", busy: "" }[each.kind];
        return address ? [{ label: fill(words.open!, { name: headline(each, words) }), act: () => void openPanel(address) }] : [];
      });
      openMenu(fill(words.span!, { name: cell.column.name, time: spanOf(cell.start, cell.end) }), [...opened, ...choicesAt(cell.start, cell.end, cell.column.id)], at);
    },
    drawn: () => root.querySelector<HTMLElement>(`.ec-bg-event.${CURSOR}`),
  });

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
    setClock(day.as_of);
    // What was booked outside the hours that are shown widens them.
    for (const [name, hour] of Object.entries(hoursOf(day))) calendar.setOption(name as "slotMinTime", hour);
    calendar.setOption("resources", resources());
    const cell = cursor.cell();
    calendar.setOption("events", [...allEvents(), ...(cell ? [cursorEvent(cell)] : [])] as Calendar.Event[]);
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
    turn(x < 0 ? 1 : -1);
  });
  function turn(by: number): boolean {
    const next = alone + by;
    if (!NARROW.matches || next < 0 || next >= ofKind().length) return false;
    alone = next;
    showColumns();
    return true;
  }
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
  startKeys((number) => document.querySelector(".kinds") && showKind(KINDS[number - 1]!));

  setInterval(() => {
    for (const clock of root.querySelectorAll<HTMLElement>("[data-expires]")) clock.textContent = left(clock.dataset.expires!);
    for (const entry of entries.values()) {
      // Not an event of the record yet, but nobody can have it any more.
      if (entry.expires && Date.parse(entry.expires) < now() - 1000) {
        entries.delete(entry.key);
        show(entry.key);
      }
    }
    if (!dragging && changedMeanwhile.size) {
      const keys = [...changedMeanwhile];
      changedMeanwhile.clear();
      keys.forEach(show);
    }
    const date = wallNow(day).slice(0, 10);
    if (date !== today) turnDay(date);
  }, 1000);

  // A screen that shows today shows the next day after midnight; whoever is at something is only told.
  let today = wallNow(day).slice(0, 10);
  function turnDay(date: string): void {
    const shown = day.date === today;
    today = date;
    if (!shown) return;
    const busy = dragging || menuIsOpen() || document.querySelector("dialog[open], .moving:not([hidden])");
    if (!busy && !new URL(location.href).searchParams.has("date")) return location.reload();
    say(fill(words.turned!, { day: dayOf(date) }), false);
    const link = Object.assign(document.createElement("a"), { href: `/desk/day?${new URLSearchParams({ location: place, by })}`, textContent: words.turn });
    bar.append(" ", link);
  }

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
  const shown = wallNow(day);
  const first = wall(count(`${day.date}T00:00:00`) + day.hours[0] * 3_600_000);
  return (shown.slice(0, 10) === day.date && shown > first ? later(shown, -3600) : first).slice(11, 16);
}

const hoursOf = (day: Day): { slotMinTime: string; slotMaxTime: string } => ({ slotMinTime: `${day.hours[0]}:00`, slotMaxTime: `${day.hours[1]}:00` });

for (const field of document.querySelectorAll<HTMLInputElement>("[data-send]")) field.addEventListener("change", () => field.form?.requestSubmit());
const root = document.getElementById("board");
if (root) draw(root);
