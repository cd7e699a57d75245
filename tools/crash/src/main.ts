// npm run crash -- [--store sqlite|postgres] [--stacks N] [--transitions N] [--kills N] [--minutes N] …; see --help
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type CrashArguments, HELP, parseArguments } from "./parse-arguments.ts";
import { runCrashTest } from "./run-crash-test.ts";
import { runPostgresCrashTest } from "./run-postgres-crash-test.ts";

async function runSqlite(folder: string, { stacks, transitions, kills, minutes }: CrashArguments) {
  return runCrashTest({
    folder,
    stacks,
    transitions,
    kills,
    lifeMs: [50, 900],
    limitMs: minutes * 60_000,
    onKill: (count) => process.stderr.write(`killed ${count}\n`),
  });
}

async function runPostgres(folder: string, { kills, minutes, store: _, ...rest }: CrashArguments) {
  return runPostgresCrashTest({
    ...rest,
    folder,
    torments: kills,
    limitMs: minutes * 60_000,
    onTorment: (what) => process.stderr.write(`${what}\n`),
  });
}

async function run(input: CrashArguments): Promise<number> {
  const { store } = input;
  const folder = await mkdtemp(join(tmpdir(), "stackyard-crash-"));
  const startedAt = Date.now();
  try {
    const result = store === "postgres" ? await runPostgres(folder, input) : await runSqlite(folder, input);
    const seconds = Math.round((Date.now() - startedAt) / 1_000);
    process.stdout.write(`${JSON.stringify({ store, seconds, ...result })}\n`);
    const { lostEvents, doubleEvents, wrongWays, tasksThatNeverRan, stuckStacks, leftOvers } = result;
    const ownExits = result.ownExits.length;
    const damage = [lostEvents, doubleEvents, wrongWays, tasksThatNeverRan, stuckStacks, leftOvers, ownExits];
    return damage.every((count) => count === 0) ? 0 : 1;
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

const input = parseArguments(process.argv.slice(2));
if (input === "help") process.stdout.write(HELP);
else if ("refusal" in input) {
  process.stderr.write(`${input.refusal} See --help.\n`);
  process.exitCode = 64;
} else process.exitCode = await run(input);
