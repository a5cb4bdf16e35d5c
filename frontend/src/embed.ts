// <script src="https://book.example.com/embed.js" data-page="glow/austin" async></script>
// puts the booking page where the script stands, as tall as it is. data-button="Book now" opens it in a dialog instead.
// data-title and data-close are what a screen reader says of the frame and of the button that closes the dialog; without
// them the page says it in its own language.
{
  const script = document.currentScript as HTMLScriptElement | null;
  const where = script?.dataset.page;
  if (script && where) {
    const origin = new URL(script.src).origin;
    const frame = document.createElement("iframe");
    frame.src = `${origin}/b/${where}`;
    frame.title = script.dataset.title ?? "Book online";
    const close = Object.assign(document.createElement("button"), { type: "button", textContent: "×" });
    close.setAttribute("aria-label", script.dataset.close ?? "Close");
    frame.style.cssText = "inline-size:100%;border:0;block-size:40rem;color-scheme:light dark";
    addEventListener("message", (event) => {
      const told = event.data as { holdfast?: string; height?: number; title?: string; close?: string } | null;
      if (event.source !== frame.contentWindow || event.origin !== origin || !told) return;
      if (told.holdfast === "height") {
        frame.style.blockSize = `${Math.min(Number(told.height) || 0, 20000)}px`;
        if (told.title && !script.dataset.title) frame.title = told.title;
        if (told.close && !script.dataset.close) close.setAttribute("aria-label", told.close);
      }
      // Another step: its top may be above what the visitor sees of the site.
      if (told.holdfast === "step" && frame.getBoundingClientRect().top < 0) frame.scrollIntoView();
    });
    const words = script.dataset.button;
    if (words) {
      const dialog = document.createElement("dialog");
      dialog.style.cssText = "inline-size:min(46rem,100vw);max-block-size:92dvh;border:0;border-radius:16px;padding:.5rem";
      const button = Object.assign(document.createElement("button"), { type: "button", textContent: words });
      close.style.cssText = "float:inline-end;inline-size:2.75rem;block-size:2.75rem;border:0;background:none;font-size:1.5rem;cursor:pointer";
      close.addEventListener("click", () => dialog.close());
      dialog.append(close);
      button.addEventListener("click", () => {
        if (!frame.isConnected) dialog.append(frame);
        dialog.showModal();
      });
      dialog.addEventListener("click", (event) => event.target === dialog && dialog.close());
      script.after(button, dialog);
    } else {
      script.after(frame);
    }
  }
}
