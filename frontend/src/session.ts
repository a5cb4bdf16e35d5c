// How much longer somebody is signed in. Whoever types or points is at work, and the server is told, once a minute at most;
// a page that merely stays open is not. Shortly before the end the page asks; after it, one signs in again in place, so that
// what was typed is still there. How much time is left is always the server's answer.
import { signIn } from "./page";

/** Somebody signed in again on this page: `detail` is the token that its forms carry from now on. */
export const SIGNED_IN = "holdfast:signed-in";
/** The server said that nobody is signed in any more. */
export const ENDED = "holdfast:ended";

const ADDRESS = "/desk/session";
const WARN_SECONDS = 120;
const TELL_MILLISECONDS = 60_000;
// While it is asked whether somebody is there, they may be, in another window.
const ASK_MILLISECONDS = 15_000;
const AT_WORK = ["keydown", "pointerdown", "input", "wheel", "touchmove"];

interface Told {
  who: string;
  half: boolean;
  seconds: number;
  most: number;
  form_token: string;
  problem?: string;
}

/** Keep watch over the session of the page, if it has one. */
export function startSession(): void {
  const dialog = document.querySelector<HTMLDialogElement>("#session");
  if (dialog) watch(dialog);
}

function watch(dialog: HTMLDialogElement): void {
  const part = (name: string): HTMLElement => dialog.querySelector<HTMLElement>(`[data-part=${name}]`)!;
  const form = part("again") as HTMLFormElement;
  const left = dialog.querySelector<HTMLElement>("[data-left]")!;
  const problem = dialog.querySelector<HTMLElement>("[data-problem]")!;
  const who = dialog.dataset.who!;
  let endsAt = Date.now() + Number(dialog.dataset.seconds) * 1000;
  let most = Number(dialog.dataset.most);
  let toldAt = Date.now();
  let askedAt = 0;
  let active = false;
  let asking = 0;
  let asked: Promise<void> = Promise.resolve();
  let waiting: ((again: boolean) => void)[] = [];

  const token = (): string => form.querySelector<HTMLInputElement>("[name=form_token]")!.value;
  const shows = (name: string): boolean => dialog.open && !part(name).hidden;

  const renew = (fresh: string): void => {
    if (fresh === token()) return;
    for (const field of document.querySelectorAll<HTMLInputElement>("input[name=form_token]")) field.value = fresh;
    for (const holder of document.querySelectorAll<HTMLElement>("[data-token]")) holder.dataset.token = fresh;
  };

  const show = (name: "warning" | "again"): void => {
    for (const each of ["warning", "again"]) part(each).hidden = each !== name;
    dialog.setAttribute("aria-labelledby", name === "again" ? "session-again" : "session-title");
    // Whoever walks past a screen that was left alone sees nothing of it.
    dialog.classList.toggle("ended", name === "again");
    document.documentElement.classList.toggle("signed-out", name === "again");
    if (!dialog.open) dialog.showModal();
    dialog.querySelector<HTMLElement>(name === "again" ? "[data-step]:not([hidden]) input" : "[data-stay]")!.focus();
  };

  const close = (): void => {
    document.documentElement.classList.remove("signed-out");
    if (dialog.open) dialog.close();
  };

  const ended = (): void => {
    endsAt = 0;
    if (shows("again")) return;
    show("again");
    dispatchEvent(new Event(ENDED));
  };

  const hear = (told: Told): void => {
    renew(told.form_token);
    if (!told.who) return ended();
    // Somebody else's page: what is on it is not theirs.
    if (told.who !== who) return location.reload();
    const was = shows("again");
    endsAt = Date.now() + told.seconds * 1000;
    most = told.most;
    if (told.seconds > WARN_SECONDS || was) close();
    if (was) dispatchEvent(new CustomEvent(SIGNED_IN, { detail: told.form_token }));
    waiting.splice(0).forEach((go) => go(true));
  };

  /** Ask how much is left; `use`: somebody is at work. Without an answer, what is known holds. */
  const ask = (use: boolean): Promise<void> => {
    const once = async (): Promise<void> => {
      askedAt = Date.now();
      if (use) {
        toldAt = askedAt;
        active = false;
      }
      const headers = use ? { "X-Form-Token": token() } : undefined;
      const answer = await fetch(ADDRESS, { method: use ? "POST" : "GET", headers }).catch(() => null);
      // A token that is out of date: in another window somebody signed in anew, and looking says which one is good now.
      if (answer?.status === 403 && use) hear((await (await fetch(ADDRESS)).json()) as Told);
      else if (answer?.ok) hear((await answer.json()) as Told);
      else if (endsAt <= Date.now()) ended();
    };
    // One after the other: an answer that is on its way already may be older than the question.
    asking++;
    return (asked = asked.then(once).catch(() => undefined).finally(() => void asking--));
  };

  const tick = (): void => {
    const now = Date.now();
    const seconds = Math.max(0, Math.ceil((endsAt - now) / 1000));
    if (shows("again")) return;
    if (shows("warning")) {
      left.textContent = left.dataset.words!.replace("{left}", `${Math.floor(seconds / 60)}:${String(seconds % 60).padStart(2, "0")}`);
      // Read out at each half minute, not every second.
      left.setAttribute("aria-live", seconds % 30 === 0 ? "polite" : "off");
      if (!asking && (!seconds || now - askedAt > ASK_MILLISECONDS)) void ask(false);
    } else if (!asking && active && now - toldAt >= TELL_MILLISECONDS) {
      void ask(true);
    } else if (seconds <= WARN_SECONDS && !asking) {
      void ask(active).then(() => {
        if (dialog.open || endsAt - Date.now() > WARN_SECONDS * 1000) return;
        show("warning");
        tick();
      });
    }
  };

  for (const name of AT_WORK) {
    addEventListener(name, () => void (dialog.open || (active = true)), { capture: true, passive: true });
  }
  dialog.querySelector("[data-stay]")!.addEventListener("click", () => {
    // After twelve hours there is no staying, only signing in again.
    void ask(true).then(() => (shows("warning") && most <= WARN_SECONDS ? ended() : undefined));
  });
  // The panel behind listens for Escape too. Once signed out there is nothing to go back to.
  dialog.addEventListener("keydown", (event) => event.stopPropagation());
  dialog.addEventListener("cancel", (event) => {
    event.preventDefault();
    if (shows("warning")) void ask(true);
  });

  form.addEventListener("submit", (event) => {
    event.preventDefault();
    event.stopPropagation();
    void (async () => {
      const body = new URLSearchParams([...new FormData(form)].map(([name, value]) => [name, String(value)]));
      const answer = await fetch(form.action, { method: "POST", body }).catch(() => null);
      const told = answer?.headers.get("Content-Type")?.includes("json") ? ((await answer.json()) as Told) : null;
      problem.textContent = told ? (told.problem ?? "") : problem.dataset.lost!;
      problem.hidden = !problem.textContent;
      if (!told) return void ask(false);
      renew(told.form_token);
      if (told.problem) return form.querySelector<HTMLInputElement>("[data-step]:not([hidden]) input")!.select();
      for (const step of form.querySelectorAll<HTMLElement>("[data-step]")) {
        const field = step.querySelector("input")!;
        step.hidden = field.disabled = step.dataset.step !== (told.half ? "code" : "password");
        field.value = "";
        if (!step.hidden) field.focus();
      }
      if (!told.half) hear(told);
    })();
  });

  // A form that was sent after the end would be lost on the way to signing in: first look whether somebody is signed in.
  document.addEventListener(
    "submit",
    (event) => {
      const sent = event.target as HTMLFormElement;
      if (form === sent || Date.now() < endsAt) return;
      event.preventDefault();
      event.stopImmediatePropagation();
      const button = event.submitter;
      void ask(true).then(() => {
        if (Date.now() < endsAt) sent.requestSubmit(button);
      });
    },
    { capture: true },
  );
  // An answer led to signing in: once they have, it can be asked again.
  signIn.again = (data) =>
    new Promise<boolean>((go) => {
      waiting.push((again) => {
        if (data?.has("form_token")) data.set("form_token", token());
        go(again);
      });
      void ask(false);
    });

  for (const name of ["focus", "pageshow", "online"]) addEventListener(name, () => void ask(false));
  document.addEventListener("visibilitychange", () => void (document.hidden || ask(false)));
  addEventListener("holdfast:stream-ended", () => void ask(false));
  setInterval(tick, 1000);
}
