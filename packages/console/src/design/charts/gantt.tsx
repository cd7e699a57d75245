import type { CSSProperties, ReactNode, RefCallback } from "react";
import { formatAge, formatClock, formatDuration, formatTime } from "../../text/durations.ts";
import { toSafeText } from "../../text/safe-text.ts";
import { To } from "../links.tsx";
import { type Status, toneOf, wordOf } from "../mark.tsx";
import { useSettings } from "../settings.ts";
import { Text } from "../text.tsx";
import { toTicks } from "./ticks.ts";
import "./gantt.css";

/** A time of a row. Instants are milliseconds; without an end it lasts. */
export interface GanttBar {
  readonly key: string;
  /** Inside the bar. */
  readonly text: string;
  /** The name of the bar, such as `database, attempt 2`. */
  readonly name: string;
  readonly from: number;
  readonly to?: number;
  readonly status: Status;
  /** Where it leads, and what is there: `its log`. */
  readonly link?: { readonly path: string; readonly search: Readonly<Record<string, string>>; readonly word: string };
}

/** A row of bars of one thing. Between its bars it waited. */
export interface GanttRow {
  readonly name: string;
  readonly bars: readonly GanttBar[];
  /** The result in words. */
  readonly end: ReactNode;
  /** Since when it waits for a person. */
  readonly stuckSince?: number;
}

interface GanttProps {
  /** The content, for screen readers. */
  readonly label: string;
  /** The headings of the first and the last column. */
  readonly heads: readonly [string, string];
  readonly rows: readonly GanttRow[];
  readonly from: number;
  readonly to: number;
  /** For a copy as an image. */
  readonly drawing?: RefCallback<HTMLElement>;
}

/** The time between two instants as a share of the whole line. */
type Share = (at: number) => number;

/** From here on a time on the axis would be cut off at the end. */
const LAST_TICK = 0.96;

/** Renders what waited, ran and ended on one line of time, a row each. A bar links to the page of what it shows. */
export function Gantt({ label, heads: [first, last], rows, from, to, drawing }: GanttProps) {
  const { zone } = useSettings();
  const end = Math.max(to, from + 1_000);
  const ticks = toTicks(from, end);
  // Only times that are seconds apart need them.
  const formatTick = ticks.every((tick) => tick % 60_000 === 0) ? formatClock : formatTime;
  const share: Share = (at) => Math.min(1, Math.max(0, (at - from) / (end - from)));
  return (
    // biome-ignore lint/a11y/noNoninteractiveTabindex: the area is scrolled with the keyboard
    <section className="gantt" ref={drawing} tabIndex={0} aria-label={label}>
      <div className="gantt-row">
        <span className="muted">{first}</span>
        <span className="gantt-track ticks">
          {ticks
            .filter((tick) => share(tick) < LAST_TICK)
            .map((tick) => (
              <span key={tick} className="gantt-tick" style={toPlace(share(tick))}>
                {formatTick(tick, zone)}
              </span>
            ))}
        </span>
        <span className="muted gantt-end">{last}</span>
      </div>
      {rows.map((row) => (
        <div key={row.name} className="gantt-row">
          <span className="gantt-name" title={toSafeText(row.name)}>
            <Text>{row.name}</Text>
          </span>
          <Track row={row} share={share} end={end} />
          <span className="gantt-end">{row.end}</span>
        </div>
      ))}
    </section>
  );
}

function Track({ row: { bars, stuckSince }, share, end }: { row: GanttRow; share: Share; end: number }) {
  return (
    <span className="gantt-track">
      {bars.map((bar) => (
        <Bar key={bar.key} bar={bar} share={share} end={end} />
      ))}
      {stuckSince !== undefined && (
        <span
          className="gantt-stuck tone-fail"
          style={{ left: toPercent(share(stuckSince)), width: toPercent(1 - share(stuckSince)) }}
          title={`needs attention for ${formatAge(end - stuckSince)}`}
        >
          needs attention for {formatAge(end - stuckSince)}
        </span>
      )}
    </span>
  );
}

function Bar({ bar, share, end }: { bar: GanttBar; share: Share; end: number }) {
  const { text, name, from, to = end, status, link } = bar;
  const label = toSafeText(
    `${name}: ${wordOf(status).toLowerCase()}, ${formatDuration(to - from)}${link === undefined ? "" : `, ${link.word}`}`,
  );
  const look = {
    className: `gantt-bar tone-${toneOf(status)}`,
    style: { left: toPercent(share(from)), width: toPercent(share(to) - share(from)) },
  };
  const inside = <span aria-hidden="true">{toSafeText(text)}</span>;
  if (link !== undefined) {
    return (
      <To path={link.path} search={link.search} label={label} {...look}>
        {inside}
      </To>
    );
  }
  return (
    <span role="img" aria-label={label} title={label} {...look}>
      {inside}
    </span>
  );
}

/** Returns where a time of the axis is, and for the styles how far from its beginning: it is not cut off there. */
function toPlace(share: number): CSSProperties {
  return { left: toPercent(share), "--share": share } as CSSProperties;
}

function toPercent(share: number): string {
  return `${share * 100}%`;
}
