// A list that is chosen from while typing (ARIA APG: combobox with a listbox). The focus stays in the field; the list's
// own links and buttons are the options, so what is chosen is what a click would have done.

let made = 0;

interface Options {
  /** Called when what is typed changes; the list may be replaced before it is shown. */
  typed?: (text: string) => void;
  /** Runs what it is given once the list is the one for what was typed; not at all when no answer comes. */
  settled?: (act: () => void) => void;
  /** Enter without anything to choose. */
  nothing?: () => void;
}

export class Combobox {
  private active: HTMLElement | null = null;
  private pointedAt = false; // by an arrow, in the list that is shown

  constructor(
    private readonly field: HTMLInputElement,
    private list: HTMLElement,
    private readonly options: Options = {},
  ) {
    field.setAttribute("role", "combobox");
    field.setAttribute("aria-autocomplete", "list");
    field.setAttribute("aria-expanded", "true");
    field.addEventListener("input", () => {
      this.pointedAt = false;
      if (options.typed) options.typed(field.value);
      else this.filter(field.value);
    });
    field.addEventListener("keydown", (event) => this.key(event));
    this.show(list);
  }

  /** The list as it is now; its first option is the one that Enter chooses. */
  show(list: HTMLElement): void {
    this.list = list;
    this.pointedAt = false;
    list.id ||= `list-${++made}`;
    list.setAttribute("role", "listbox");
    this.field.setAttribute("aria-controls", list.id);
    for (const item of list.children) item.setAttribute("role", "presentation");
    for (const option of this.all()) {
      option.setAttribute("role", "option");
      option.setAttribute("aria-selected", "false");
      option.tabIndex = -1;
      option.id ||= `option-${++made}`;
    }
    this.select(this.field.value || list.dataset.first === undefined ? (this.shown()[0] ?? null) : null);
  }

  /** Show what has every word that was typed somewhere in it. */
  filter(text: string): void {
    const words = folded(text).split(/\s+/);
    for (const option of this.all()) {
      const name = folded(option.textContent ?? "");
      option.parentElement!.hidden = !words.every((word) => name.includes(word));
    }
    this.select(this.shown()[0] ?? null);
  }

  private all(): HTMLElement[] {
    return [...this.list.querySelectorAll<HTMLElement>("a, button")];
  }

  private shown(): HTMLElement[] {
    return this.all().filter((option) => !option.closest("[hidden]"));
  }

  private select(option: HTMLElement | null): void {
    this.active?.setAttribute("aria-selected", "false");
    this.active = option;
    option?.setAttribute("aria-selected", "true");
    option?.scrollIntoView({ block: "nearest" });
    if (option) this.field.setAttribute("aria-activedescendant", option.id);
    else this.field.removeAttribute("aria-activedescendant");
  }

  private key(event: KeyboardEvent): void {
    if (event.isComposing) return;
    const shown = this.shown();
    const at = this.active ? shown.indexOf(this.active) : -1;
    if (event.key === "ArrowDown") this.point(shown[(at + 1) % shown.length]);
    else if (event.key === "ArrowUp") this.point(shown[(at - 1 + shown.length) % shown.length]);
    else if (event.key === "Enter") {
      // Whoever types and presses Enter at once means what they typed, not what the list shows until the answer is there.
      if (this.options.settled && !this.pointedAt) this.options.settled(() => this.choose());
      else this.choose();
    } else return;
    event.preventDefault();
  }

  private point(option: HTMLElement | undefined): void {
    this.select(option ?? null);
    this.pointedAt = true;
  }

  private choose(): void {
    if (!this.field.isConnected) return;
    if (this.active && !this.active.closest("[hidden]")) this.active.click();
    else this.options.nothing?.();
  }
}

/** Without case and accents, as the server finds too. */
export const folded = (text: string): string => text.normalize("NFKD").replace(/[\u0300-\u036f]/g, "").toLowerCase().trim();

/** Ask the server while somebody types: the latest answer wins, and a pause of a tenth of a second is waited for. */
export function asking(ask: (text: string) => Promise<(() => void) | void>): Pick<Options, "typed" | "settled"> {
  let waiting: ReturnType<typeof setTimeout> | undefined;
  let latest = 0;
  let open = false;
  let next: (() => void) | undefined;
  const typed = (text: string): void => {
    clearTimeout(waiting);
    const turn = ++latest;
    open = true;
    next = undefined;
    const answered = (show?: (() => void) | void): void => {
      if (turn !== latest) return;
      open = false;
      show?.();
      // Without an answer (the page is being left, the network is away) the list stays as it was; the next letter asks again.
      if (show) next?.();
      next = undefined;
    };
    waiting = setTimeout(() => void ask(text).then(answered, () => answered()), 100);
  };
  return { typed, settled: (act) => (open ? (next = act) : act()) };
}
