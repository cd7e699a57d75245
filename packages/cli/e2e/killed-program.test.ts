import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, describe, expect, it } from "vitest";
import { execCli, type SpawnedCli, spawnCli } from "./spawn-cli.ts";

const PROGRAM = "echo ran >> runs; echo $$ > pid; while test -e hold; do sleep 0.1; done; echo ended >> runs";

const toMachine = (repeatable: boolean) => `version: 2
events: [OPENED]
states:
  INIT: { on: { OPENED: WORK } }
  WORK: { tasks: [work], on: { NEXT: LIVE, FAILED: BROKEN } }
  LIVE: {}
  BROKEN: {}
tasks:
  work:
    executor: command
    config: { run: [sh, work.sh], repeatable: ${repeatable} }
`;

const cleanUps: (() => unknown)[] = [];
afterEach(async () => {
  for (const cleanUp of cleanUps.splice(0).reverse()) await cleanUp();
});

function aProject(repeatable: boolean) {
  const cwd = mkdtempSync(join(tmpdir(), "stackyard-e2e-"));
  cleanUps.push(() => rmSync(cwd, { recursive: true, force: true }));
  mkdirSync(join(cwd, "machines"));
  writeFileSync(join(cwd, "stackyard.config.json"), "{}");
  writeFileSync(join(cwd, "machines/shop.yaml"), toMachine(repeatable));
  writeFileSync(join(cwd, "work.sh"), PROGRAM);
  writeFileSync(join(cwd, "hold"), "");
  return cwd;
}

async function startYard(cwd: string): Promise<SpawnedCli> {
  const yard = spawnCli(["dev", "--port", "0", "--json"], { cwd });
  cleanUps.push(async () => {
    yard.child.kill("SIGINT");
    await yard.ended;
  });
  await yard.line((line) => line.includes('"kind":"ready"'));
  return yard;
}

const read = (cwd: string, name: string): string => {
  try {
    return readFileSync(join(cwd, name), "utf8");
  } catch {
    return "";
  }
};

/** A zombie has ended: without an init, its parent's place is taken by a process that does not wait for it. */
function isRunning(pid: number): boolean {
  const stat = read("/proc", `${pid}/stat`);
  return stat !== "" && stat.slice(stat.lastIndexOf(")") + 2, stat.lastIndexOf(")") + 3) !== "Z";
}

const send = (cwd: string, ...more: readonly string[]) =>
  execCli(["send", "one", "OPENED", "--machine", "shop", "--id", "e1", "--json", ...more], { cwd });

const show = async (cwd: string) => (await execCli(["stacks", "show", "one", "--json"], { cwd })).stdout;

/** Begins the program, and kills its yard while it runs. */
async function killAtWork(cwd: string): Promise<void> {
  const yard = await startYard(cwd);
  await send(cwd);
  await expect.poll(() => read(cwd, "pid"), { timeout: 60_000 }).not.toBe("");
  yard.child.kill("SIGKILL");
  await yard.ended;
}

describe("a program whose worker was killed", () => {
  it("is not run again: its task fails, because nobody knows what it has done", async () => {
    const cwd = aProject(false);
    await killAtWork(cwd);
    await startYard(cwd);
    rmSync(join(cwd, "hold"));

    await expect
      .poll(() => show(cwd), {
        timeout: 180_000,
        interval: 2_000,
      })
      .toContain("COMMAND_UNKNOWN");
    expect(read(cwd, "runs").match(/ran/g)).toHaveLength(1);
  });

  it("runs again where it is repeatable, after what was left of it has ended", async () => {
    const cwd = aProject(true);
    await killAtWork(cwd);
    const first = Number(read(cwd, "pid"));
    await startYard(cwd);
    await expect.poll(() => read(cwd, "runs").match(/ran/g)?.length, { timeout: 180_000 }).toBe(2);
    const isAtWork = isRunning(first);
    rmSync(join(cwd, "hold"));

    expect(isAtWork).toBe(false);
    await expect
      .poll(() => show(cwd), {
        timeout: 60_000,
        interval: 1_000,
      })
      .toContain('"LIVE"');
    expect(read(cwd, "runs").match(/ended/g)).toHaveLength(1);
  });
});
