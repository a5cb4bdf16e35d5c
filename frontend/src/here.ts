// Where and when the page is that is shown: what is begun from it begins there.

/** An address of the desk for the location and the day of this page. */
export function atHand(address: string): string {
  const here = document.getElementById("page")?.dataset.here;
  return here ? `${address}?${here}` : address;
}

/** Whether keys without Ctrl, Alt or Meta do anything: whoever dictates may have switched them off. */
export const singleKeys = (): boolean => document.querySelector<HTMLElement>(".rail")?.dataset.keys !== "off";
