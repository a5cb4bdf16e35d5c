// The day as it changes on the server: Server-Sent Events that say only what this screen lacks.
import type { Day, Entry } from "./board-day";
import { SIGNED_IN } from "./session";

export interface Change {
  version: string;
  put: Entry[];
  drop: string[];
}

interface Told {
  day: (day: Day) => void;
  change: (change: Change) => void;
  lost: () => void;
  ended: () => void;
  back: () => void;
}

// A connection that is back before anybody could mind is not worth a word.
const PATIENCE_MILLISECONDS = 1500;

/** Follow the day from the version `seen` on. */
export function follow(address: string, seen: string, told: Told): void {
  let version = seen;
  let said = false;
  let worry: ReturnType<typeof setTimeout> | undefined;
  const fine = (): void => {
    clearTimeout(worry);
    worry = undefined;
    if (said) told.back();
    said = false;
  };
  const worried = (after: number): void => {
    worry ??= setTimeout(() => {
      said = true;
      told.lost();
    }, after);
  };

  const over = (): void => {
    said = true;
    dispatchEvent(new Event("holdfast:stream-ended"));
    told.ended();
  };

  let feed: EventSource;
  const connect = (): void => {
    feed = new EventSource(`${address}&seen=${version}`);
    const hear = (name: string, act: (data: string) => void): void => {
      feed.addEventListener(name, (event) => {
        version = event.lastEventId;
        act(event.data as string);
        // What was under way when the network went is no sign that it is back.
        if (navigator.onLine) fine();
      });
    };
    hear("ready", () => undefined);
    hear("day", (data) => told.day(JSON.parse(data) as Day));
    hear("change", (data) => told.change(JSON.parse(data) as Change));
    // Nobody is signed in any more: the page says so, and goes on when somebody is.
    feed.addEventListener("ended", () => {
      feed.close();
      clearTimeout(worry);
      worry = undefined;
      over();
    });
    feed.addEventListener("error", () => {
      worried(PATIENCE_MILLISECONDS);
      // The browser tries again by itself, unless the answer was no stream: the session ended, or a proxy is in between.
      if (feed.readyState === EventSource.CLOSED) setTimeout(() => void again(), 2000);
    });
  };
  addEventListener("offline", () => worried(0));
  // The old connection may only look alive: a new one says at once what was missed.
  addEventListener("online", () => {
    feed.close();
    connect();
  });

  const again = async (): Promise<void> => {
    const answer = await fetch(address, { method: "HEAD", redirect: "manual" }).catch(() => null);
    if (answer?.type === "opaqueredirect") over();
    else connect();
  };
  addEventListener(SIGNED_IN, () => {
    feed.close();
    connect();
  });
  connect();
}
