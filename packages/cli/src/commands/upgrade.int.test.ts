import { readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, afterEach, beforeAll, describe, expect, it } from "vitest";
import { startAnswerServer } from "../testing/answer-server.ts";
import { parseLines, type RunningCli, runCli, startDev } from "../testing/run-cli.ts";
import { makeTempProject } from "../testing/temp-project.ts";

const MACHINE = `version: 2
events: [OPEN, MOVE, CLOSE]
metadata: { password: { type: string, sensitive: true } }
states:
  INIT: { on: { OPEN: LIVE } }
  LIVE: { protected: true, on: { MOVE: LIVE, CLOSE: GONE } }
  GONE: { terminal: true }
`;
const MOVED = MACHINE.replace("MOVE: LIVE", "MOVE: AWAY").replace(
  "  GONE:",
  "  AWAY: { on: { CLOSE: GONE } }\n  GONE:",
);

describe("upgrades over a running yard", () => {
  const { folder: cwd, remove } = makeTempProject({
    "stackyard.config.json": "{}",
    "machines/app.yaml": MACHINE,
  });
  const run = (...words: string[]) => runCli(words, { cwd });
  let dev: RunningCli;

  beforeAll(async () => {
    dev = await startDev(cwd);
    for (const id of ["a", "b"]) {
      await run("send", id, "OPEN", "--machine", "app", "--metadata", "password=hunter22", "--wait");
      await run("send", id, "MOVE", "--wait");
    }
    writeFileSync(join(cwd, "machines/app.yaml"), MOVED);
  });

  afterAll(async () => {
    dev.interrupt();
    await dev.result;
    remove();
  });

  it("reports where a stack would have behaved differently, and ends with 1", async () => {
    const told = await run("stacks", "upgrade", "a", "--dry-run");
    const json = await run("stacks", "upgrade", "a", "--dry-run", "--json");

    expect(told.exitCode).toBe(1);
    expect(told.stdout).toMatch(/The upgrade would be accepted\./);
    expect(told.stdout).toMatch(/MOVE {2}LIVE {2}→ {2}AWAY/);
    expect(told.stdout).toMatch(/state: "LIVE" → "AWAY"/);
    expect(parseLines(json.stdout)[0]).toMatchObject({ stackId: "a", differences: [{ event: "MOVE" }] });
    expect(told.stdout + json.stdout).not.toContain("hunter22");
  });

  it("moves a stack, and finds nothing to move it to that is not kept", async () => {
    const unknown = await run("stacks", "upgrade", "a", "--to", "f".repeat(64));
    const done = await run("stacks", "upgrade", "a", "--reason", "new way");
    const again = await run("stacks", "upgrade", "a", "--dry-run");

    expect([unknown.exitCode, unknown.stderr]).toEqual([1, expect.stringContaining("MACHINE_UNKNOWN")]);
    expect([done.exitCode, done.stdout]).toEqual([0, "a has the new revision.\n"]);
    expect(again.exitCode).toBe(1);
  });

  it("dry-runs all stacks of a machine as a summary with a line a stack, 20 of them without --all", async () => {
    const many = Array.from({ length: 22 }, (_, index) => `c-${String(index).padStart(2, "0")}`);
    await Promise.all(many.map((id) => run("send", id, "OPEN", "--machine", "app", "--wait")));

    const first = await run("stacks", "upgrade", "--machine", "app", "--dry-run");
    const all = await run("stacks", "upgrade", "--machine", "app", "--dry-run", "--all");
    const alone = await run("stacks", "upgrade", "a", "--dry-run", "--all");

    expect(first.stdout.split("\n")[0]).toMatch(/^Nothing was changed\. Of 24 stacks .*already have the revision\.$/);
    expect(first.stdout.split("\n").slice(1)).toHaveLength(23);
    expect(first.stdout).toContain("\n… and 4 more\n");
    expect(first.stderr).toContain("--all shows every stack");
    expect(all.stdout.split("\n").filter((line) => /^ {2}\S/.test(line))).toHaveLength(24);
    expect([first.exitCode, alone.exitCode]).toEqual([all.exitCode, 64]);
    await Promise.all(many.map((id) => run("stacks", "remove", id, "--force", "--reason", "test")));
  });

  it("accepts the first digits of a revision's hash, and reports no match or several", async () => {
    const [shown] = parseLines((await run("stacks", "show", "a", "--json")).stdout);
    const digits = String(shown?.["machineHash"]).slice(0, 8);

    const planned = await run("stacks", "upgrade", "a", "--to", digits, "--dry-run", "--json");
    const unknown = await run("stacks", "upgrade", "a", "--to", digits.startsWith("0000") ? "1111" : "0000");
    const machine = await run("stacks", "upgrade", "--machine", "app", "--to", digits, "--dry-run", "--json");

    expect(parseLines(planned.stdout)[0]).toMatchObject({ to: shown?.["machineHash"], outcome: "applied" });
    expect([unknown.exitCode, unknown.stderr]).toEqual([1, expect.stringMatching(/MACHINE_UNKNOWN.*begins with/)]);
    expect(parseLines(machine.stdout)[0]).toMatchObject({ stackId: "a", outcome: "unchanged" });
  });

  it("moves all stacks of a machine as planned, or none of them", async () => {
    const planned = await run("stacks", "upgrade", "--machine", "app", "--dry-run", "--json");
    const lines = parseLines(planned.stdout);
    const stale = await run("stacks", "upgrade", "--machine", "app", "--plan", "0".repeat(32));
    const done = await run("stacks", "upgrade", "--machine", "app", "--plan", String(lines.at(-1)?.["digest"]));

    expect(lines.slice(0, -1).map(({ stackId, outcome }) => [stackId, outcome])).toEqual([
      ["a", "unchanged"],
      ["b", "applied"],
    ]);
    expect([stale.exitCode, stale.stderr]).toEqual([1, expect.stringContaining("PLAN_STALE")]);
    expect([done.exitCode, done.stdout, done.stderr]).toEqual([
      0,
      "a unchanged\nb applied\n",
      "1 unchanged, 1 applied.\n",
    ]);
  });

  it("needs a stack or a machine", async () => {
    const neither = await run("stacks", "upgrade");
    const both = await run("stacks", "upgrade", "a", "--machine", "app");
    const short = await run("stacks", "upgrade", "a", "--to", "abc");

    expect([neither.exitCode, both.exitCode, short.exitCode]).toEqual([64, 64, 64]);
  });

  it("requires a confirmation before a protected stack is removed", async () => {
    const refused = await run("send", "b", "CLOSE", "--wait");
    const wrong = await run("send", "b", "CLOSE", "--confirm", "a", "--wait");
    const done = await run("send", "b", "CLOSE", "--confirm", "b", "--until", "removed");

    expect([refused.exitCode, wrong.exitCode]).toEqual([1, 1]);
    expect(refused.stdout + refused.stderr).toContain("CONFIRMATION_REQUIRED");
    expect(done.exitCode).toBe(0);
  });

  it("shows no sensitive value anywhere", async () => {
    const outputs = await Promise.all([
      run("stacks", "show", "a"),
      run("stacks", "show", "a", "--json"),
      run("stacks", "ls", "--json"),
      run("stacks", "ls", "--waiting"),
      run("stacks", "history", "a", "--json"),
      run("events", "ls", "--json"),
    ]);

    expect(outputs.map(({ exitCode }) => exitCode)).toEqual([0, 0, 0, 0, 0, 0]);
    const text = outputs.map(({ stdout, stderr }) => stdout + stderr).join("\n");
    expect(text).not.toContain("hunter22");
    expect(text).toContain('"password":"***"');
  });
});

describe("the upgrade of many stacks as planned", () => {
  const to = "e".repeat(64);
  const planned = (stackId: string, outcome: "applied" | "refused") => {
    const nothing = { notes: [], events: [], replayed: 1, differences: [], more: 0, end: [] };
    const head = { stackId, machine: "app", from: "f".repeat(64), to, outcome };
    const refusal = outcome === "refused" ? { code: "UPGRADE_STATE_MISSING", reason: "No LIVE." } : {};
    const digest = outcome === "applied" ? { digest: stackId.repeat(32) } : {};
    return { stackId, outcome, ...refusal, plan: { ...head, ...nothing, ...digest } };
  };
  const stale = (stackId: string) => ({
    stackId,
    outcome: "refused",
    code: "PLAN_STALE",
    reason: "It is not in the plan.",
  });
  const pages = {
    plan: [
      [planned("a", "applied"), planned("b", "refused")],
      [{ stackId: "c", outcome: "unchanged" }, planned("d", "applied")],
    ],
    // The stack `aa` is new, and `c` was moved back meanwhile.
    upgrade: [
      [{ stackId: "a", outcome: "applied" }, stale("aa"), stale("b")],
      [stale("c"), { stackId: "d", outcome: "applied" }],
    ],
  };

  // temporal#1913
  it("is one request for each page, by the digests of its plans", async () => {
    const bodies: Record<string, unknown>[] = [];
    const server = await startAnswerServer(({ call, body }) => {
      if (call !== "POST /v1/machines/app/upgrade") return undefined;
      const asked = JSON.parse(body) as Record<string, unknown>;
      bodies.push(asked);
      const [first, second] = asked["dryRun"] === true ? pages.plan : pages.upgrade;
      return { json: asked["cursor"] === undefined ? { items: first, cursor: "next" } : { items: second } };
    });
    const run = (...words: string[]) =>
      runCli(["stacks", "upgrade", "--machine", "app", ...words, "--url", server.url, "--token", "t".repeat(32)]);

    const shown = await run("--dry-run", "--json");
    const done = await run("--plan", String(parseLines(shown.stdout).at(-1)?.["digest"]));
    await server.stop();

    expect(done.stdout.split("\n")).toEqual([
      "a applied",
      "aa refused PLAN_STALE: It is not in the plan.",
      "b refused UPGRADE_STATE_MISSING: No LIVE.",
      "c refused PLAN_STALE: It is not in the plan.",
      "d applied",
      "",
    ]);
    expect(bodies.filter(({ dryRun }) => dryRun !== true)).toEqual([
      { to, limit: 50, plans: { a: "a".repeat(32), d: "d".repeat(32) } },
      { to, limit: 50, plans: { d: "d".repeat(32) }, cursor: "next" },
    ]);
  });
});

const V1 = `# Mine.
version: 1
events: [GO]
states:
  INIT: {on: {GO: [{action: advance, state: END}]}}
  END: {terminal: true}
tasks: {}
`;
const V2 = `# Mine.
version: 2
revision: follow
events: [GO]
states:
  INIT: {on: {GO: END}, leaving: abandon}
  END: {terminal: true, leaving: abandon}
tasks: {}
`;
const NO_EXECUTOR = "version: 1\nevents: []\nstates: {INIT: {}}\ntasks:\n  t: {config: {name: f}}\n";

const projects: { remove(): void }[] = [];
function aProject(files: Readonly<Record<string, string>>): string {
  const project = makeTempProject(files);
  projects.push(project);
  return project.folder;
}
afterEach(() => {
  for (const project of projects.splice(0)) project.remove();
});

describe("machines upgrade", () => {
  it("rewrites the file and leaves no temporary file", async () => {
    const cwd = aProject({ "app.yaml": V1 });

    const { exitCode, stdout } = await runCli(["machines", "upgrade", "app.yaml"], { cwd });

    expect([exitCode, stdout]).toEqual([0, "ok   app.yaml was upgraded to version 2.\n"]);
    expect(readFileSync(join(cwd, "app.yaml"), "utf8")).toBe(V2);
    expect(readdirSync(cwd)).toEqual(["app.yaml"]);
  });

  it("prints what it would write, and changes nothing", async () => {
    const cwd = aProject({ "app.yaml": V1 });

    const { exitCode, stdout } = await runCli(["machines", "upgrade", "app.yaml", "--print"], { cwd });

    expect([exitCode, stdout]).toEqual([0, V2]);
    expect(readFileSync(join(cwd, "app.yaml"), "utf8")).toBe(V1);
  });

  it("reports what cannot be upgraded, ends with 1 and writes nothing", async () => {
    const cwd = aProject({ "app.yaml": NO_EXECUTOR });

    const { exitCode, stdout } = await runCli(["machines", "upgrade", "app.yaml", "--json"], { cwd });

    expect(exitCode).toBe(1);
    expect(parseLines(stdout)).toEqual([
      {
        file: "app.yaml",
        upgraded: false,
        problems: expect.arrayContaining([
          expect.objectContaining({ code: "executor-required", path: "tasks.t.executor", line: 5 }),
        ]),
      },
    ]);
    expect(readFileSync(join(cwd, "app.yaml"), "utf8")).toBe(NO_EXECUTOR);
  });

  it.each([
    ["gone.yaml", "no such file or directory"],
    ["app.ts", "app.ts is a program. Only YAML and JSON documents can be rewritten."],
  ])("does not start on %s", async (file, told) => {
    const { exitCode, stderr } = await runCli(["machines", "upgrade", file], { cwd: aProject({ "app.ts": "" }) });

    expect(exitCode).toBe(3);
    expect(stderr).toContain(told);
  });

  it("does not start on a file that is not text", async () => {
    const cwd = aProject({});
    writeFileSync(join(cwd, "binary.yaml"), Buffer.from("version: 1 # caf\xe9\n", "latin1"));

    const { exitCode, stderr } = await runCli(["machines", "upgrade", "binary.yaml"], { cwd });

    expect(exitCode).toBe(3);
    expect(stderr).toContain("binary.yaml:1:17: The file is not UTF-8");
  });
});
