import { existsSync, readFileSync, writeFileSync } from "node:fs";
import { cpus } from "node:os";
import { fileURLToPath } from "node:url";
import { replaceSection } from "../side-by-side/performance-page.ts";
import { toMarkdownTable, toTextTable } from "../side-by-side/table.ts";
import type { AwsFigures } from "./aws-figures.ts";
import { toAwsTables } from "./aws-tables.ts";
import { countRequests, type RequestScenario } from "./count-requests.ts";
import { type FunctionYard, startFunctionYard, type YardStore } from "./function-yard.ts";
import { measureBundle } from "./measure-bundle.ts";
import { measureColdStart } from "./measure-cold-start.ts";
import { measureEventRate } from "./measure-event-rate.ts";

/** The options of the command line. */
export interface RunAwsOptions {
  readonly quick: boolean;
  /** Where the figures go as JSON. */
  readonly json: string;
  /** The page whose section is written anew. */
  readonly page?: string;
}

const STORES: readonly YardStore[] = ["DynamoDB", "Postgres"];
const APPS = ["state-manager", "task-runner"];

/** Measures the built apps, on emulators and a database of this machine; prints, keeps and publishes what came out. */
export async function runAws({ quick, json, page }: RunAwsOptions): Promise<void> {
  const yard = await startFunctionYard();
  try {
    const figures = await measure(yard, quick);
    const machine = `Node ${process.version}, ${cpus().length} cores (${cpus()[0]?.model ?? "unknown"})`;
    const tables = toAwsTables(figures);
    process.stdout.write(`${[machine, ...tables.map(toTextTable)].join("\n\n")}\n`);
    writeFileSync(json, `${JSON.stringify({ machine, ...figures }, null, 2)}\n`);
    if (page === undefined) return;
    const text = [`${machine}. Command: \`npm run bench -- --aws\`.`, ...tables.map(toMarkdownTable)].join("\n\n");
    writeFileSync(page, replaceSection(readFileSync(page, "utf8"), "aws", text));
  } finally {
    await yard.stop();
  }
}

async function measure(yard: FunctionYard, quick: boolean): Promise<AwsFigures> {
  const bundles = APPS.filter((app) => existsSync(toBundle(app))).map((app) => measureBundle(app, toFolder(app)));
  const bundle = toBundle("state-manager");
  const coldStarts = [];
  for (const store of STORES) {
    note(`cold starts on ${store}`);
    coldStarts.push(await measureColdStart(bundle, yard, { store, starts: quick ? 2 : 15 }));
  }
  const rates = [];
  const plan = quick ? { stacks: 10, rounds: 2, warmUpRounds: 1 } : { stacks: 50, rounds: 10, warmUpRounds: 4 };
  for (const store of STORES) {
    for (const batchSize of [1, 10]) {
      note(`events a second on ${store}, ${batchSize} at a time`);
      rates.push(await measureEventRate(bundle, yard, { store, batchSize, plan }));
    }
  }
  const requests = [];
  for (const scenario of toScenarios(quick)) {
    note(`requests: ${scenario.name}`);
    requests.push(await countRequests(yard.addresses, scenario));
  }
  return { bundles, coldStarts, rates, requests };
}

function toScenarios(quick: boolean): readonly RequestScenario[] {
  const [stacks, states] = quick ? [5, 3] : [20, 20];
  return [
    { name: "one stack alone, the runner has the store", stacks: 1, states, runnerHasStore: true },
    { name: `${stacks} stacks at a time, the same`, stacks, states, runnerHasStore: true },
    { name: `${stacks} stacks at a time, by message alone`, stacks, states, runnerHasStore: false },
  ];
}

function toFolder(app: string): string {
  return fileURLToPath(new URL(`../../../../apps/${app}/dist/lambda`, import.meta.url));
}

function toBundle(app: string): string {
  return `${toFolder(app)}/index.mjs`;
}

function note(line: string): void {
  process.stderr.write(`${line}\n`);
}
