// One page at a time without loading it anew: links and forms of the site are fetched, and #page is replaced. Every
// address is a page of its own, so reloading, sharing and going back work as without scripts.

type Leave = () => void | Promise<unknown>;
type Mount = (page: HTMLElement) => Leave | void;

const mounts: Mount[] = [];
let leaves: Leave[] = [];

export const page = (): HTMLElement => document.getElementById("page")!;

/** Run `mount` for every page that is shown; what it returns runs when that page is left. */
export function onPage(mount: Mount): void {
  mounts.push(mount);
}

function mountAll(): void {
  leaves = mounts.map((mount) => mount(page())).filter((leave): leave is Leave => Boolean(leave));
}

async function leaveAll(): Promise<void> {
  const left = leaves;
  leaves = [];
  await Promise.allSettled(left.map((leave) => leave()));
}

/** What the desk does when an answer leads to signing in: it has somebody sign in, and says whether to ask again. */
export const signIn: { again?: (form?: FormData) => Promise<boolean> } = {};
export const toSignIn = (answer: Response): boolean => answer.redirected && /^\/sign-in(\/|$)/.test(new URL(answer.url).pathname);

/** With a request that a page makes by itself: it keeps nobody signed in. */
export const UNATTENDED = { "X-Unattended": "1" };

/** Fetch a page of this site. Refusals are pages too, so any status is an answer. */
export async function fetchPage(url: string, form?: FormData, also: Record<string, string> = {}): Promise<{ at: string; html: Document }> {
  const body = form && new URLSearchParams([...form].map(([name, value]) => [name, String(value)]));
  const response = await fetch(url, { method: form ? "POST" : "GET", body, headers: { Accept: "text/html", ...also } });
  if (toSignIn(response) && (await signIn.again?.(form))) return fetchPage(url, form, also);
  return { at: response.url, html: new DOMParser().parseFromString(await response.text(), "text/html") };
}

// How often somebody went to another page: what was asked for before the last time is not wanted any more.
let gone = 0;

/** Show another page in place of this one. */
export async function go(url: string, form?: FormData, how: "push" | "stay" = "push"): Promise<void> {
  const working = setTimeout(() => document.documentElement.classList.add("busy"), 150);
  const turn = ++gone;
  // What a form did is done, and its answer is always shown.
  const late = (): boolean => !form && turn !== gone;
  try {
    // What this page holds is given back before the next one is read, which then shows it as free.
    if (!form) await leaveAll();
    const { at, html } = await fetchPage(url, form);
    if (late()) return;
    // A refusal that has no page of the site is shown in its place: read again, its address would say something else.
    const fresh = html.getElementById("page") ?? html.querySelector<HTMLElement>("main");
    if (!fresh) {
      location.href = at;
      return;
    }
    fresh.id = "page";
    fresh.tabIndex = -1;
    void leaveAll();
    page().replaceWith(fresh);
    document.title = html.title;
    const foot = html.querySelector(".foot");
    if (foot) document.querySelector(".foot")?.replaceWith(foot);
    // A refusal stands at an address that takes forms; loaded again it is to be the page that it belongs to.
    const address = new URL(fresh.dataset.address ?? at, at).href;
    if (how === "push" && address !== location.href) history.pushState(null, "", address);
    mountAll();
    if (how !== "stay") {
      scrollTo(0, 0);
      page().querySelector<HTMLElement>("[autofocus], [aria-invalid='true']")?.focus() ?? page().focus({ preventScroll: true });
    }
  } catch {
    // No network: the browser's own way shows the browser's own words.
    if (late()) return;
    if (!form) location.href = url;
    else toast(document.querySelector<HTMLElement>(".toasts")!.dataset.offline!);
  } finally {
    clearTimeout(working);
    document.documentElement.classList.remove("busy");
  }
}

/** A short word at the foot of the page, read out by screen readers. */
export function toast(words: string): void {
  const shown = document.createElement("p");
  shown.className = "toast";
  shown.textContent = words;
  document.querySelector(".toasts")?.append(shown);
  setTimeout(() => shown.remove(), 6000);
}

const ours = (url: URL): boolean => url.origin === location.origin && /^\/(b|v)\//.test(url.pathname) && !url.pathname.includes(".");

export function start(): void {
  document.documentElement.classList.add("script");
  document.addEventListener("click", (event) => {
    const link = (event.target as Element).closest("a");
    if (!link || event.defaultPrevented || event.metaKey || event.ctrlKey || event.shiftKey || link.target || link.download) return;
    const url = new URL(link.href);
    if (!ours(url) || url.searchParams.has("lang") || (url.hash && url.pathname === location.pathname)) return;
    event.preventDefault();
    void go(link.href);
  });
  document.addEventListener("submit", (event) => {
    const form = event.target as HTMLFormElement;
    const button = event.submitter;
    if (form.method !== "post" || event.defaultPrevented) return;
    event.preventDefault();
    if (button?.classList.contains("working")) return;
    button?.classList.add("working");
    const data = new FormData(form, button);
    // an alternative that stands beside the form has an address of its own
    const address = button?.hasAttribute("formaction") ? (button as HTMLButtonElement).formAction : form.action;
    void go(address, data).finally(() => button?.classList.remove("working"));
  });
  addEventListener("popstate", () => void go(location.href, undefined, "stay"));
  mountAll();
}
