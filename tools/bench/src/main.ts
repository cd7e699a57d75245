// npm run bench [-- --quick] [--json FILE]: measures and prints a table; the JSON file holds the same figures.
import { writeFileSync } from "node:fs";
import { cpus } from "node:os";
import { parseArgs } from "node:util";
import { measureBareRows } from "./bare-rows.ts";
import { measureLatency, measureYardRate } from "./latency.ts";
import { toReport } from "./report.ts";
import { measureTerraformPlan } from "./terraform-plan.ts";
import { measureTransitions } from "./transitions.ts";

const { values } = parseArgs({ options: { quick: { type: "boolean", default: false }, json: { type: "string" } } });
const scale = values.quick ? 0.1 : 1;
const count = (full: number) => Math.max(100, Math.round(full * scale));

const note = (text: string) => process.stderr.write(`${text}\n`);

note("bare rows …");
const bareRows = [];
for (const batch of [1, 64])
  bareRows.push(await measureBareRows({ batch, transitions: count(batch === 1 ? 10_000 : 60_000) }));

note("transitions …");
const transitions = [];
for (const store of ["sqlite", "memory"] as const) {
  for (const stacks of [100, 10_000, count(100_000)]) {
    note(`  ${store}, ${stacks} stacks …`);
    transitions.push(await measureTransitions({ store, stacks, batch: 64, transitions: count(10_000) }));
  }
}
transitions.push(
  await measureTransitions({ store: "sqlite-single", stacks: 10_000 * scale, batch: 1, transitions: count(5_000) }),
);

note("latency …");
const yards = [];
for (const store of ["sqlite", "memory"] as const) {
  const perSecond = await measureYardRate({ store, events: count(5_000) });
  // Half of what the yard can carry.
  const rate = Math.round(perSecond / 2);
  yards.push({ perSecond, ...(await measureLatency({ store, rate, seconds: values.quick ? 2 : 10 })) });
}

note("terraform plan …");
const terraformPlan = await measureTerraformPlan();

const figures = {
  machine: { node: process.version, cores: cpus().length, model: cpus()[0]?.model ?? "unknown" },
  bareRows,
  transitions,
  yards,
  ...(terraformPlan === undefined ? {} : { terraformPlan }),
};
process.stdout.write(`${toReport(figures)}\n`);
writeFileSync(values.json ?? "bench.json", `${JSON.stringify(figures, null, 2)}\n`);
