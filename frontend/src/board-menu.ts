// The small menu of an empty span: book here, block it, or ask why nothing can be booked there.
import { type Column, type Words, fill, spanOf } from "./board-day";
import { openPanel } from "./panel";

export interface Span {
  start: string;
  end: string;
  column: Column;
}

interface May {
  book: boolean;
  block: boolean;
}

let shown: HTMLElement | null = null;

export function closeMenu(): void {
  shown?.remove();
  shown = null;
}

/** Show the menu at a point of the window. `done` runs when it goes. */
export function openMenu(span: Span, at: { x: number; y: number }, place: string, may: May, words: Words, done: () => void): void {
  closeMenu();
  const menu = document.createElement("div");
  menu.className = "span-menu";
  menu.setAttribute("role", "menu");
  menu.setAttribute("aria-label", fill(words.span!, { name: span.column.name, time: spanOf(span.start, span.end) }));
  const title = Object.assign(document.createElement("p"), { className: "small soft numbers", textContent: menu.getAttribute("aria-label") });
  menu.append(title);
  const query = new URLSearchParams({ start: span.start.slice(0, 16), location: place, resource: span.column.id });
  const add = (label: string, url: string): void => {
    const item = Object.assign(document.createElement("button"), { type: "button", textContent: label });
    item.setAttribute("role", "menuitem");
    item.addEventListener("click", () => {
      finish();
      void openPanel(url);
    });
    menu.append(item);
  };
  if (may.book) add(words.book!, `/desk/book?${query}`);
  if (may.block) add(words.close!, `/desk/blocks/new?${query}&end=${span.end.slice(0, 16)}`);
  add(words.why!, `/desk/why?${query}`);
  const finish = (): void => {
    closeMenu();
    removeEventListener("pointerdown", away, true);
    done();
  };
  const away = (event: Event): void => {
    if (!menu.contains(event.target as Node)) finish();
  };
  menu.addEventListener("keydown", (event) => {
    const items = [...menu.querySelectorAll<HTMLElement>("[role=menuitem]")];
    const here = items.indexOf(document.activeElement as HTMLElement);
    const step = { ArrowDown: 1, ArrowUp: -1 }[event.key];
    if (step) items[(here + step + items.length) % items.length]?.focus();
    if (event.key === "Escape" || event.key === "Tab") finish();
    if (step || event.key === "Escape") event.preventDefault();
  });
  document.body.append(menu);
  menu.style.left = `${Math.min(at.x, innerWidth - menu.offsetWidth - 8)}px`;
  menu.style.top = `${Math.min(at.y, innerHeight - menu.offsetHeight - 8)}px`;
  shown = menu;
  setTimeout(() => addEventListener("pointerdown", away, true));
  menu.querySelector<HTMLElement>("[role=menuitem]")?.focus();
}
