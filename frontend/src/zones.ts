// The visitor's own clock beside the location's, when the two differ at that moment.
import { onPage } from "./page";

const OWN = Intl.DateTimeFormat().resolvedOptions().timeZone;

export function showOwnTimes(): void {
  onPage((page) => showOwnTimesIn(page));
}

/** Write them wherever they are not yet. */
export function showOwnTimesIn(page: HTMLElement): void {
  for (const place of page.querySelectorAll<HTMLElement>(".yours[data-at][hidden]")) {
    const own = ownTime(place.dataset.at!, place.dataset.zone!);
    if (!own) continue;
    place.textContent = place.dataset.words!.replace("{time}", own);
    place.hidden = false;
  }
  // Two hundred times of a day need not carry the same words each.
  for (const times of page.querySelectorAll<HTMLElement>("[data-part=times]")) {
    for (const slot of times.querySelectorAll<HTMLElement>(".slot[data-start]:not(:has(.own))")) {
      const own = ownTime(slot.dataset.start!, times.dataset.zone!);
      if (!own) continue;
      const shown = Object.assign(document.createElement("span"), { className: "own", textContent: own });
      shown.append(Object.assign(document.createElement("span"), { className: "unseen", textContent: ` ${times.dataset.own!}` }));
      slot.firstChild!.after(shown);
      times.querySelector<HTMLElement>(".own-note")!.hidden = false;
    }
  }
}

/** The time there as their own clock shows it, with the weekday where that is another; nothing where it is the same. */
function ownTime(instant: string, zone: string): string {
  const at = new Date(instant);
  const read = (timeZone: string, weekday?: "short"): string =>
    new Intl.DateTimeFormat(document.documentElement.dataset.locale, { weekday, hour: "numeric", minute: "2-digit", timeZone }).format(at);
  const day = (timeZone: string): string => new Intl.DateTimeFormat("en", { weekday: "short", timeZone }).format(at);
  if (day(OWN) !== day(zone)) return read(OWN, "short");
  return read(OWN) === read(zone) ? "" : read(OWN);
}
