// A visitor who looks like many is asked for a moment of work before a time is kept: solved here, and sent by itself.
import { onPage } from "./page";
import type { Solution } from "./prove";

export function solveProof(): void {
  onPage((page) => {
    const form = page.querySelector<HTMLFormElement>("[data-challenge]");
    if (!form?.dataset.worker) return;
    const challenge = JSON.parse(form.dataset.challenge!) as { parameters: object };
    const worker = new Worker(form.dataset.worker, { type: "module" });
    const stop = (): void => worker.terminate();
    worker.onmessage = (event: MessageEvent<Solution>) => {
      stop();
      form.querySelector<HTMLInputElement>("[name=proof]")!.value = btoa(JSON.stringify({ challenge, solution: event.data }));
      form.requestSubmit();
    };
    // The page says what else can be done.
    worker.onerror = () => form.classList.add("failed");
    worker.postMessage(challenge.parameters);
    return stop;
  });
}
