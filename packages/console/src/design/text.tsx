import { useEffect, useState } from "react";
import { formatAge, formatClock, formatDay, formatFully } from "../text/durations.ts";
import { toSafeLink, toSafeText } from "../text/safe-text.ts";
import { serverNow } from "../text/server-clock.ts";
import { useSettings } from "./settings.ts";

/** Renders text from outside: control and bidi characters are shown by their codes. */
export function Text({ children, mono }: { children: string; mono?: boolean }) {
  return <bdi className={mono ? "mono wrap" : "wrap"}>{toSafeText(children)}</bdi>;
}

/** Renders why something is so, and the code for it. */
export function Reason({ reason, code = "" }: { reason: string; code?: string | undefined }) {
  return (
    <>
      <Text>{reason}</Text>{" "}
      <span className="muted">
        <Text mono>{code}</Text>
      </span>
    </>
  );
}

/** Renders an arrow for "becomes": drawn, because not every font has one; its text is read aloud and copied. */
export function Arrow() {
  return (
    <span className="arrow">
      <span className="hidden-visually">→</span>
      <svg viewBox="0 0 16 10" width="16" height="10" aria-hidden="true">
        <path d="M1 5h13m-4-4 4 4-4 4" />
      </svg>
    </span>
  );
}

/** Renders the heading of a column of buttons. */
export function ActionsHeading() {
  return <span className="hidden-visually">Actions</span>;
}

/**
 * Renders an instant as people say it, in UTC or local time by their choice: `Fri 2 Jan 09:00 CET`, or `09:00` where `short`
 * leaves out the day. The title has its seconds, also in UTC.
 */
export function Day({ at, short }: { at: string; short?: boolean }) {
  const { zone } = useSettings();
  return (
    <time dateTime={at} title={formatFully(at, zone)} className="nowrap">
      {short ? formatClock(at, zone) : formatDay(at, zone, serverNow())}
    </time>
  );
}

/** Returns the server's present time in milliseconds, updated each second (or each `everyMs`). */
export function useNow(everyMs = 1_000): number {
  const [now, setNow] = useState(() => serverNow());
  useEffect(() => onTick(everyMs, () => setNow(serverNow())), [everyMs]);
  return now;
}

const ticks = new Map<
  number,
  { readonly listeners: Set<() => void>; readonly timer: ReturnType<typeof setInterval> }
>();

/** Calls back so often. All callers of a period have one timer, so that a list renders once a second, not once for each row. */
function onTick(everyMs: number, listener: () => void): () => void {
  const { listeners, timer } = ticks.get(everyMs) ?? startTicks(everyMs);
  listeners.add(listener);
  return () => {
    listeners.delete(listener);
    if (listeners.size > 0) return;
    clearInterval(timer);
    ticks.delete(everyMs);
  };
}

function startTicks(everyMs: number) {
  const listeners = new Set<() => void>();
  const timer = setInterval(() => {
    for (const listener of listeners) listener();
  }, everyMs);
  const started = { listeners, timer };
  ticks.set(everyMs, started);
  return started;
}

/** Renders how long ago an instant was, or how long until it: `3m ago`, `in 2h`. */
export function Ago({ at, plain, word }: { at: string; plain?: boolean; word?: string | undefined }) {
  const ms = useNow() - Date.parse(at);
  const duration = formatAge(Math.abs(ms));
  const { zone } = useSettings();
  return (
    <time dateTime={at} title={formatFully(at, zone)} className="nowrap">
      {/* What has just been said by another clock is not ahead of us. */}
      {word ?? (plain ? duration : ms > -1_000 ? `${duration} ago` : `in ${duration}`)}
    </time>
  );
}

/** Renders a link that a word names, such as to a page of another console; only the word if its address is neither http nor https. */
export function OutsideLink({ href, word }: { href: string; word: string }) {
  const url = toSafeLink(href);
  if (url === undefined) return word;
  return (
    <a href={url.href} target="_blank" rel="noopener noreferrer" className="nowrap">
      {word}
      <span className="hidden-visually"> ({url.host} in a new tab)</span>
    </a>
  );
}

/** Renders an http or https address as a link that shows its host; everything else as text. */
export function MaybeLink({ value }: { value: string }) {
  const url = toSafeLink(value);
  if (url === undefined) return <Text>{value}</Text>;
  return (
    <a href={url.href} target="_blank" rel="noopener noreferrer" className="wrap">
      {toSafeText(value)}
      <span className="hidden-visually"> (opens {url.host} in a new tab)</span>
    </a>
  );
}
