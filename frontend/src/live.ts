// Times that others take fade, and times that are given back appear, within a second. The server says when something
// changed; what is free is read from a page, so there is one truth. Which page: `data-refresh`, as the address that is
// shown may be that of a refusal, or name no day.
import { fetchPage, onPage } from "./page";
import { showOwnTimesIn } from "./zones";

export interface Change {
  from: string | null;
  to: string | null;
  how: "held" | "booked" | "freed";
}

// Together the screens of a busy page should not ask at the same instant, and of what is not on their day not at once.
const SPREAD_MILLISECONDS = 250;
const OTHER_DAY_MILLISECONDS = 2500;
const RETRY_MILLISECONDS = 3000;

// Between a finger's coming down and its going up nothing may move, or the tap is lost.
let pressed = false;

/** Hear what changed since the page was read, and nothing in particular where nobody knows. The answer stops it. */
export function listen(page: HTMLElement, tell: (change?: Change) => void): () => void {
  let feed: EventSource;
  let retry: ReturnType<typeof setTimeout> | undefined;
  const open = (): void => {
    feed = new EventSource(page.dataset.live!);
    feed.addEventListener("message", (event) => tell(JSON.parse(event.data as string) as Change));
    feed.addEventListener("again", () => tell());
    feed.addEventListener("ready", () => (page.dataset.hearing = ""));
    // The browser itself comes back after a lost connection, but not after a refusal, as of a busy server.
    feed.addEventListener("error", () => {
      if (feed.readyState !== 2) return;
      retry = setTimeout(open, RETRY_MILLISECONDS * (1 + Math.random()));
    });
  };
  open();
  return () => {
    feed.close();
    clearTimeout(retry);
  };
}

export function watchTimes(): void {
  addEventListener("pointerdown", () => (pressed = true), true);
  for (const end of ["pointerup", "pointercancel"]) addEventListener(end, () => (pressed = false), true);
  onPage((page) => {
    const { live, refresh: address } = page.dataset;
    if (!live || !address) return;
    let how: Change["how"] = "booked";
    let asking: ReturnType<typeof setTimeout> | undefined;
    let due = Infinity;
    let busy = false;

    const refresh = async (): Promise<void> => {
      due = Infinity;
      if (busy) return soon();
      busy = true;
      try {
        const { html } = await fetchPage(address);
        if (pressed) soon();
        else if (page.isConnected) settlePage(page, html, how);
      } catch {
        // offline: the connection comes back with an `again`
      } finally {
        busy = false;
      }
    };
    const soon = (wait = 50): void => {
      const at = performance.now() + wait + Math.random() * (wait + SPREAD_MILLISECONDS);
      if (at > due) return;
      clearTimeout(asking);
      due = at;
      asking = setTimeout(() => void refresh(), at - performance.now());
    };
    const stop = listen(page, (change) => {
      if (change && change.how !== "freed") how = change.how;
      soon(change && !isOnDay(page, change) ? OTHER_DAY_MILLISECONDS : 50);
    });
    return () => {
      stop();
      clearTimeout(asking);
    };
  });
}

/** Whether a change touches the day that is shown; where no day is, everything counts. */
function isOnDay(page: HTMLElement, { from, to }: Change): boolean {
  const day = page.querySelector<HTMLElement>("[data-part=times]")?.dataset;
  if (!day || !from || !to) return true;
  return new Date(from) < new Date(day.until!) && new Date(day.from!) < new Date(to);
}

/** Make every part of the page what it is now; the times only those of the same day. */
function settlePage(page: HTMLElement, html: Document, how: Change["how"]): void {
  for (const shown of page.querySelectorAll<HTMLElement>("[data-part]")) {
    const fresh = html.querySelector<HTMLElement>(`[data-part=${shown.dataset.part!}]`);
    if (shown.dataset.part !== "times") {
      if (fresh) swap(shown, fresh);
    } else if (fresh && fresh.dataset.day === shown.dataset.day) {
      keepFocus(shown, () => settle(shown, fresh, how));
    }
  }
  showOwnTimesIn(page);
}

/** What stands for the same thing before and after. */
const KEYS = ["data-start", "data-day", "value", "href", "aria-label"];

/** Replace things without taking the keyboard's place away. */
export function keepFocus(shown: HTMLElement, replace: () => void): void {
  const focused = document.activeElement;
  const within = focused && focused !== shown && shown.contains(focused);
  const key = within && KEYS.map((name) => [name, focused.getAttribute(name)] as const).find(([, value]) => value);
  replace();
  if (!within || document.activeElement === focused) return;
  const again = key && shown.querySelector<HTMLElement>(`[${key[0]}="${CSS.escape(key[1]!)}"]`);
  const target = again || shown;
  if (target === shown || target.matches("span")) target.tabIndex = -1;
  target.focus({ preventScroll: true });
}

function swap(shown: HTMLElement, fresh: HTMLElement): void {
  // The visitor's own times stand in what is shown, and not in what was fetched.
  const bare = (from: HTMLElement): string => {
    const copy = from.cloneNode(true) as HTMLElement;
    for (const own of copy.querySelectorAll<HTMLElement>(".yours")) own.replaceChildren();
    return copy.textContent! + [...copy.querySelectorAll("a, button")].map((each) => each.getAttribute("href") ?? each.getAttribute("value"));
  };
  shown.hidden = fresh.hidden;
  if (bare(shown) === bare(fresh) || shown.querySelector(".working")) return;
  keepFocus(shown, () => shown.replaceChildren(...fresh.childNodes));
}

/** Make the times that are shown those that are free, without anything jumping under a finger. */
function settle(shown: HTMLElement, fresh: HTMLElement, how: Change["how"]): void {
  const free = new Map([...fresh.querySelectorAll<HTMLElement>("[data-start]")].map((slot) => [slot.dataset.start!, slot]));
  const words = shown.dataset;
  for (const slot of shown.querySelectorAll<HTMLElement>("[data-start]")) {
    const known = free.has(slot.dataset.start!);
    free.delete(slot.dataset.start!);
    if (known && slot.getAttribute("aria-disabled")) {
      slot.removeAttribute("aria-disabled");
      slot.querySelector(".why")?.remove();
      slot.classList.add("fresh");
      sayOf(slot, words.freed!);
    } else if (!known && !slot.classList.contains("working")) {
      const said = words[how] ?? words.booked!;
      if (!slot.getAttribute("aria-disabled")) {
        slot.setAttribute("aria-disabled", "true");
        slot.append(Object.assign(document.createElement("span"), { className: "why" }));
        sayOf(slot, said);
      }
      slot.querySelector(".why")!.textContent = said;
    }
  }
  // Times that were not there when the page was loaded find their place only in the page as it is now.
  if (free.size && !shown.querySelector(".working")) {
    const faded = shown.querySelectorAll<HTMLElement>("[data-start][aria-disabled]");
    shown.replaceChildren(...fresh.childNodes);
    for (const slot of faded) insert(shown, slot);
  }
}

/** A faded time stays where it was, between the others. */
function insert(shown: HTMLElement, slot: HTMLElement): void {
  const others = [...shown.querySelectorAll<HTMLElement>("[data-start]")];
  const time = (of: HTMLElement): number => Date.parse(of.dataset.start!);
  const after = others.find((other) => time(other) > time(slot));
  if (after) after.before(slot);
  else others.at(-1)?.after(slot);
}

/** Read out what became of the time on which the keyboard, or a screen reader, stands: of that alone. */
function sayOf(slot: HTMLElement, words: string): void {
  if (document.activeElement === slot) say(`${slot.firstChild!.textContent!.trim()}: ${words}`);
}

/** Heard, when nothing else is being said, and not seen. */
export function say(words: string): void {
  document.querySelector(".said")!.textContent = words;
}

/** A faded time cannot be tapped; whoever taps faster than the news is told by the server. */
export function refuseFaded(): void {
  document.addEventListener("click", (event) => {
    const slot = (event.target as Element).closest(".slot[aria-disabled=true]");
    if (slot) event.preventDefault();
  }, true);
}
