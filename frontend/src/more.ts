// Menus that are `details`: a click elsewhere or Escape closes them.

const opened = (): HTMLDetailsElement | null => document.querySelector("details.more[open]");

export function closeMenus(): void {
  document.addEventListener("click", (event) => {
    const menu = opened();
    if (menu && !(event.target as Element).closest("details.more > summary")) menu.open = false;
  });
  document.addEventListener("keydown", (event) => {
    const menu = opened();
    if (event.key !== "Escape" || !menu) return;
    menu.open = false;
    menu.querySelector("summary")!.focus();
    event.preventDefault();
  });
}
