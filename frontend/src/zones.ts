// The visitor's own clock beside the location's, when the two differ.
import { onPage } from "./page";

export function showOwnTimes(): void {
  onPage((page) => {
    const own = Intl.DateTimeFormat().resolvedOptions().timeZone;
    for (const place of page.querySelectorAll<HTMLElement>(".yours[data-at]")) {
      const at = new Date(place.dataset.at!);
      const read = (timeZone: string): string =>
        new Intl.DateTimeFormat(document.documentElement.dataset.locale, { weekday: "short", hour: "numeric", minute: "2-digit", timeZone }).format(at);
      if (read(own) !== read(place.dataset.zone!)) {
        place.textContent = place.dataset.words!.replace("{time}", read(own));
        place.hidden = false;
      }
    }
  });
}
