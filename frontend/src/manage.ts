// Forms under Manage: pictures that follow what is typed, and buttons that copy.
import { toast } from "./panel";

const PAUSE_MILLISECONDS = 150;

/** Redraw a picture from the form around it, a moment after somebody stopped typing; only the newest answer counts. */
function followForm(picture: HTMLElement): void {
  const form = picture.closest("form");
  if (!form) return;
  let waiting = 0;
  let newest = 0;
  const redraw = async (): Promise<void> => {
    const asked = ++newest;
    const typed = [...new FormData(form)].filter(([, value]) => typeof value === "string") as [string, string][];
    const answer = await fetch(picture.dataset.picture!, { method: "POST", body: new URLSearchParams(typed) });
    const drawn = new DOMParser().parseFromString(await answer.text(), "text/html").body;
    if (answer.ok && !answer.redirected && asked === newest) picture.replaceChildren(...drawn.childNodes);
  };
  form.addEventListener("input", () => {
    clearTimeout(waiting);
    waiting = window.setTimeout(() => void redraw().catch(() => undefined), PAUSE_MILLISECONDS);
  });
}

function copies(button: HTMLButtonElement): void {
  button.hidden = !navigator.clipboard;
  button.addEventListener("click", () => {
    const text = document.getElementById(button.dataset.copyFrom!)?.textContent ?? "";
    void navigator.clipboard.writeText(text).then(() => toast(button.dataset.copied!));
  });
}

/** A file that is too large is said at once, before it is sent in vain. */
function weighs(field: HTMLInputElement): void {
  field.addEventListener("change", () => {
    const size = field.files?.[0]?.size ?? 0;
    field.setCustomValidity(size > Number(field.dataset.most) ? field.dataset.tooLarge! : "");
    field.reportValidity();
  });
}

document.querySelectorAll<HTMLInputElement>("input[data-most]").forEach(weighs);
document.querySelectorAll<HTMLElement>("[data-picture]").forEach(followForm);
document.querySelectorAll<HTMLButtonElement>("[data-copy-from]").forEach(copies);
// On a phone the navigation is a strip: what is shown now should be seen in it.
document.querySelector(".topics ul [aria-current]")?.scrollIntoView({ inline: "center", block: "nearest" });
