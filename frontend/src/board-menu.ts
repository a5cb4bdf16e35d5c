// The small menu of an empty span or of a column: what can be done there.
import { wayBack } from "./panel";

export interface Choice {
  label: string;
  act: () => void;
}

let shown: { menu: HTMLElement; finish: () => void } | null = null;

export const closeMenu = (): void => shown?.finish();
export const menuIsOpen = (): boolean => shown !== null;

/** Show the menu at a point of the window. `done` runs when it goes; the focus goes back to where it was. */
export function openMenu(title: string, choices: Choice[], at: { x: number; y: number }, done: () => void = () => undefined): void {
  closeMenu();
  const back = wayBack();
  const menu = document.createElement("div");
  menu.className = "span-menu";
  menu.setAttribute("role", "menu");
  menu.setAttribute("aria-label", title);
  menu.append(Object.assign(document.createElement("p"), { className: "small soft numbers", textContent: title }));
  menu.firstElementChild!.setAttribute("role", "presentation");
  for (const choice of choices) {
    const item = Object.assign(document.createElement("button"), { type: "button", textContent: choice.label });
    item.setAttribute("role", "menuitem");
    item.addEventListener("click", () => {
      finish();
      choice.act();
    });
    menu.append(item);
  }
  const finish = (): void => {
    const had = menu.contains(document.activeElement);
    menu.remove();
    shown = null;
    removeEventListener("pointerdown", away, true);
    if (had) back();
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
  menu.style.left = `${Math.max(8, Math.min(at.x, innerWidth - menu.offsetWidth - 8))}px`;
  menu.style.top = `${Math.max(8, Math.min(at.y, innerHeight - menu.offsetHeight - 8))}px`;
  shown = { menu, finish };
  setTimeout(() => addEventListener("pointerdown", away, true));
  menu.querySelector<HTMLElement>("[role=menuitem]")?.focus();
}
