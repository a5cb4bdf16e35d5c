// The command palette (Ctrl/⌘-K, /): its page in a dialog, with what it could mean as one types.
import { asking, Combobox } from "./combobox";
import { fetchPage } from "./page";
import { atHand } from "./here";
import { openPanel, sayLost } from "./panel";

const ADDRESS = "/desk/palette";
let dialog: HTMLDialogElement | null = null;
let opening = false;

const list = (root: ParentNode): HTMLElement => root.querySelector<HTMLElement>("#palette-hits")!;

/** Open it; `shortcuts` shows the list of keys. */
export async function openPalette(shortcuts = false): Promise<void> {
  if (dialog?.open || opening) return;
  const typed = keepTyping();
  const answer = await fetchPage(ADDRESS).catch(() => null);
  const text = typed();
  if (!answer) return sayLost();
  const content = answer.html.querySelector<HTMLElement>("[data-palette]");
  if (!content || dialog?.open) return;
  dialog = document.createElement("dialog");
  dialog.id = "palette";
  dialog.setAttribute("aria-label", content.querySelector("h1")!.textContent!);
  dialog.append(content);
  document.body.append(dialog);
  dialog.addEventListener("close", () => dialog?.remove());
  // The panel behind listens for Escape too, and would give back the time that it holds.
  dialog.addEventListener("keydown", (event) => event.key === "Escape" && event.stopPropagation());
  dialog.addEventListener("click", (event) => {
    const link = (event.target as Element).closest<HTMLAnchorElement>("a[href]");
    if (event.target === dialog) return dialog?.close();
    if (!link || event.metaKey || event.ctrlKey) return;
    dialog?.close();
    if (!("beside" in link.dataset)) return;
    event.preventDefault();
    void openPanel("atHand" in link.dataset ? atHand(link.pathname) : link.href);
  });
  dialog.showModal();
  mount(content, text);
  const keys = content.querySelector<HTMLDetailsElement>(".shortcuts")!;
  keys.open = shortcuts;
  if (shortcuts) keys.querySelector("summary")!.focus();
}

/** Until the answer says what was typed: whoever opens it types on at once, and means the palette and not the page. */
function keepTyping(): () => string {
  let text = "";
  const keep = (event: KeyboardEvent): void => {
    if (event.ctrlKey || event.metaKey || event.altKey) return;
    if (event.key === "Backspace") text = text.slice(0, -1);
    else if (event.key.length === 1) text += event.key;
    else return;
    event.preventDefault();
    event.stopImmediatePropagation();
  };
  addEventListener("keydown", keep, true);
  opening = true;
  return () => {
    removeEventListener("keydown", keep, true);
    opening = false;
    return text;
  };
}

function mount(content: HTMLElement, text: string): void {
  const form = content.querySelector("form")!;
  const field = form.querySelector<HTMLInputElement>("input[type=search]")!;
  const box = new Combobox(field, list(content), {
    ...asking(async (text) => {
      const data = new FormData(form);
      data.set("text", text);
      const { html } = await fetchPage(ADDRESS, data);
      return () => {
        const fresh = html.querySelector<HTMLElement>("#palette-hits");
        if (!fresh) return;
        list(content).replaceWith(fresh);
        box.show(fresh);
      };
    }),
  });
  form.addEventListener("submit", (event) => event.preventDefault());
  content.addEventListener("submit", (event) => {
    const sent = event.target as HTMLFormElement;
    if (!("keysSwitch" in sent.dataset)) return;
    event.preventDefault();
    void switchKeys(content, sent, new FormData(sent, event.submitter));
  });
  field.focus();
  if (!text) return;
  field.value = text;
  field.dispatchEvent(new Event("input", { bubbles: true }));
}

/** Single keys on or off: kept by the server in a cookie, and true for this page at once. */
async function switchKeys(content: HTMLElement, form: HTMLFormElement, data: FormData): Promise<void> {
  const answer = await fetchPage(form.action, data).catch(() => null);
  const fresh = answer?.html.querySelector(".shortcuts");
  if (!answer || !fresh) return sayLost();
  content.querySelector(".shortcuts")!.replaceWith(fresh);
  const rail = document.querySelector<HTMLElement>(".rail")!;
  const keys = answer.html.querySelector<HTMLElement>(".rail")?.dataset.keys;
  if (keys) rail.dataset.keys = keys;
  else delete rail.dataset.keys;
  content.querySelector<HTMLElement>("[data-keys-switch] button")?.focus();
}
