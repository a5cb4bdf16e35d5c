// What the board shows of the day: columns, and one entry for everything that stands in one. All times are those of the
// location's wall clock ("2026-03-02T09:00:00"), as the server read them: nothing here converts a time zone.
import type { Calendar } from "@event-calendar/core";

export interface Column {
  id: string;
  name: string;
  kind: "provider" | "room" | "device" | "other";
  capacity: number;
  open: [string, string][];
  breaks: [string, string][];
}

export interface Entry {
  key: string;
  id: string;
  kind: "visit" | "hold" | "block" | "busy";
  column: string;
  role: string;
  start: string;
  end: string;
  from: string;
  until: string;
  overbook?: boolean;
  words?: string;
  state?: string;
  revision?: number;
  service?: string;
  service_id?: string;
  surface?: string;
  visit?: [string, string];
  client?: string;
  expires?: string;
  offer?: string;
  note?: boolean;
  with?: string[];
}

export interface Day {
  version: string;
  as_of: string;
  date: string;
  location: string;
  zone: string;
  offset: string;
  hours: [number, number];
  columns: Column[];
  entries: Entry[];
}

export type Words = Record<string, string>;

const MINUTE = 60_000;

/** A wall-clock text as a number that can be counted with, and back: both as if the clock were UTC's. */
export const count = (local: string): number => Date.parse(`${local.slice(0, 19)}Z`);
export const wall = (counted: number): string => new Date(counted).toISOString().slice(0, 19);
export const later = (local: string, seconds: number): string => wall(count(local) + seconds * 1000);

// How far the server's clock is ahead of this browser's: what runs out, and what day it is, goes by the server's.
let ahead = 0;
export const setClock = (asOf: string): void => void (ahead = Date.parse(asOf) - Date.now());
export const now = (): number => Date.now() + ahead;

/** What the clock on the wall shows at the location of that day. */
export const wallNow = (day: Day): string => wall(now() + Number(`${day.offset[0]}1`) * (Number(day.offset.slice(1, 3)) * 60 + Number(day.offset.slice(4, 6))) * MINUTE);

let hour: Intl.DateTimeFormat | undefined;
let weekday: Intl.DateTimeFormat | undefined;

/** Times in words, in the language of the page and as people write them at the place. */
export function timeOf(local: string): string {
  hour ??= new Intl.DateTimeFormat(document.documentElement.dataset.locale, { hour: "numeric", minute: "2-digit", timeZone: "UTC" });
  return hour.format(count(local));
}

export function dayOf(local: string): string {
  weekday ??= new Intl.DateTimeFormat(document.documentElement.dataset.locale, { weekday: "short", day: "numeric", month: "short", timeZone: "UTC" });
  return weekday.format(count(local));
}

export const spanOf = (start: string, end: string): string => `${timeOf(start)} – ${timeOf(end)}`;

export const fill = (words: string, values: Record<string, string>): string =>
  words.replace(/\{(\w+)\}/g, (_, name: string) => values[name] ?? "");

/** How long is left until an instant, as minutes and seconds; empty when it is over. */
export function left(until: string): string {
  const seconds = Math.ceil((Date.parse(until) - now()) / 1000);
  return seconds > 0 ? `${Math.floor(seconds / 60)}:${String(seconds % 60).padStart(2, "0")}` : "";
}

/** The entry as the calendar lays it out: its claim, with the buffers as shares of its height. */
export function eventOf(entry: Entry, movable: boolean, pending: boolean): Calendar.EventInput {
  const minutes = Math.max((count(entry.end) - count(entry.start)) / MINUTE, 1);
  const share = (from: string, to: string): string => `${(((count(to) - count(from)) / MINUTE / minutes) * 100).toFixed(2)}%`;
  const names = [entry.kind, entry.state ?? entry.kind];
  if (entry.overbook) names.push("overbook");
  if (pending) names.push("pending");
  if (minutes < 25) names.push("short");
  return {
    id: entry.key,
    start: entry.start,
    end: entry.end,
    resourceIds: [entry.column],
    classNames: names,
    startEditable: movable,
    durationEditable: movable && entry.kind === "block",
    styles: [`--before:${share(entry.start, entry.from)}`, `--after:${share(entry.until, entry.end)}`],
    extendedProps: { entry },
  };
}

/** Closed hours and breaks of a column, as a ground behind what stands there. */
export function groundOf(column: Column, date: string, words: Words): Calendar.EventInput[] {
  const edges = [`${date}T00:00:00`, ...column.open.flat(), wall(count(`${date}T00:00:00`) + 1440 * MINUTE)];
  const grounds: Calendar.EventInput[] = [];
  for (let at = 0; at + 1 < edges.length; at += 2) {
    const [start, end] = [edges[at]!, edges[at + 1]!];
    if (count(start) < count(end)) grounds.push(ground(`closed.${column.id}.${at}`, column, start, end, "closed"));
  }
  column.breaks.forEach(([start, end], at) => {
    grounds.push({ ...ground(`break.${column.id}.${at}`, column, start, end, "break"), title: words.break });
  });
  return grounds;
}

function ground(id: string, column: Column, start: string, end: string, name: string): Calendar.EventInput {
  return { id, start, end, resourceIds: [column.id], display: "background", classNames: [name] };
}
