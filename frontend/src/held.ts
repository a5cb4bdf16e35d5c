// The held time: a quiet countdown, a fresh term once while they type, given back when they go elsewhere.
import { keepFocus, listen, say } from "./live";
import { go, onPage } from "./page";
import { showOwnTimesIn } from "./zones";

const SOON_SECONDS = 60;

export function keepHold(): void {
  onPage((page) => {
    const ticket = page.querySelector<HTMLElement>("[data-hold]");
    if (!ticket) return;
    const url = ticket.dataset.hold!;
    const token = page.querySelector<HTMLInputElement>("input[name=form_token]")!.value;
    const words = ticket.querySelector<HTMLElement>(".countdown-words")!;
    const bar = ticket.querySelector<HTMLElement>(".countdown-bar")!;
    const all = Number(ticket.dataset.all);
    let until = performance.now() + Number(ticket.dataset.seconds) * 1000;
    let extended = false;
    let settled = false;

    const details = page.querySelector("[data-details]");

    const form = (): FormData => {
      const data = new FormData();
      data.set("form_token", token);
      return data;
    };
    const ask = async (what: "extend" | "return"): Promise<void> => {
      const response = await fetch(`${url}/${what}`, { method: "POST", body: form() }).catch(() => null);
      const told = response?.ok ? ((await response.json().catch(() => null)) as { seconds: number; booked?: boolean } | null) : null;
      // Without an answer (the page is being left, the network is away) what is known holds.
      if (!told || !page.isConnected) return;
      if (told.booked) {
        settled = true;
        return go(url, undefined, "stay");
      }
      until = performance.now() + told.seconds * 1000;
      show();
    };
    // Once it is over it may be anybody's: then this is said here, at once, and what was typed stays.
    let stop: (() => void) | undefined;
    let looked = 0;
    const lookWhetherLost = async (): Promise<void> => {
      const turn = ++looked;
      const response = await fetch(`${url}/lost`).catch(() => null);
      const text = await response?.text().catch(() => null);
      // An answer to an earlier question may be older than what was told since.
      if (!response || text == null || turn !== looked || !page.isConnected || page.querySelector(".working")) return;
      if (response.redirected) return go(url, undefined, "stay");
      const html = new DOMParser().parseFromString(text, "text/html");
      if (response.status === 204 || response.status === 409) showLost(page, html.querySelector(".lost"), response.status === 409);
    };
    const over = (): void => {
      stop ??= listen(page, () => void lookWhetherLost());
      void lookWhetherLost();
    };
    const show = (): void => {
      const left = Math.max(0, Math.ceil((until - performance.now()) / 1000));
      if (!left && !stop && details) over();
      words.textContent = left
        ? words.dataset.words!.replace("{left}", `${Math.floor(left / 60)}:${String(left % 60).padStart(2, "0")}`)
        : words.dataset.over!;
      bar.style.setProperty("scale", `${Math.min(1, left / all)} 1`);
      bar.closest(".countdown")!.classList.toggle("soon", left <= SOON_SECONDS);
      // Read out when it begins and near its end, not every second.
      ticket.querySelector(".countdown")!.setAttribute("aria-live", left === SOON_SECONDS ? "polite" : "off");
    };
    const typing = (): void => {
      if (!extended && until - performance.now() < (all * 1000) / 2) {
        extended = true;
        void ask("extend");
      }
    };
    const submitted = (): void => void (settled = true);
    // Going on with what is held is no farewell.
    const goingOn = (event: Event): void => {
      if ((event.target as Element).closest("a")?.getAttribute("href")?.startsWith(url)) settled = true;
    };
    const leaving = (): void => void (settled || navigator.sendBeacon(`${url}/leave`, form()));
    const shown = (event: PageTransitionEvent): void => void (event.persisted && ask("return"));

    details?.addEventListener("input", typing);
    document.addEventListener("submit", submitted, true);
    document.addEventListener("click", goingOn, true);
    addEventListener("pagehide", leaving);
    addEventListener("pageshow", shown);
    const clock = setInterval(show, 1000);
    show();
    // Loaded again: the beacon of the page before may still be on its way, so ask once more after it must have come.
    const [entry] = performance.getEntriesByType("navigation") as PerformanceNavigationTiming[];
    let later: ReturnType<typeof setTimeout> | undefined;
    if (entry && entry.type !== "navigate" && location.pathname === new URL(entry.name).pathname) {
      void ask("return");
      later = setTimeout(() => void ask("return"), 2500);
    }

    return () => {
      stop?.();
      clearInterval(clock);
      clearTimeout(later);
      document.removeEventListener("submit", submitted, true);
      document.removeEventListener("click", goingOn, true);
      removeEventListener("pagehide", leaving);
      removeEventListener("pageshow", shown);
      // Elsewhere on the site without booking: somebody else may have it.
      if (!settled) return fetch(`${url}/release`, { method: "POST", body: form(), keepalive: true, redirect: "manual" });
    };
  });
}

/** Say that the time was taken, with what is near; or take it back when it is free again. */
function showLost(page: HTMLElement, card: HTMLElement | null, lost: boolean): void {
  const heading = page.querySelector<HTMLElement>("h1[data-lost]")!;
  heading.dataset.kept ??= heading.textContent!;
  heading.textContent = lost ? heading.dataset.lost! : heading.dataset.kept;
  page.querySelector(".ticket")!.classList.toggle("over", lost);
  page.querySelector<HTMLElement>(".countdown")!.hidden = lost;
  const place = page.querySelector<HTMLElement>(".lost-place")!;
  const said = (of: Element | null): string => of?.textContent?.replace(/\s+/g, " ") ?? "";
  if (place.dataset.said === said(card) && place.dataset.lost === String(lost)) return;
  if (lost && place.dataset.lost !== "true") say(heading.textContent);
  Object.assign(place.dataset, { said: said(card), lost });
  keepFocus(place, () => place.replaceChildren(...(card ? [card] : [])));
  showOwnTimesIn(place);
}
