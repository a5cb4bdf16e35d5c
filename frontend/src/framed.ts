// Inside a frame on another site: say how tall the page is, so that the frame can be that tall, and when another step
// begins, so that its top can be seen.
import { onPage } from "./page";

export function tellHeight(): void {
  if (window.parent === window) return;
  document.documentElement.classList.add("framed");
  // Numbers and two words of ours tell nobody anything.
  const post = (told: object): void => window.parent.postMessage(told, "*");
  const { frame, close } = document.querySelector<HTMLElement>(".toasts")!.dataset;
  const tell = (): void => post({ holdfast: "height", height: document.body.scrollHeight, title: frame, close });
  new ResizeObserver(tell).observe(document.body);
  tell();
  let first = true;
  onPage(() => {
    if (!first) post({ holdfast: "step" });
    first = false;
  });
}
