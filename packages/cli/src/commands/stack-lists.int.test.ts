import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { eventually } from "../testing/eventually.ts";
import { parseLines, type RunningCli, runCli, startDev } from "../testing/run-cli.ts";
import { makeTempProject } from "../testing/temp-project.ts";

const MACHINE = `version: 1
events: [OPEN]
states:
  INIT: {on: {OPEN: [{action: advance, state: WORK}]}}
  WORK: {tasks: [slow], on: {NEXT: [{action: advance, state: IDLE}]}}
  IDLE: {on: {}}
tasks:
  slow: {executor: lambda, config: {name: slow}}
`;
const UNTIL_ENDED = "until test -e ended; do sleep 0.05; done";
const CONFIG = {
  executors: { lambda: { mode: "local", functions: { slow: { command: ["sh", "-c", UNTIL_ENDED] } } } },
};

describe("lists over a running yard", () => {
  const { folder: cwd, remove } = makeTempProject({
    "stackyard.config.json": JSON.stringify(CONFIG),
    "machines/m.yaml": MACHINE,
  });
  const run = (...words: string[]) => runCli(words, { cwd });
  const listIds = async (...words: string[]) =>
    parseLines((await run("stacks", "ls", "--json", ...words)).stdout).map((each) => each["id"]);
  let dev: RunningCli;
  beforeAll(async () => {
    dev = await startDev(cwd);
    for (const [stack, branch] of [
      ["b-1", "main"],
      ["a-1", "dev"],
      ["a-2", "main"],
    ] as const) {
      await run("send", stack, "OPEN", "--machine", "m", "--metadata", `branch=${branch}`);
    }
    await eventually(async () => expect(await listIds()).toHaveLength(3));
  });
  afterAll(async () => {
    // The yard gives running tasks their time to end.
    writeFileSync(join(cwd, "ended"), "");
    dev.interrupt();
    await dev.result;
    remove();
  });

  it("of stacks are sorted and filtered by text, metadata and revision", async () => {
    expect(await listIds("--sort", "createdAt")).toEqual(["b-1", "a-1", "a-2"]);
    expect(await listIds("--sort", "-id", "--limit", "2")).toEqual(["b-1", "a-2"]);
    expect(await listIds("--text", "-1")).toEqual(["a-1", "b-1"]);
    expect(await listIds("--metadata", "branch=main", "--text", "a-")).toEqual(["a-2"]);
    const [revision] = parseLines((await run("machines", "revisions", "m", "--json")).stdout);
    expect(await listIds("--revision", String(revision?.["hash"]).slice(0, 8), "--machine", "m")).toHaveLength(3);
    expect(await listIds("--revision", "0".repeat(64))).toEqual([]);
  });

  it("give way to a snapshot, with which a scenario begins", async () => {
    const { stdout } = await run("stacks", "snapshot", "b-1");
    writeFileSync(join(cwd, "steps.jsonl"), `${stdout}{"task": "slow", "result": "succeeded"}\n`);

    const lines = parseLines((await run("simulate", "machines", "--steps", "steps.jsonl", "--json")).stdout);

    expect(lines).toMatchObject([{ stack: { id: "b-1", state: "WORK" } }, { stack: { state: "IDLE" } }]);
    const { exitCode, stderr } = await run("stacks", "snapshot", "b-1", "--at", "0");
    expect([exitCode, stderr]).toEqual([1, expect.stringContaining("no history up to position 0")]);
  });

  /** Sends an event that the machine does not have, as a program that does not look at what becomes of it. */
  async function sendBlindly(stackId: string) {
    const { url, tokenFile } = JSON.parse(await dev.line((line) => line.includes('"kind":"ready"')));
    const token = readFileSync(tokenFile, "utf8").trim();
    const headers = { authorization: `Bearer ${token}`, "content-type": "application/json" };
    await fetch(`${url}/v1/events`, { method: "POST", headers, body: JSON.stringify({ stackId, event: "NOPE" }) });
  }

  it("of causes count what went wrong", async () => {
    await sendBlindly("b-1");
    const dead = () => run("causes", "dead", "--json");
    await eventually(async () => expect(parseLines((await dead()).stdout)).toHaveLength(1));

    expect(parseLines((await dead()).stdout)).toMatchObject([
      { kind: "dead", event: "NOPE", code: "EVENT_UNDECLARED", count: 1, sample: { stackId: "b-1" } },
    ]);
    expect((await run("causes", "dead")).stdout).toMatch(/COUNT.*\n1 +dead +NOPE +EVENT_UNDECLARED .*b-1/);
    expect((await run("causes")).stderr).toContain("No failed task is open, and no stack is degraded.");
    expect(await listIds("--task", "slow", "--code", "")).toEqual([]);
  });

  it("refuse what they cannot take with usage errors", async () => {
    for (const [words, told] of [
      [["stacks", "ls", "--sort", "name"], /sort/],
      [["stacks", "ls", "--metadata", "branch"], /metadata/],
      [["stacks", "ls", "--revision", "abcd"], /--machine/],
      [["stacks", "ls", "--revision", "0000", "--machine", "m"], /No revision/],
      [["stacks", "counts", "--by", "owner"], /by/],
      [["attempts", "ls", "--status", "done"], /status/],
    ] as const) {
      const { exitCode, stderr } = await run(...words);
      expect([exitCode, stderr]).toEqual([64, expect.stringMatching(told)]);
    }
  });

  it("count stacks in groups", async () => {
    const { stdout } = await run("stacks", "counts", "--by", "state");

    expect(stdout).toMatch(/^3 +m +WORK\n3 stacks\n$/);
    const counts = await run("stacks", "counts", "--by", "machine", "--metadata", "branch=main", "--json");
    expect(JSON.parse(counts.stdout)).toEqual({ total: 2, groups: [{ machine: "m", count: 2 }] });
  });

  it("of attempts show what runs or waits to run", async () => {
    const attempts = await eventually(async () => {
      const { stdout } = await run("attempts", "ls", "--executor", "lambda", "--json");
      expect(stdout).toContain('"running"');
      return parseLines(stdout);
    });

    expect(attempts.map((each) => each["stackId"])).toEqual(["b-1", "a-1", "a-2"]);
    expect(attempts[0]).toMatchObject({ machine: "m", task: "slow" });
    expect((await run("attempts", "ls", "--prefix", "a-1")).stdout).toMatch(/^STACK +TASK .*\na-1 +slow +lambda /);
    expect(await run("attempts", "ls", "--status", "queued")).toMatchObject({ exitCode: 0, stdout: "" });
  });

  it("of revisions show how many stacks use each, and print their documents", async () => {
    const { stdout } = await run("machines", "revisions", "m");
    const [, digits = ""] = /\n([0-9a-f]{12}) +\S+Z +3 +current\n$/.exec(stdout) ?? [];

    const document = await run("machines", "revision", "m", digits);

    expect(document.stdout).toBe(MACHINE);
    expect((await run("machines", "revision", "m", "0".repeat(64))).exitCode).toBe(1);
    expect((await run("machines", "revisions", "none")).exitCode).toBe(1);
  });
});
