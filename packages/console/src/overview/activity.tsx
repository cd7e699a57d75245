import type { HistoryEntry } from "@stackyard/sdk";
import { yard } from "../api/client.ts";
import { keys } from "../api/keys.ts";
import { useLoad } from "../api/use-load.ts";
import { BarChart } from "../design/charts/bar-chart.tsx";
import { To, useSearch } from "../design/links.tsx";
import { Loaded, Panel } from "../design/page.tsx";
import { useSettings } from "../design/settings.ts";
import { formatClock, type Zone } from "../text/durations.ts";
import { serverNow } from "../text/server-clock.ts";
import { countActivity, type Slot } from "./count-activity.ts";

const HOUR_MS = 3_600_000;
const RANGES = { hour: ["1 hour", HOUR_MS], day: ["24 hours", 24 * HOUR_MS] } as const;
const SLOTS = 48;
/** Lines of the history that are counted: the newest ones. */
const COUNTED = 1_000;

/** Renders what happened in the last hour or day: events, failures, and how much was right. */
export function Activity() {
  const search = useSearch();
  const chosen = search["range"] === "day" ? "day" : "hour";
  const history = useLoad(keys.other("activity"), ({ signal }) => yard.events.list({ limit: COUNTED, signal }), {
    refetchInterval: 30_000,
  });
  // A yard in which nothing has happened yet has nothing to draw.
  if (history.data?.items.length === 0) return null;
  return (
    <Panel
      title="Activity"
      actions={
        <nav className="segments" aria-label="Range">
          {Object.entries(RANGES).map(([range, [word]]) => (
            <To
              key={range}
              path="/"
              search={{ ...search, range: range === "hour" ? undefined : range }}
              current={range === chosen}
            >
              {word}
            </To>
          ))}
        </nav>
      }
    >
      <Loaded query={history} height={130}>
        {({ items, cursor }) => <Charts entries={items} rangeMs={RANGES[chosen][1]} isCut={cursor !== undefined} />}
      </Loaded>
    </Panel>
  );
}

interface ChartsProps {
  readonly entries: readonly HistoryEntry[];
  readonly rangeMs: number;
  /** There are older lines than those that are counted. */
  readonly isCut: boolean;
}

function Charts({ entries, rangeMs, isCut }: ChartsProps) {
  const { zone } = useSettings();
  const now = serverNow();
  const oldest = entries.at(-1);
  const counted = isCut && oldest !== undefined ? Date.parse(oldest.at) : 0;
  const from = Math.max(now - rangeMs, counted);
  const slots = countActivity(entries, { from, now, slots: SLOTS });
  const sum = (key: "events" | "failures" | "successes") => slots.reduce((total, slot) => total + slot[key], 0);
  const [events, failures, successes] = [sum("events"), sum("failures"), sum("successes")];
  const ended = failures + successes;
  const axis = [formatClock(from, zone), formatClock(now, zone)];
  const title = (slot: Slot, text: string) => `${formatClock(slot.from, zone)}: ${text}`;
  return (
    <div className="overview-charts">
      <figure>
        <p>
          <b>{events.toLocaleString("en")}</b> events{sinceWhen(from, now - rangeMs, zone)}
        </p>
        <BarChart
          axis={axis}
          label={`${events} events`}
          bars={slots.map((slot) => ({
            parts: [{ value: slot.events, tone: "plain" }],
            title: title(slot, `${slot.events} events`),
          }))}
        />
      </figure>
      <figure>
        <p>
          <b>{failures.toLocaleString("en")}</b> failed tasks, of {ended.toLocaleString("en")}
        </p>
        <BarChart
          axis={axis}
          label={`${failures} failed tasks of ${ended}`}
          bars={slots.map((slot) => ({
            parts: [{ value: slot.failures, tone: "fail" }],
            title: title(slot, `${slot.failures} failed`),
          }))}
        />
      </figure>
      <figure>
        <p>
          <b>{ended === 0 ? "–" : `${Math.floor((successes / ended) * 100)} %`}</b> of tasks succeeded
        </p>
        <BarChart
          axis={axis}
          label={`${successes} tasks succeeded, ${failures} failed`}
          bars={slots.map((slot) => ({
            parts: [
              { value: slot.successes, tone: "ok" },
              { value: slot.failures, tone: "fail" },
            ],
            title: title(slot, `${slot.successes} succeeded, ${slot.failures} failed`),
          }))}
        />
      </figure>
    </div>
  );
}

/** Says from when on events are counted, if there are too many in the range. */
function sinceWhen(from: number, wanted: number, zone: Zone): string {
  return from > wanted ? ` since ${formatClock(from, zone)}` : "";
}
