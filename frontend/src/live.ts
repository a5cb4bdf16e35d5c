// Times that others take fade, and times that are given back appear, within a second. The server says when something
// changed; what is free is read from the page itself, so there is one truth.
import { fetchPage, onPage } from "./page";

interface Change {
  from: string | null;
  to: string | null;
  how: "held" | "booked" | "freed";
}

const WORDS: Record<string, Record<string, string>> = {
  en: { held: "being booked", booked: "just taken" },
  es: { held: "se está reservando", booked: "recién ocupada" },
};
// Together the screens of a busy page should not ask at the same instant.
const SPREAD_MILLISECONDS = 250;

// Between a finger's coming down and its going up nothing may move, or the tap is lost.
let pressed = false;

export function watchTimes(): void {
  addEventListener("pointerdown", () => (pressed = true), true);
  for (const end of ["pointerup", "pointercancel"]) addEventListener(end, () => (pressed = false), true);
  onPage((page) => {
    const address = page.dataset.live;
    const shown = page.querySelector<HTMLElement>("[data-part=times]");
    if (!address || !shown) return;
    const here = location.href;
    let how: Change["how"] = "booked";
    let asking: ReturnType<typeof setTimeout> | undefined;
    let busy = false;

    const refresh = async (): Promise<void> => {
      asking = undefined;
      if (busy) return soon();
      busy = true;
      try {
        const { html } = await fetchPage(here);
        const fresh = html.querySelector<HTMLElement>("[data-part=times]");
        if (pressed) soon();
        else if (fresh && page.isConnected) settle(shown, fresh, how);
      } catch {
        // offline: the connection comes back with an `again`
      } finally {
        busy = false;
      }
    };
    const soon = (): void => {
      asking ??= setTimeout(() => void refresh(), 50 + Math.random() * SPREAD_MILLISECONDS);
    };
    const feed = new EventSource(address);
    feed.addEventListener("message", (event) => {
      const change = JSON.parse(event.data as string) as Change;
      how = change.how === "freed" ? how : change.how;
      soon();
    });
    let first = true;
    feed.addEventListener("again", () => {
      if (!first) soon();
      first = false;
    });
    return () => {
      feed.close();
      clearTimeout(asking);
    };
  });
}

/** Make the times that are shown those that are free, without anything jumping under a finger. */
function settle(shown: HTMLElement, fresh: HTMLElement, how: Change["how"]): void {
  const free = new Map([...fresh.querySelectorAll<HTMLElement>("[data-start]")].map((slot) => [slot.dataset.start!, slot]));
  const words = WORDS[document.documentElement.lang] ?? WORDS.en!;
  for (const slot of shown.querySelectorAll<HTMLElement>("[data-start]")) {
    const known = free.has(slot.dataset.start!);
    free.delete(slot.dataset.start!);
    if (known && slot.getAttribute("aria-disabled")) {
      slot.removeAttribute("aria-disabled");
      slot.querySelector(".why")?.remove();
      slot.classList.add("fresh");
    } else if (!known && !slot.classList.contains("working")) {
      if (!slot.getAttribute("aria-disabled")) {
        slot.setAttribute("aria-disabled", "true");
        slot.append(Object.assign(document.createElement("span"), { className: "why" }));
      }
      slot.querySelector(".why")!.textContent = words[how] ?? words.booked!;
    }
  }
  // Times that were not there when the page was loaded find their place only in the page as it is now.
  if (free.size && !shown.querySelector(".working")) shown.replaceChildren(...fresh.childNodes);
}

/** A faded time cannot be tapped; whoever taps faster than the news is told by the server. */
export function refuseFaded(): void {
  document.addEventListener("click", (event) => {
    const slot = (event.target as Element).closest(".slot[aria-disabled=true]");
    if (slot) event.preventDefault();
  }, true);
}
