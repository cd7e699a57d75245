import { writeFileSync } from "node:fs";
import { cpus } from "node:os";
import { type BareRowsResult, measureBareRows } from "./bare-rows.ts";
import { measureLatency, measureYardRate } from "./latency.ts";
import { type Figures, toReport } from "./report.ts";
import { measureTerraformPlan } from "./terraform-plan.ts";
import { measureTransitions, type TransitionsResult } from "./transitions.ts";

const note = (text: string) => process.stderr.write(`${text}\n`);

/** Measures the embedded stores, a whole yard and Terraform; prints tables, and keeps the same figures as JSON. */
export async function runEmbedded({ quick, json }: { readonly quick: boolean; readonly json: string }): Promise<void> {
  const scale = quick ? 0.1 : 1;
  const bareRows = await measureAllBareRows(scale);
  const transitions = await measureAllTransitions(scale);
  const yards = await measureYards(scale, quick ? 2 : 10);
  note("terraform plan …");
  const terraformPlan = await measureTerraformPlan();
  const figures: Figures = {
    machine: { node: process.version, cores: cpus().length, model: cpus()[0]?.model ?? "unknown" },
    bareRows,
    transitions,
    yards,
    ...(terraformPlan === undefined ? {} : { terraformPlan }),
  };
  process.stdout.write(`${toReport(figures)}\n`);
  writeFileSync(json, `${JSON.stringify(figures, null, 2)}\n`);
}

async function measureAllBareRows(scale: number): Promise<readonly BareRowsResult[]> {
  note("bare rows …");
  const single = await measureBareRows({ batch: 1, transitions: toCount(10_000, scale) });
  return [single, await measureBareRows({ batch: 64, transitions: toCount(60_000, scale) })];
}

async function measureAllTransitions(scale: number): Promise<readonly TransitionsResult[]> {
  note("transitions …");
  const results: TransitionsResult[] = [];
  for (const store of ["sqlite", "memory"] as const) {
    for (const stacks of [100, 10_000, toCount(100_000, scale)]) {
      note(`  ${store}, ${stacks} stacks …`);
      results.push(await measureTransitions({ store, stacks, batch: 64, transitions: toCount(10_000, scale) }));
    }
  }
  const alone = { store: "sqlite-single", stacks: 10_000 * scale, batch: 1 } as const;
  return [...results, await measureTransitions({ ...alone, transitions: toCount(5_000, scale) })];
}

async function measureYards(scale: number, seconds: number): Promise<Figures["yards"]> {
  note("latency …");
  const yards: Figures["yards"][number][] = [];
  for (const store of ["sqlite", "memory"] as const) {
    const perSecond = await measureYardRate({ store, events: toCount(5_000, scale) });
    // Half of what the yard can carry.
    const rate = Math.round(perSecond / 2);
    yards.push({ perSecond, ...(await measureLatency({ store, rate, seconds })) });
  }
  return yards;
}

function toCount(full: number, scale: number): number {
  return Math.max(100, Math.round(full * scale));
}
