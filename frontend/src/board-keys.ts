// The board by keyboard: days, columns, and moving without a mouse. Booking is a key of every page of the desk.
import { singleKeys } from "./here";
import { openPanel } from "./panel";

const typing = (target: EventTarget | null): boolean =>
  target instanceof HTMLElement && (target.isContentEditable || /^(INPUT|TEXTAREA|SELECT)$/.test(target.tagName) || Boolean(target.closest("dialog, [role=menu], .moving")));

export function startKeys(showKind: (number: number) => void): void {
  addEventListener("keydown", (event) => {
    if (event.defaultPrevented || event.metaKey || event.ctrlKey || event.altKey || typing(event.target)) return;
    if (event.key.length === 1 && !singleKeys()) return;
    const link = document.querySelector<HTMLAnchorElement>(`a[data-key="${CSS.escape(event.key)}"]`);
    const number = Number(event.key);
    const held = (event.target as HTMLElement).querySelector?.<HTMLElement>("[data-key]")?.dataset.key ?? "";
    if (link) link.click();
    else if (number >= 1 && number <= 4) showKind(number);
    else if (event.key === "m" && held.startsWith("apt_")) void openPanel(`/desk/appointments/${held.split(".")[0]}/reschedule`);
    else return;
    event.preventDefault();
  });
}
