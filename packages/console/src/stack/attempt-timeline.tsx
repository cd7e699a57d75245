import type { StackDetails } from "@stackyard/sdk";
import { useLoad } from "../api/use-load.ts";
import { To } from "../design/links.tsx";
import { Mark, toneOf, wordOf } from "../design/mark.tsx";
import { Panel } from "../design/page.tsx";
import { useSettings } from "../design/settings.ts";
import { Text, useNow } from "../design/text.tsx";
import { formatDuration, formatTime } from "../text/durations.ts";
import { toSafeText } from "../text/safe-text.ts";
import { type AttemptBar, type AttemptRow, toAttemptRows, toTicks } from "./attempt-rows.ts";
import type { StackProps } from "./source.ts";
import "./attempt-timeline.css";

/** Lines of the history that say when attempts ended. */
const LINES = 200;

/** Renders the attempts of the present state on a line of time: what waited, ran, failed and was tried again. */
export function AttemptTimeline({ source, stack }: StackProps) {
  const attempts = useLoad(source.key("attempts"), ({ signal }) => source.loadAttempts(signal));
  const history = useLoad(source.key("history", { newest: LINES }), ({ signal }) =>
    source.loadHistory({ limit: LINES, signal }),
  );
  const now = useNow();
  if (stack.tasks.length === 0 || attempts.data === undefined) return null;
  const rows = toAttemptRows(stack, attempts.data, history.data?.items ?? []);
  if (rows.every(({ bars }) => bars.length === 0)) return null;
  return (
    <Panel title="Attempts">
      <Rows rows={rows} stack={stack} now={now} linked={source.refusal === undefined} />
    </Panel>
  );
}

interface RowsProps {
  readonly rows: readonly AttemptRow[];
  readonly stack: StackDetails;
  readonly now: number;
  /** Bars lead to logs. */
  readonly linked: boolean;
}

/** The time between two instants as a share of the whole line. */
type Share = (at: number) => number;

function Rows({ rows, stack: { enteredAt, state }, now, linked }: RowsProps) {
  const { zone } = useSettings();
  const from = Date.parse(enteredAt);
  const end = Math.max(now, from + 1_000);
  const share: Share = (at) => Math.min(1, Math.max(0, (at - from) / (end - from)));
  return (
    // biome-ignore lint/a11y/noNoninteractiveTabindex: the area is scrolled with the keyboard
    <section className="gantt" tabIndex={0} aria-label="Attempts since the state was entered">
      <div className="gantt-row">
        <span className="muted">Task</span>
        <span className="gantt-track ticks">
          {toTicks(from, end).map((tick) => (
            <span key={tick} className="gantt-tick" style={{ left: toPercent(share(tick)) }}>
              {formatTime(tick, zone)}
            </span>
          ))}
        </span>
        <span className="muted">Since {state} was entered</span>
      </div>
      {rows.map((row) => (
        <div key={row.task} className="gantt-row">
          <span className="gantt-name">
            <Text>{row.task}</Text>
          </span>
          <Track row={row} share={share} now={end} linked={linked} />
          <span className="nowrap">
            <Mark status={row.status} />
          </span>
        </div>
      ))}
    </section>
  );
}

interface TrackProps {
  readonly row: AttemptRow;
  readonly share: Share;
  readonly now: number;
  readonly linked: boolean;
}

function Track({ row: { task, bars, stuckSince }, share, now, linked }: TrackProps) {
  return (
    <span className="gantt-track">
      {bars.map((bar) => (
        <Bar key={bar.attemptId} task={task} bar={bar} share={share} now={now} linked={linked} />
      ))}
      {stuckSince !== undefined && (
        <span
          className="gantt-stuck tone-fail"
          style={{ left: toPercent(share(stuckSince)), width: toPercent(1 - share(stuckSince)) }}
          title={`waits for a person for ${formatDuration(now - stuckSince)}`}
        >
          waits for a person for {formatDuration(now - stuckSince)}
        </span>
      )}
    </span>
  );
}

interface BarProps extends Omit<TrackProps, "row"> {
  readonly task: string;
  readonly bar: AttemptBar;
}

function Bar({ task, bar, share, now, linked }: BarProps) {
  const { attemptId, number, from, to = now, status, hasLog } = bar;
  const label = toSafeText(
    `${task}, attempt ${number}: ${wordOf(status).toLowerCase()}, ${formatDuration(to - from)}${linked && hasLog ? ", its log" : ""}`,
  );
  const look = {
    className: `gantt-bar tone-${toneOf(status)}`,
    style: { left: toPercent(share(from)), width: toPercent(share(to) - share(from)) },
  };
  const text = <span aria-hidden="true">{number}</span>;
  if (linked && hasLog) {
    return (
      <To path="/log" search={{ attempt: attemptId }} label={label} {...look}>
        {text}
      </To>
    );
  }
  return (
    <span role="img" aria-label={label} title={label} {...look}>
      {text}
    </span>
  );
}

function toPercent(share: number): string {
  return `${share * 100}%`;
}
