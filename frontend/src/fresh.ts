// Pages that keep themselves up to date: the part marked `data-part=fresh` is read anew when the server says that
// something changed (`data-live` on #page), and when something was changed in the panel beside it. And the number of
// collisions that wait, in the rail.
import { fetchPage, UNATTENDED } from "./page";
import { CHANGED } from "./panel";

const SPREAD_MILLISECONDS = 250;
const COUNT_MILLISECONDS = 30_000;

const part = (root: ParentNode): HTMLElement | null => root.querySelector("[data-part=fresh]");
const typing = (root: HTMLElement): boolean => root.contains(document.activeElement) && /^(INPUT|TEXTAREA|SELECT)$/.test(document.activeElement!.tagName);

export function keepFresh(): void {
  countCollisions();
  const page = document.getElementById("page");
  if (!page || !part(page)) return;
  let asking: ReturnType<typeof setTimeout> | undefined;
  let busy = false;
  let anew = false;
  const soon = (): void => {
    asking ??= setTimeout(() => void refresh(), 50 + Math.random() * SPREAD_MILLISECONDS);
  };
  const refresh = async (): Promise<void> => {
    asking = undefined;
    // One after the other: an answer that is overtaken would show again what was before.
    if (busy) return void (anew = true);
    const shown = part(page)!;
    // Nothing goes away under somebody's hands: it is read when they are done.
    if (typing(shown) || shown.querySelector("details[open]")) return void (asking = setTimeout(() => void refresh(), 1000));
    const search = page.querySelector<HTMLFormElement>("form[data-search]");
    busy = true;
    const answer = await fetchPage(search?.action ?? location.href, search ? new FormData(search) : undefined, UNATTENDED).catch(() => null);
    busy = false;
    if (anew) soon();
    anew = false;
    const fresh = answer && part(answer.html);
    // offline, or signed out: the next change, or the next click, finds out
    if (fresh && !typing(shown) && fresh.innerHTML !== shown.innerHTML) settle(shown, fresh);
  };
  addEventListener(CHANGED, soon);
  if (!page.dataset.live) return;
  const feed = new EventSource(page.dataset.live);
  feed.addEventListener("message", (event) => {
    soon();
    if (event.data === "collision") void readCount();
  });
  feed.addEventListener("again", soon);
}

/** What was typed stays, and so does the focus where the same thing is there again. */
function settle(shown: HTMLElement, fresh: HTMLElement): void {
  const fields = "input:not([type=hidden]):not([type=checkbox]), textarea";
  const typed = new Map([...shown.querySelectorAll<HTMLInputElement>(fields)].map((field) => [field.id, field.value]));
  const link = shown.contains(document.activeElement) ? document.activeElement?.getAttribute("href") : null;
  shown.replaceChildren(...fresh.childNodes);
  for (const field of shown.querySelectorAll<HTMLInputElement>(fields)) field.value = typed.get(field.id) || field.value;
  if (link) shown.querySelector<HTMLElement>(`a[href="${CSS.escape(link)}"]`)?.focus();
}

let counted = 0;
async function readCount(): Promise<void> {
  const badge = document.querySelector<HTMLElement>("[data-inbox]");
  if (!badge) return;
  const turn = ++counted;
  const answer = await fetch("/desk/to-decide", { redirect: "error" }).catch(() => null);
  const told = answer?.ok ? ((await answer.json().catch(() => null)) as { count: number } | null) : null;
  if (!told || turn !== counted) return;
  const count = String(told.count);
  if (badge.dataset.inbox === count) return;
  badge.dataset.inbox = count;
  badge.hidden = count === "0";
  badge.querySelector("[aria-hidden]")!.textContent = count;
  badge.querySelector(".unseen")!.textContent = badge.dataset.words!.replace("{count}", count);
}

function countCollisions(): void {
  const look = (): void => void (document.visibilityState === "visible" && readCount());
  setInterval(look, COUNT_MILLISECONDS);
  document.addEventListener("visibilitychange", look);
  addEventListener(CHANGED, look);
}
