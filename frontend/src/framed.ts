// Inside a frame on another site: say how tall the page is, so that the frame can be that tall.

export function tellHeight(): void {
  if (window.parent === window) return;
  document.documentElement.classList.add("framed");
  const tell = (): void => {
    const height = document.body.scrollHeight;
    window.parent.postMessage({ holdfast: "height", height }, "*"); // a number tells nobody anything
  };
  new ResizeObserver(tell).observe(document.body);
  tell();
}
