// The board by keyboard: days, columns, booking, and moving without a mouse.
import { openPanel } from "./panel";

interface Keys {
  kind: (number: number) => void;
  book: () => void;
}

const typing = (target: EventTarget | null): boolean =>
  target instanceof HTMLElement && (target.isContentEditable || /^(INPUT|TEXTAREA|SELECT)$/.test(target.tagName) || Boolean(target.closest("dialog, [role=menu], .moving")));

export function startKeys(keys: Keys): void {
  addEventListener("keydown", (event) => {
    if (event.defaultPrevented || event.metaKey || event.ctrlKey || event.altKey || typing(event.target)) return;
    const link = document.querySelector<HTMLAnchorElement>(`a[data-key="${CSS.escape(event.key)}"]`);
    const number = Number(event.key);
    const held = (event.target as HTMLElement).querySelector?.<HTMLElement>("[data-key]")?.dataset.key ?? "";
    if (link) link.click();
    else if (number >= 1 && number <= 4) keys.kind(number);
    else if (event.key === "b") keys.book();
    else if (event.key === "m" && held.startsWith("apt_")) void openPanel(`/desk/appointments/${held.split(".")[0]}/reschedule`);
    else return;
    event.preventDefault();
  });
}
