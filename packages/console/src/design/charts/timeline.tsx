import type { ReactNode } from "react";
import type { Tone } from "../mark.tsx";
import "./timeline.css";

/** A part of a row's time, in milliseconds since 1970. */
interface Span {
  readonly from: number;
  readonly to: number;
  readonly tone: Tone;
  /** Hatched: it is expected, it has not happened. */
  readonly expected?: boolean;
  readonly title: string;
}

/** A row of a timeline. */
export interface TimelineRow {
  readonly key: string;
  readonly name: ReactNode;
  readonly spans: readonly Span[];
  readonly end?: ReactNode;
}

interface TimelineProps {
  readonly rows: readonly TimelineRow[];
  /** What the names and the ends of rows are. */
  readonly heads: readonly [name: string, end: string];
  readonly from: number;
  readonly to: number;
  readonly now: number;
  /** Returns the text of an instant on the axis. */
  readonly format: (at: number) => string;
}

/** Marks on the axis, in parts of the whole. */
const TICKS = [0, 0.25, 0.5, 0.75];

/** Room for `now` between two marks, in parts of the whole: a mark before it is as long as its text. */
const ROOM_BEFORE = 0.2;
const ROOM_AFTER = 0.09;

/** Renders what happened when, a row each, on one axis. The end of a row says the same in words. */
export function Timeline({ rows, heads: [name, end], from, to, now, format }: TimelineProps) {
  const toShare = (at: number) => `${Math.max(0, Math.min(1, (at - from) / (to - from))) * 100}%`;
  return (
    <div className="timeline">
      <div className="timeline-axis" aria-hidden="true">
        <span>{name}</span>
        <div>
          {TICKS.map((share) => {
            const at = from + share * (to - from);
            if (at - now > -ROOM_BEFORE * (to - from) && at - now < ROOM_AFTER * (to - from)) return null;
            return (
              <span key={share} style={{ insetInlineStart: `${share * 100}%` }}>
                {format(at)}
              </span>
            );
          })}
          <b style={{ insetInlineStart: toShare(now) }}>now</b>
        </div>
        <span className="timeline-end">{end}</span>
      </div>
      <ul className="plain-list">
        {rows.map(({ key, spans, ...row }) => (
          <li key={key} data-row={key} className="timeline-row">
            <div className="timeline-name">{row.name}</div>
            <div className="timeline-track" aria-hidden="true">
              {spans.map((span) => (
                <i
                  key={`${span.from} ${span.tone} ${span.expected}`}
                  className={`tone-${span.tone}${span.expected ? " expected" : ""}`}
                  title={span.title}
                  style={{
                    insetInlineStart: toShare(span.from),
                    width: `calc(${toShare(span.to)} - ${toShare(span.from)})`,
                  }}
                />
              ))}
              <i className="timeline-now" style={{ insetInlineStart: toShare(now) }} />
            </div>
            <div className="timeline-end">{row.end}</div>
          </li>
        ))}
      </ul>
    </div>
  );
}
