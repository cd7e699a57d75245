// npm run crash -- [--stacks N] [--transitions N] [--kills N] [--minutes N]
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { parseArgs } from "node:util";
import { runCrashTest } from "./run-crash-test.ts";

const { values } = parseArgs({
  options: {
    stacks: { type: "string", default: "500" },
    transitions: { type: "string", default: "20" },
    kills: { type: "string", default: "100" },
    minutes: { type: "string", default: "10" },
  },
});

const folder = await mkdtemp(join(tmpdir(), "stackyard-crash-"));
const startedAt = Date.now();
const result = await runCrashTest({
  folder,
  stacks: Number(values.stacks),
  transitions: Number(values.transitions),
  kills: Number(values.kills),
  lifeMs: [50, 900],
  limitMs: Number(values.minutes) * 60_000,
  onKill: (count) => process.stderr.write(`killed ${count}\n`),
});
await rm(folder, { recursive: true, force: true });

const { kills, ...damage } = result;
process.stdout.write(
  `${JSON.stringify({ kills, seconds: Math.round((Date.now() - startedAt) / 1_000), ...damage })}\n`,
);
process.exitCode = Object.values(damage).every((count) => count === 0) ? 0 : 1;
