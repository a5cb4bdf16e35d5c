// Booking at the desk: clients are found as they are typed, services are filtered, and a time is held only while its page
// is open: closing the panel, or going elsewhere in it, gives it back.
import { asking, Combobox } from "./combobox";
import { fetchPage } from "./page";
import { CLOSED, UNSHOWN, toast } from "./panel";
import { SIGNED_IN } from "./session";

const SOON_SECONDS = 60;

interface Held {
  url: string;
  token: string;
  stop: () => void;
}
let held: Held | null = null;
let submitting = false;

const form = (token: string): URLSearchParams => new URLSearchParams({ form_token: token });

/** Give the time back unless the page that is shown now holds the same. What was booked meanwhile stays booked. */
function giveBack(now?: string): void {
  if (!held || held.url === now) return;
  held.stop();
  release(held.url, held.token);
  held = null;
}

// Without an answer it runs out by itself.
const release = (url: string, token: string): void =>
  void fetch(`${url}/release`, { method: "POST", body: form(token), keepalive: true, redirect: "manual" }).catch(() => undefined);

/** What a page that nobody sees holds is given back. */
function giveBackUnshown(root: ParentNode): void {
  const url = root.querySelector<HTMLElement>("[data-hold]")?.dataset.hold;
  if (url && url !== held?.url) release(url, tokenOf(root));
}

const tokenOf = (root: ParentNode): string => root.querySelector<HTMLInputElement>("input[name=form_token]")!.value;

function countDown(shown: HTMLElement, token: string): Held {
  const url = shown.dataset.hold!;
  const words = shown.querySelector<HTMLElement>(".countdown-words")!;
  const bar = shown.querySelector<HTMLElement>(".countdown-bar")!;
  const all = Number(shown.dataset.all);
  let until = performance.now() + Number(shown.dataset.seconds) * 1000;
  const show = (): void => {
    const left = Math.max(0, Math.ceil((until - performance.now()) / 1000));
    const clock = `${Math.floor(left / 60)}:${String(left % 60).padStart(2, "0")}`;
    words.textContent = left ? words.dataset.words!.replace("{left}", clock) : words.dataset.over!;
    bar.style.setProperty("scale", `${Math.min(1, left / all)} 1`);
    shown.classList.toggle("soon", left <= SOON_SECONDS);
    // Read out when it begins and near its end, not every second.
    shown.setAttribute("aria-live", left === SOON_SECONDS ? "polite" : "off");
  };
  const comeBack = async (): Promise<void> => {
    // Without an answer (the page is being left, the network is away) what is known holds.
    const answer = await fetch(`${url}/return`, { method: "POST", body: form(token) }).catch(() => null);
    const told = answer?.ok ? ((await answer.json().catch(() => null)) as { seconds: number } | null) : null;
    if (told) until = performance.now() + told.seconds * 1000;
    show();
  };
  // A page of its own may have been loaded anew: the beacon of the one before can arrive late, so ask twice.
  const whole = !shown.closest(".panel-body");
  const later = whole ? [0, 2500].map((wait) => setTimeout(() => void comeBack(), wait)) : [];
  const ticking = setInterval(show, 1000);
  show();
  return { url, token, stop: () => [clearInterval(ticking), ...later.map(clearTimeout)] };
}

function findClients(root: HTMLElement, search: HTMLFormElement): void {
  const field = search.querySelector<HTMLInputElement>("input[type=search]")!;
  const list = (): HTMLElement => root.querySelector<HTMLElement>(`#${search.dataset.list}`)!;
  const box = new Combobox(field, list(), {
    ...asking(async (text) => {
      const data = new FormData(search);
      data.set("text", text);
      const { html } = await fetchPage(search.action, data);
      return () => {
        const fresh = html.querySelector("[data-part=found]");
        // Somebody was chosen meanwhile, with the mouse: the panel shows the next step.
        if (!fresh || !field.isConnected) return;
        root.querySelector("[data-part=found]")!.replaceChildren(...fresh.childNodes);
        box.show(list());
      };
    }),
    nothing: () => {
      const details = root.querySelector<HTMLDetailsElement>(".new-client");
      if (!details || !field.value) return;
      details.open = true;
      [...details.querySelectorAll<HTMLInputElement>("input:not([type=hidden])")].find((each) => !each.value)?.focus();
    },
  });
}

function mount(root: HTMLElement): void {
  const shown = root.querySelector<HTMLElement>("[data-hold]");
  giveBack(shown?.dataset.hold);
  if (shown) {
    held?.stop();
    held = countDown(shown, tokenOf(root));
  }
  const search = root.querySelector<HTMLFormElement>("form[data-combo=search]");
  if (search) findClients(root, search);
  const filter = root.querySelector<HTMLElement>("[data-combo=filter]");
  if (filter) new Combobox(filter.querySelector("input")!, root.querySelector<HTMLElement>(`#${filter.dataset.list}`)!);
}

export function startBooking(): void {
  document.documentElement.classList.add("script");
  const page = document.getElementById("page")!;
  mount(page);
  // Browsers put off a page's own focus until it is painted; whoever types blindly is faster.
  if (document.activeElement === document.body) page.querySelector<HTMLElement>("[autofocus]")?.focus();
  addEventListener("holdfast:panel", (event) => mount((event as CustomEvent<HTMLElement>).detail));
  addEventListener(CLOSED, () => giveBack());
  addEventListener(UNSHOWN, (event) => giveBackUnshown((event as CustomEvent<HTMLElement>).detail));
  addEventListener(SIGNED_IN, (event) => held && (held.token = (event as CustomEvent<string>).detail));
  document.addEventListener("submit", (event) => (submitting ||= !(event.target as Element).closest(".panel-body")));
  addEventListener("pagehide", () => {
    if (held && !submitting) navigator.sendBeacon(`${held.url}/leave`, form(held.token));
  });
  addEventListener("pageshow", () => (submitting = false));
  document.addEventListener("click", (event) => {
    const copy = (event.target as Element).closest<HTMLElement>("[data-copy]");
    if (copy) void navigator.clipboard.writeText(copy.dataset.copy!).then(() => toast(copy.dataset.copied!));
  });
}
