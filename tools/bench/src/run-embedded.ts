import { type LatencyResult, measureLatency, measureYardRate } from "./latency.ts";
import { publish, type ReportOptions, type Table, toMachineLine } from "./report.ts";
import { type BareRowsResult, measureBareRows, measureTransitions, type TransitionsResult } from "./transitions.ts";

/** The rate of a whole yard, and the latency at half of it. */
type YardResult = LatencyResult & { readonly perSecond: number };

/** Measures the embedded stores and a whole yard. */
export async function runEmbedded(options: ReportOptions): Promise<void> {
  const scale = options.quick ? 0.1 : 1;
  const toCount = (full: number) => Math.max(100, Math.round(full * scale));
  const bareRows = [
    await measureBareRows({ batch: 1, transitions: toCount(10_000) }),
    await measureBareRows({ batch: 64, transitions: toCount(60_000) }),
  ];
  const transitions: TransitionsResult[] = [];
  for (const store of ["sqlite", "memory"] as const) {
    for (const stacks of [100, 10_000, toCount(100_000)]) {
      transitions.push(await measureTransitions({ store, stacks, batch: 64, transitions: toCount(10_000) }));
    }
  }
  const alone = { store: "sqlite-single", stacks: toCount(10_000), batch: 1 } as const;
  transitions.push(await measureTransitions({ ...alone, transitions: toCount(5_000) }));
  const yards: YardResult[] = [];
  for (const store of ["sqlite", "memory"] as const) {
    const perSecond = await measureYardRate({ store, events: toCount(5_000) });
    const load = { store, rate: Math.round(perSecond / 2), seconds: options.quick ? 2 : 10 };
    yards.push({ perSecond, ...(await measureLatency(load)) });
  }
  publish(options, {
    section: "embedded",
    command: "",
    machine: toMachineLine(),
    tables: [toTransitionTable(transitions, bareRows), toBareRowTable(bareRows), toYardTable(yards)],
    figures: { bareRows, transitions, yards },
  });
}

/** Shows each figure, its share of the bare rows, and its cost as a multiple of that with the fewest stacks. */
export function toTransitionTable(
  transitions: readonly TransitionsResult[],
  bareRows: readonly BareRowsResult[],
): Table {
  return {
    title:
      "Transitions that wait in the queue: event consumed, stack and history written, run closed, next task dispatched",
    head: ["store", "stacks", "batch", "per second", "µs each", "growth", "of bare rows", "MiB"],
    rows: transitions.map((row) => {
      const bare = row.store === "memory" ? undefined : bareRows.find(({ batch }) => batch === row.batch);
      const first = transitions.find(({ store }) => store === row.store) ?? row;
      return [
        row.store,
        String(row.stacks),
        String(row.batch),
        String(row.perSecond),
        String(row.microsecondsEach),
        (row.microsecondsEach / first.microsecondsEach).toFixed(2),
        bare === undefined ? "–" : (row.perSecond / bare.perSecond).toFixed(2),
        String(row.residentMiB),
      ];
    }),
  };
}

function toBareRowTable(bareRows: readonly BareRowsResult[]): Table {
  return {
    title: "Bare rows, SQLite with FULL sync",
    head: ["a commit", "per second"],
    rows: bareRows.map(({ batch, perSecond }) => [String(batch), String(perSecond)]),
  };
}

function toYardTable(yards: readonly YardResult[]): Table {
  return {
    title:
      "A whole yard: event decided, its task run, the result decided; at half of that rate, from the call to the task's start",
    head: ["store", "events/s", "half", "events", "p50 ms", "p99 ms"],
    rows: yards.map((row) => [row.store, ...[row.perSecond, row.rate, row.events, row.p50Ms, row.p99Ms].map(String)]),
  };
}
