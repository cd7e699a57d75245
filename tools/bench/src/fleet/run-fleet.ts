import { readFileSync, writeFileSync } from "node:fs";
import { cpus } from "node:os";
import { replaceSection } from "../side-by-side/performance-page.ts";
import { toMarkdownTable, toTextTable } from "../side-by-side/table.ts";
import type { DeathFigures, DispatchFigures, FleetFigures, PlanFigures } from "./fleet-figures.ts";
import { toFleetTables } from "./fleet-tables.ts";
import { measureDeaths } from "./measure-deaths.ts";
import { type DispatchInput, measureDispatch } from "./measure-dispatch.ts";
import { measurePlan } from "./measure-plan.ts";

/** The options of the command line. */
export interface RunFleetOptions {
  readonly quick: boolean;
  /** Where the figures go as JSON. */
  readonly json: string;
  /** The page whose section is written anew. */
  readonly page?: string;
}

const SHELL = { document: "AWS-RunShellScript", parameters: { commands: ["true"] } };
const BY_IDS = { ...SHELL, targetsAbove: 1_000_000 };
const GARLC = { profile: "garlc-1", artifact: { bucket: "artifacts", key: "a.zip" }, targetsAbove: 1_000_000 };

const WAYS: readonly Pick<DispatchInput, "name" | "config">[] = [
  { name: "by ids, all at once", config: { ...BY_IDS, maxConcurrency: "100%" } },
  { name: "by ids, 10 % at a time", config: { ...BY_IDS, maxConcurrency: "10%" } },
  { name: "by ids, 50 at a time (the default)", config: BY_IDS },
  { name: "by their tag, all at once", config: { ...SHELL, maxConcurrency: "100%" } },
  { name: "by their tag, 50 at a time (the default)", config: SHELL },
  { name: "profile garlc-1, chunks of three, all at once", config: { ...GARLC, maxConcurrency: "100%" } },
];

/** Measures fleets in a simulated account; prints, keeps and publishes what came out. */
export async function runFleet({ quick, json, page }: RunFleetOptions): Promise<void> {
  const figures: FleetFigures = {
    plans: await measurePlans(quick ? 1_000 : 10_000),
    dispatches: await measureDispatches(quick ? 600 : 1_000),
    deaths: await measureAllDeaths(quick),
  };
  const machine = `Node ${process.version}, ${cpus().length} cores (${cpus()[0]?.model ?? "unknown"})`;
  const tables = toFleetTables(figures);
  process.stdout.write(`${[machine, ...tables.map(toTextTable)].join("\n\n")}\n`);
  writeFileSync(json, `${JSON.stringify({ machine, ...figures }, null, 2)}\n`);
  if (page === undefined) return;
  const text = [`${machine}. Command: \`npm run bench -- --fleet\`.`, ...tables.map(toMarkdownTable)].join("\n\n");
  writeFileSync(page, replaceSection(readFileSync(page, "utf8"), "fleet", text));
}

async function measurePlans(instances: number): Promise<readonly PlanFigures[]> {
  note(`plans of ${instances} instances`);
  // The first one warms up what all of them need.
  await measurePlan({ name: "", instances: 1_000, config: SHELL });
  return [
    await measurePlan({ name: "instances with their tags", instances, config: SHELL }),
    await measurePlan({
      name: "their agents too (`requireOnline`)",
      instances,
      config: { ...SHELL, select: { requireOnline: true } },
    }),
  ];
}

async function measureDispatches(instances: number): Promise<readonly DispatchFigures[]> {
  const figures: DispatchFigures[] = [];
  for (const way of WAYS) {
    note(`${instances} instances, ${way.name}`);
    figures.push(await measureDispatch({ ...way, instances }));
  }
  return figures;
}

async function measureAllDeaths(quick: boolean): Promise<readonly DeathFigures[]> {
  note("kills");
  const small = await measureDeaths({ instances: 100, deaths: quick ? 10 : 100_000 });
  return [small, await measureDeaths({ instances: 1_000, deaths: quick ? 5 : 200 })];
}

function note(line: string): void {
  process.stderr.write(`${line}\n`);
}
