// Keys of the desk: b books, g and a letter goes somewhere, / and Ctrl/⌘-K open the palette, ? lists them. Never while
// somebody types, and never with other modifiers, so that the browser's and the screen reader's keys stay theirs.
import { atHand, singleKeys } from "./here";
import { openPalette } from "./palette";
import { openPanel } from "./panel";

const PLACES: Record<string, string> = {
  d: "/desk/day",
  c: "/desk/clients",
  w: "/desk/waitlist",
  i: "/desk/inbox",
  m: "/desk/messages",
};
const SECOND_KEY_MILLISECONDS = 1500;

const typing = (target: EventTarget | null): boolean =>
  target instanceof HTMLElement && (target.isContentEditable || /^(INPUT|TEXTAREA|SELECT)$/.test(target.tagName) || Boolean(target.closest("[role=menu]")));

const may = (url: string): boolean => document.querySelector(`.rail a[href="${url}"]`) !== null;

export function startShortcuts(): void {
  let going = 0;
  document.addEventListener("keydown", (event) => {
    if (event.defaultPrevented || event.isComposing) return;
    if ((event.ctrlKey || event.metaKey) && !event.shiftKey && !event.altKey && event.key.toLowerCase() === "k") {
      event.preventDefault();
      return void openPalette();
    }
    if (event.ctrlKey || event.metaKey || event.altKey || typing(event.target) || !singleKeys() || document.querySelector("#palette[open]")) return;
    const place = PLACES[event.key];
    if (going && event.timeStamp - going < SECOND_KEY_MILLISECONDS && place) {
      going = 0;
      event.preventDefault();
      if (may(place)) location.href = place;
      return;
    }
    going = event.key === "g" ? event.timeStamp : 0;
    if (event.key === "/") void openPalette();
    else if (event.key === "?") void openPalette(true);
    else if (event.key === "b" && may("/desk/waitlist")) void openPanel(atHand("/desk/book"));
    else return;
    event.preventDefault();
  });
}
