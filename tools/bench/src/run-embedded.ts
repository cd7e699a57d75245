import { type LatencyResult, measureLatency, measureYardRate } from "./latency.ts";
import { publish, type ReportOptions, type Table, toMachineLine } from "./report.ts";
import { measureTransitions, type TransitionsResult } from "./transitions.ts";

/** The rate of a whole yard, and the latency at half of it. */
type YardResult = LatencyResult & { readonly perSecond: number; readonly filled: number };

/** Measures the embedded stores and a whole yard. */
export async function runEmbedded(options: ReportOptions): Promise<void> {
  const scale = options.quick ? 0.1 : 1;
  const toCount = (full: number) => Math.max(100, Math.round(full * scale));
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
    const filled = toCount(50_000);
    const perSecond = await measureYardRate({ store, events: toCount(5_000), filled });
    const load = { store, rate: Math.round(perSecond / 2), seconds: options.quick ? 2 : 10, filled };
    yards.push({ perSecond, filled, ...(await measureLatency(load)) });
  }
  publish(options, {
    section: "embedded",
    command: "",
    machine: toMachineLine(),
    tables: [toTransitionTable(transitions), toYardTable(yards)],
    figures: { transitions, yards },
  });
}

/** Shows each figure, and the CPU as a multiple of that with the fewest stacks. Rates move with the disk, so they come last. */
export function toTransitionTable(transitions: readonly TransitionsResult[]): Table {
  return {
    title:
      "Transitions that wait in the queue: event consumed, stack and history written, run closed, next task dispatched",
    head: ["store", "stacks", "at a time", "µs of CPU", "growth", "bytes written", "MiB", "a second"],
    rows: transitions.map((row) => {
      const first = transitions.find(({ store }) => store === row.store) ?? row;
      return [
        row.store,
        String(row.stacks),
        String(row.batch),
        String(row.cpuMicrosecondsEach),
        (row.cpuMicrosecondsEach / first.cpuMicrosecondsEach).toFixed(2),
        row.store === "memory" ? "–" : String(row.writtenBytesEach ?? "–"),
        String(row.residentMiB),
        String(row.perSecond),
      ];
    }),
  };
}

function toYardTable(yards: readonly YardResult[]): Table {
  return {
    title:
      "A yard with many stacks: event decided, its task run, the result decided; at half of that rate, from the call to the task's start",
    head: ["store", "stacks", "events/s", "half", "events", "p50 ms", "p99 ms"],
    rows: yards.map((row) => [
      row.store,
      ...[row.filled, row.perSecond, row.rate, row.events, row.p50Ms, row.p99Ms].map(String),
    ]),
  };
}
