// The panel beside the page: links marked `data-panel` and the forms inside it are fetched, and their #page is shown
// there. Every address is a page of its own, so all of it works without scripts too.
import { fetchPage } from "./page";

const panel = (): HTMLDialogElement | null => document.querySelector("#panel");
const body = (): HTMLElement => document.querySelector<HTMLElement>("#panel .panel-body")!;
const WIDE = matchMedia("(min-width: 48rem)");
let back: () => void = () => undefined;

/** Tells the page that something was changed in the panel: `detail` is the address that answered. */
export const CHANGED = "holdfast:changed";
/** Tells the page that the panel was closed: what it held may be given back. */
export const CLOSED = "holdfast:closed";
/** Tells that a page came too late to be shown: `detail` is what would have been, and what it holds may be given back. */
export const UNSHOWN = "holdfast:unshown";

// How often something was asked for, and how often the panel was closed.
let asked = 0;
let closed = 0;

/** Show an address of the desk in the panel. */
export async function openPanel(url: string, form?: FormData): Promise<void> {
  const shown = panel();
  if (!shown) {
    location.href = url;
    return;
  }
  if (!shown.open) {
    back = wayBack();
    // Beside the board both stay usable; on a phone the panel covers it.
    WIDE.matches ? shown.show() : shown.showModal();
  }
  shown.setAttribute("aria-busy", "true");
  const turn = ++asked;
  const before = closed;
  try {
    const { at, html } = await fetchPage(url, form);
    const fresh = html.getElementById("page");
    // A refusal is shown where it was asked for; anything else that is no page of the desk (signed out) takes the window.
    const refusal = html.querySelector<HTMLElement>("[data-refusal]");
    refusal?.querySelector(".again")?.remove();
    const content = fresh ?? refusal;
    // The panel was closed meanwhile, or shows what was asked for later: nobody waits for this. What a form did is done.
    const late = before !== closed || (!form && turn !== asked);
    if (!late && (!content || fresh?.dataset.whole !== undefined)) {
      location.href = at;
      return;
    }
    if (form && fresh && !refusal) dispatchEvent(new CustomEvent(CHANGED, { detail: at }));
    if (late || !content) return void (content && dispatchEvent(new CustomEvent(UNSHOWN, { detail: content })));
    body().replaceChildren(...content.childNodes);
    shown.dataset.at = at;
    body().scrollTop = 0;
    const heading = name(shown);
    const first = body().querySelector<HTMLElement>("[aria-invalid='true'], [autofocus]");
    (first ?? heading ?? body()).focus();
    dispatchEvent(new CustomEvent("holdfast:panel", { detail: body() }));
  } catch {
    sayLost();
  } finally {
    if (turn === asked) shown.removeAttribute("aria-busy");
  }
}

/** The panel is called what its page is; its heading can be focused, so that a reader begins there. */
function name(shown: HTMLElement): HTMLElement | null {
  const heading = body().querySelector<HTMLElement>("h1");
  if (heading) {
    heading.id = "panel-name";
    heading.tabIndex = -1;
    shown.setAttribute("aria-labelledby", heading.id);
    shown.removeAttribute("aria-label");
  } else {
    shown.removeAttribute("aria-labelledby");
    shown.setAttribute("aria-label", shown.dataset.label!);
  }
  return heading;
}

/** The way back to what has the focus now; an entry of the board may have been drawn anew meanwhile. */
export function wayBack(): () => void {
  const from = document.activeElement as HTMLElement | null;
  const key = from?.querySelector<HTMLElement>("[data-key]")?.dataset.key;
  return () => {
    const again = key && !from?.isConnected ? document.querySelector(`[data-key="${CSS.escape(key)}"]`)?.closest<HTMLElement>("[tabindex]") : from;
    if (again?.isConnected && again !== document.body) again.focus();
    else document.getElementById("page")?.focus({ preventScroll: true });
  };
}

/** Close the panel; the focus goes back to what opened it. */
export function closePanel(): void {
  const shown = panel();
  if (!shown?.open) return;
  closed++;
  shown.removeAttribute("aria-busy");
  shown.close();
  body().replaceChildren();
  back();
  dispatchEvent(new CustomEvent(CLOSED, { detail: shown.dataset.at }));
}

/** Say that the server could not be reached. */
export const sayLost = (): void => toast(body().dataset.lost!);

/** A short word at the foot of the page, read out by screen readers; `undo` adds a button. */
export function toast(words: string, undo?: { label: string; act: () => void }): void {
  const shown = document.createElement("p");
  shown.className = "toast";
  shown.textContent = words;
  if (undo) {
    const button = Object.assign(document.createElement("button"), { type: "button", className: "button plain", textContent: undo.label });
    button.addEventListener("click", () => {
      shown.remove();
      undo.act();
    });
    shown.append(button);
  }
  document.querySelector(".toasts")?.append(shown);
  setTimeout(() => shown.remove(), undo ? 15000 : 6000);
}

export function startPanel(): void {
  document.addEventListener("click", (event) => {
    const target = event.target as Element;
    if (target.closest("#panel [data-close]")) return closePanel();
    const link = target.closest<HTMLAnchorElement>("a[href]");
    if (!link || event.defaultPrevented || event.metaKey || event.ctrlKey || event.shiftKey || link.target) return;
    const inside = link.closest(".panel-body") && !("whole" in link.dataset) && new URL(link.href).pathname.startsWith("/desk/");
    if (!inside && !("panel" in link.dataset)) return;
    event.preventDefault();
    void openPanel(link.href);
  });
  document.addEventListener("submit", (event) => {
    const form = event.target as HTMLFormElement;
    const meant = form.closest(".panel-body") ? !("whole" in form.dataset) : "panel" in form.dataset;
    if (event.defaultPrevented || !meant) return;
    event.preventDefault();
    const button = event.submitter as HTMLButtonElement | null;
    if (button?.classList.contains("working")) return;
    button?.classList.add("working");
    const data = new FormData(form, button);
    const query = new URLSearchParams([...data].map(([name, value]) => [name, String(value)]));
    const sent = form.method === "post" ? openPanel(form.action, data) : openPanel(`${form.action}?${query}`);
    void sent.finally(() => button?.classList.remove("working"));
  });
  addEventListener("keydown", (event) => {
    if (event.key === "Escape" && !event.defaultPrevented) closePanel();
  });
  panel()?.addEventListener("cancel", (event) => {
    event.preventDefault();
    closePanel();
  });
}
