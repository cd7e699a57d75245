import { spawn } from "node:child_process";
import { existsSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout } from "node:timers/promises";
import { fileURLToPath } from "node:url";
import { afterAll, afterEach, beforeAll, describe, expect, it } from "vitest";
import { execCli, type SpawnedCli, spawnCli } from "./spawn-cli.ts";

const fixtures = fileURLToPath(new URL("../../core/fixtures/machines/", import.meta.url));
const bin = fileURLToPath(new URL("../dist/bin.js", import.meta.url));
const node22 = fileURLToPath(new URL("../../../tools/checks/node-22/node_modules/.bin/node", import.meta.url));

describe("the built command line", () => {
  const cwd = mkdtempSync(join(tmpdir(), "stackyard-e2e-"));
  beforeAll(() => writeFileSync(join(cwd, "stackyard.config.json"), "{}"));
  afterAll(() => rmSync(cwd, { recursive: true, force: true }));

  const started: SpawnedCli[] = [];
  const start = (words: readonly string[], project: string) => {
    const spawned = spawnCli(words, { cwd: project });
    started.push(spawned);
    return spawned;
  };
  // A second try finds no server of the first.
  afterEach(async () => {
    for (const { child } of started) child.kill("SIGKILL");
    await Promise.all(started.splice(0).map(({ ended }) => ended));
  });

  // Which code each command ends with is decided in its own tests; here, that the process ends with it.
  it.each([
    ["the version", ["--version"], 0],
    ["help", ["--help"], 0],
    ["a valid file", ["validate", join(fixtures, "valid/review-app.yaml")], 0],
    ["a file with errors", ["validate", join(fixtures, "invalid/init-required.yaml")], 1],
    ["no server", ["stacks", "ls"], 3],
    ["a dead server", ["stacks", "ls", "--url", "http://127.0.0.1:9", "--token", "t"], 3],
    ["a wrong flag", ["validate", "--stric", "x"], 64],
    ["no command", [], 64],
  ])("ends after %s with its exit code", async (_what, words, exitCode) => {
    expect(await execCli(words, { cwd })).toMatchObject({ exitCode });
  });

  it("works the steps of the worked examples", async () => {
    const machine = "release-train";
    const steps = [
      { event: { stackId: "s", event: "CUT", machine } },
      { task: "scan", result: "succeeded" },
      { task: "unit", result: "succeeded" },
      { event: { stackId: "s", event: "SHIP" } },
      { task: "scan", result: "succeeded" },
      { task: "publish", result: "failed", message: "registry down" },
      { event: { stackId: "s", event: "RETRY_FAILED_TASKS" } },
      { task: "publish", result: "succeeded" },
    ];
    const stdin = steps.map((step) => JSON.stringify(step)).join("\n");

    const words = ["simulate", join(fixtures, `valid/${machine}.yaml`), "--steps", "-", "--json"];
    const { exitCode, stdout, stderr } = await execCli(words, { cwd, stdin });

    const lines = stdout
      .trimEnd()
      .split("\n")
      .map((line) => JSON.parse(line));
    expect([exitCode, stderr]).toEqual([0, ""]);
    expect(lines.map(({ outcome, code = "", stack }) => `${outcome} ${code} ${stack?.state ?? ""}`)).toEqual([
      "applied  CHECK",
      "applied  CHECK",
      "applied  CHECK",
      "applied  SHIPPING",
      "refused TASK_NOT_CURRENT SHIPPING",
      "applied  SHIPPING",
      "applied  SHIPPING",
      "removed  ",
    ]);
  });

  it("prints no error when the reader of a pipe closes it", async () => {
    const command = `"${process.execPath}" "${bin}" validate "${fixtures}valid" --json | head -n 1`;
    const shell = spawn("bash", ["-c", `${command}; echo "\${PIPESTATUS[0]}"`], { stdio: ["ignore", "pipe", "pipe"] });
    let [stdout, stderr] = ["", ""];
    shell.stdout.on("data", (chunk: Buffer) => {
      stdout += chunk;
    });
    shell.stderr.on("data", (chunk: Buffer) => {
      stderr += chunk;
    });
    await new Promise((resolve) => shell.on("close", resolve));

    expect(stdout.split("\n")).toHaveLength(3);
    expect(stderr).toBe("");
  });

  it("loads a TypeScript configuration before anything is installed, on the oldest Node too, without warnings", async () => {
    const project = join(cwd, "new");
    await execCli(["init", "new"], { cwd });

    const run = spawn(node22, [bin, "validate", "machines"], { cwd: project });
    let output = "";
    run.stdout.on("data", (chunk: Buffer) => {
      output += chunk;
    });
    run.stderr.on("data", (chunk: Buffer) => {
      output += chunk;
    });
    const exitCode = await new Promise((resolve) => run.on("close", resolve));

    expect([exitCode, output]).toEqual([0, "ok   machines/review-app.yaml\n1 machine, no errors.\n"]);
  });

  it("ends dev with 0 on the first Ctrl-C; watch with 130", async () => {
    const dev = start(["dev", "--port", "0", "--json"], cwd);
    await dev.line((line) => line.includes('"kind":"ready"'));
    const locked = await execCli(["dev", "--port", "0"], { cwd });
    const watch = start(["stacks", "watch"], cwd);
    // Its note on standard error says that it watches.
    await new Promise((resolve) => watch.child.stderr?.once("data", resolve));

    watch.child.kill("SIGINT");
    const watched = await watch.ended;
    dev.child.kill("SIGINT");
    const ended = await dev.ended;

    expect(locked).toMatchObject({ exitCode: 3, stderr: expect.stringContaining(`process ${dev.child.pid}`) });
    expect([watched.exitCode, ended.exitCode]).toEqual([130, 0]);
    for (const line of ended.stdout.trimEnd().split("\n")) expect(() => JSON.parse(line)).not.toThrow();
    expect(ended.stdout).toContain('{"kind":"stopped"}');
  });

  it("quits dev at once with 130 on the second Ctrl-C, and resumes the task afterwards", async () => {
    const project = mkdtempSync(join(cwd, "slow-"));
    const functions = { slow: { command: ["sh", "-c", "test -e done || { touch done; sleep 60; }"] } };
    mkdirSync(join(project, "machines"), { recursive: true });
    writeFileSync(
      join(project, "stackyard.config.json"),
      JSON.stringify({ executors: { lambda: { mode: "local", functions } }, worker: { lease: "1h" } }),
    );
    writeFileSync(join(project, "machines/slow.yaml"), SLOW_MACHINE);
    const dev = start(["dev", "--port", "0", "--json"], project);
    await dev.line((line) => line.includes('"kind":"ready"'));
    await execCli(["send", "s", "GO", "--machine", "slow", "--wait"], { cwd: project });
    await until(() => existsSync(join(project, "done")));

    dev.child.kill("SIGINT");
    await dev.line((line) => line.includes('"kind":"stopping"'));
    dev.child.kill("SIGINT");
    expect((await dev.ended).exitCode).toBe(130);
    expect(existsSync(join(project, ".stackyard/server.json"))).toBe(false);

    const again = start(["dev", "--port", "0", "--json"], project);
    await again.line((line) => line.includes('"kind":"ready"'));
    const { exitCode } = await execCli(["send", "s", "PING", "--until", "UP", "--timeout", "30s"], { cwd: project });
    again.child.kill("SIGINT");
    await again.ended;

    expect(exitCode).toBe(0);
  });
});

const SLOW_MACHINE = `version: 1
events: [GO, PING]
states:
  INIT:
    on:
      GO: [{action: advance, state: WORK}]
  WORK:
    tasks: [slow]
    on:
      PING: []
      NEXT: [{action: advance, state: UP}]
  UP:
    on:
      PING: []
tasks:
  slow: {executor: lambda, config: {name: slow}}
`;

async function until(holds: () => boolean): Promise<void> {
  while (!holds()) await setTimeout(50);
}
