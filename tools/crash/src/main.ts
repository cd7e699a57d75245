// npm run crash -- [--store sqlite|postgres] [--stacks N] [--transitions N] [--kills N] [--minutes N] …; see --help
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { parseArgs } from "node:util";
import { runCrashTest } from "./run-crash-test.ts";
import { runPostgresCrashTest } from "./run-postgres-crash-test.ts";

const HELP = `Torments the processes of a yard until every stack is through, and counts the damage. Exit 0: there is none.

  --store sqlite|postgres   sqlite: one process that is killed. postgres: several, and the database too, are killed or
                            frozen. Default: sqlite
  --stacks N                Default: 500 (postgres: 1000)
  --transitions N           Of each stack. Default: 20
  --kills N                 Kills, on Postgres kills and freezes, after which all are left alone. Default: 100
  --minutes N               Gives up after so long. Default: 10
  --every MS                On Postgres: one victim each so many milliseconds. Default: 1000
  --freeze MS               On Postgres: the longest freeze; leases last 1000. Default: 3000
  --engines N, --workers N  On Postgres: processes. Default: 2 and 3
`;

const text = (value: string) => ({ type: "string", default: value }) as const;
const { values } = parseArgs({
  options: {
    help: { type: "boolean", default: false },
    store: text("sqlite"),
    stacks: { type: "string" },
    transitions: text("20"),
    kills: text("100"),
    minutes: text("10"),
    every: text("1000"),
    freeze: text("3000"),
    engines: text("2"),
    workers: text("3"),
  },
});

async function runSqlite(folder: string) {
  return runCrashTest({
    folder,
    stacks: Number(values.stacks ?? 500),
    transitions: Number(values.transitions),
    kills: Number(values.kills),
    lifeMs: [50, 900],
    limitMs: Number(values.minutes) * 60_000,
    onKill: (count) => process.stderr.write(`killed ${count}\n`),
  });
}

async function runPostgres(folder: string) {
  return runPostgresCrashTest({
    folder,
    stacks: Number(values.stacks ?? 1_000),
    transitions: Number(values.transitions),
    torments: Number(values.kills),
    everyMs: Number(values.every),
    freezeMs: Number(values.freeze),
    engines: Number(values.engines),
    workers: Number(values.workers),
    limitMs: Number(values.minutes) * 60_000,
    onTorment: (what) => process.stderr.write(`${what}\n`),
  });
}

async function main(): Promise<number> {
  const folder = await mkdtemp(join(tmpdir(), "stackyard-crash-"));
  const startedAt = Date.now();
  try {
    const result = values.store === "postgres" ? await runPostgres(folder) : await runSqlite(folder);
    const seconds = Math.round((Date.now() - startedAt) / 1_000);
    process.stdout.write(`${JSON.stringify({ store: values.store, seconds, ...result })}\n`);
    const { lostEvents, doubleEvents, wrongWays, tasksThatNeverRan, stuckStacks, leftOvers } = result;
    const ownExits = result.ownExits.length;
    const damage = [lostEvents, doubleEvents, wrongWays, tasksThatNeverRan, stuckStacks, leftOvers, ownExits];
    return damage.every((count) => count === 0) ? 0 : 1;
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

if (values.help) process.stdout.write(HELP);
else if (values.store !== "sqlite" && values.store !== "postgres") {
  process.stderr.write(`There is no store "${values.store}"; give sqlite or postgres.\n`);
  process.exitCode = 64;
} else process.exitCode = await main();
