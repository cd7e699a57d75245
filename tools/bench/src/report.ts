import type { BareRowsResult } from "./bare-rows.ts";
import type { LatencyResult } from "./latency.ts";
import type { TerraformPlanResult } from "./terraform-plan.ts";
import type { TransitionsResult } from "./transitions.ts";

/** All that one run measured. */
export interface Figures {
  readonly machine: { readonly node: string; readonly cores: number; readonly model: string };
  readonly bareRows: readonly BareRowsResult[];
  readonly transitions: readonly TransitionsResult[];
  /** `perSecond`: what the whole yard carries; the latency is that at half of it. */
  readonly yards: readonly (LatencyResult & { readonly perSecond: number })[];
  readonly terraformPlan?: TerraformPlanResult;
}

/** The figures as tables for people, with what they are a ratio of. */
export function toReport(figures: Figures): string {
  const { node, cores, model } = figures.machine;
  return [
    `Node ${node}, ${cores} cores (${model})`,
    "",
    "Transitions that wait in the queue: event consumed, stack and history written, run closed, next task dispatched",
    ...toTable(
      ["store", "stacks", "batch", "per second", "µs each", "of bare rows", "MiB"],
      figures.transitions.map((row) => [
        row.store,
        row.stacks,
        row.batch,
        row.perSecond,
        row.microsecondsEach,
        shareOfBareRows(row, figures.bareRows),
        row.residentMiB,
      ]),
    ),
    "",
    `Bare rows, SQLite with FULL sync: ${figures.bareRows.map(({ batch, perSecond }) => `${perSecond}/s at ${batch} a commit`).join(", ")}`,
    ...growthLines(figures.transitions),
    "",
    "A whole yard: event decided, its task run, the result decided; at half of that rate, from the call to the task's start",
    ...toTable(
      ["store", "events/s", "half", "events", "p50 ms", "p99 ms"],
      figures.yards.map((row) => [row.store, row.perSecond, row.rate, row.events, row.p50Ms, row.p99Ms]),
    ),
    "",
    toTerraformLine(figures.terraformPlan),
  ].join("\n");
}

function shareOfBareRows(row: TransitionsResult, bareRows: readonly BareRowsResult[]): string {
  const bare = bareRows.find(({ batch }) => batch === row.batch);
  if (row.store === "memory" || bare === undefined) return "–";
  return (row.perSecond / bare.perSecond).toFixed(2);
}

function growthLines(transitions: readonly TransitionsResult[]): readonly string[] {
  return ["sqlite", "memory"].flatMap((store) => {
    const rows = transitions.filter((row) => row.store === store).sort((a, b) => a.stacks - b.stacks);
    const [first, last] = [rows[0], rows.at(-1)];
    if (first === undefined || last === undefined || first === last) return [];
    const ratio = (last.microsecondsEach / first.microsecondsEach).toFixed(2);
    return [`Cost of an event on ${store} at ${last.stacks} stacks: ${ratio} × that at ${first.stacks}`];
  });
}

function toTerraformLine(result: TerraformPlanResult | undefined): string {
  if (result === undefined) return "terraform plan: not measured, there is no terraform on the PATH";
  const { executorMs, byHandMs, overheadMs, rounds } = result;
  return `terraform plan: by hand ${byHandMs} ms, through the executor ${executorMs} ms, overhead ${overheadMs} ms (medians of ${rounds})`;
}

function toTable(head: readonly string[], rows: readonly (readonly (string | number)[])[]): readonly string[] {
  const cells = [head, ...rows.map((row) => row.map(String))];
  const widths = head.map((_, column) => Math.max(...cells.map((row) => (row[column] ?? "").length)));
  return cells.map((row) => row.map((cell, column) => cell.padStart(widths[column] ?? 0)).join("  "));
}
