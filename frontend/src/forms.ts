// Forms: a button that was pressed shows that something is happening, and cannot be pressed twice.

export function workingButtons(root: Document | HTMLElement): void {
  root.addEventListener("submit", (event) => {
    const button = (event as SubmitEvent).submitter;
    if (button instanceof HTMLButtonElement && !event.defaultPrevented) {
      // After the form was read: a disabled button's value is not sent.
      setTimeout(() => {
        button.classList.add("working");
        button.setAttribute("aria-disabled", "true");
      });
    }
  });
  // Coming back from the next page finds the button as it was.
  addEventListener("pageshow", () => {
    for (const button of document.querySelectorAll(".button.working")) {
      button.classList.remove("working");
      button.removeAttribute("aria-disabled");
    }
  });
}
