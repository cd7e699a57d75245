import type { HistoryEntry, StackDetails } from "@stackyard/sdk";
import { toneOf, wordOf } from "../../design/mark.tsx";
import { Text, useNow } from "../../design/text.tsx";
import { formatDuration } from "../../text/durations.ts";
import { toSafeText } from "../../text/safe-text.ts";
import { type Bar, type Lane, type Scale, toLanes, toShare } from "./lanes.ts";

interface DrawingProps {
  /** Oldest first. */
  readonly entries: readonly HistoryEntry[];
  readonly scale: Scale;
  readonly stack: StackDetails | undefined;
  /** The index of the line that is shown. */
  readonly shown: number;
  readonly onShow: (index: number) => void;
}

/** Renders the history of a stack as bars. The table of all lines has the same content. */
export function LanesDrawing({ entries, scale, stack, shown, onShow }: DrawingProps) {
  const now = useNow(5_000);
  const lanes = toLanes(entries);
  const due = stack?.timers.map(({ dueAt }) => Date.parse(dueAt)) ?? [];
  const lastAt = Date.parse(entries.at(-1)?.at ?? "");
  const end = stack === undefined ? lastAt : Math.max(now, lastAt);
  const share = (place: Bar["from"]) => toShare(place, scale, entries, end);
  const cursor = entries[shown] && share({ index: shown, at: Date.parse(entries[shown].at) });
  const next = due.length === 0 ? undefined : Math.min(...due);
  return (
    // biome-ignore lint/a11y/noNoninteractiveTabindex: the area is scrolled with the keyboard
    <section className="lanes" tabIndex={0} aria-label="Lanes">
      {lanes.map((lane) => (
        <div key={`${lane.kind} ${lane.name}`} className="lane">
          <span className="lane-name">
            <Text>{lane.name}</Text>
          </span>
          <span className="lane-track">
            {lane.bars.map((bar) => (
              <LaneBar
                key={`${bar.from.index} ${bar.text}`}
                lane={lane}
                bar={bar}
                left={share(bar.from)}
                right={bar.to === undefined ? 1 : share(bar.to)}
                end={end}
                onShow={onShow}
              />
            ))}
            {cursor !== undefined && <span className="lane-cursor" style={{ left: `${cursor * 100}%` }} />}
          </span>
        </div>
      ))}
      {next !== undefined && <p className="muted">Next timer in {formatDuration(next - now)}.</p>}
    </section>
  );
}

interface BarProps {
  readonly lane: Lane;
  readonly bar: Bar;
  readonly left: number;
  readonly right: number;
  readonly end: number;
  readonly onShow: (index: number) => void;
}

function LaneBar({ lane, bar: { from, to, text, status }, left, right, end, onShow }: BarProps) {
  const isPoint = lane.kind === "event" || lane.kind === "timer";
  const length = isPoint ? "" : `, ${formatDuration((to?.at ?? end) - from.at)}`;
  const word = lane.kind === "state" ? "" : `: ${wordOf(status).toLowerCase()}`;
  const label = toSafeText(`${text}${word}${length}`);
  const width = isPoint ? undefined : `${Math.max(0, right - left) * 100}%`;
  return (
    // By keyboard, the slider below shows each of these positions; hundreds of bars are no way through the page.
    <button
      type="button"
      tabIndex={-1}
      className={`lane-bar tone-${toneOf(status)} ${isPoint ? "point" : lane.kind}`}
      style={{ left: `${left * 100}%`, width }}
      title={label}
      aria-label={label}
      onClick={() => onShow(from.index)}
    >
      {!isPoint && <span>{toSafeText(lane.kind === "task" ? wordOf(status) : text)}</span>}
    </button>
  );
}
