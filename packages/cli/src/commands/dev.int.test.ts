import { existsSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { parseLines, runCli, startCli } from "../testing/run-cli.ts";
import { makeTempProject } from "../testing/temp-project.ts";

const MACHINE = `version: 1
events: [OPEN]
states:
  INIT: {on: {OPEN: [{action: advance, state: WORK}]}}
  WORK: {tasks: [dig]}
tasks:
  dig: {executor: wait, config: {}}
`;
/** An executor that ends when there is a file `go`, and listens to nothing else. */
const PLUGIN = `import { existsSync, writeFileSync } from "node:fs";
export default { kind: "stackyard-plugin", name: "p", commands: [], executors: (_options, { projectDir }) => [{
  name: "wait", config: { type: "object" }, resumable: true, cancelWithin: "5m",
  async start(ctx) {
    ctx.report("two feet deep");
    writeFileSync(projectDir + "/begun", "");
    while (!existsSync(projectDir + "/go")) await new Promise((resolve) => setTimeout(resolve, 20));
    return { kind: "succeeded", outputs: {} };
  },
}] };
`;

describe("the log of a task", () => {
  it("comes when its attempt ends; until then the newest line is shown", async () => {
    const { folder: cwd, remove } = makeTempProject({
      "stackyard.config.json": '{"plugins": ["./plugin.mjs"], "worker": {"lease": "3s"}}',
      "plugin.mjs": PLUGIN,
      "machines/m.yaml": MACHINE,
    });
    const show = async () => (await runCli(["stacks", "show", "pr-1", "--log"], { cwd })).stdout;
    const dev = startCli(["dev", "--port", "0"], { cwd });
    await dev.line((line) => line.includes("Ctrl-C stops"));
    await runCli(["send", "pr-1", "OPEN", "--machine", "m"], { cwd });
    await expect.poll(() => existsSync(join(cwd, "begun"))).toBe(true);

    const before = await show();
    await expect.poll(show).toContain("Newest line: two feet deep");
    const running = (await runCli(["stacks", "logs", "pr-1"], { cwd })).stdout;
    const follow = startCli(["stacks", "logs", "pr-1", "--follow", "--json"], { cwd });
    await follow.line((line) => line.includes('"kind":"progress"') && line.includes("two feet deep"));
    writeFileSync(join(cwd, "go"), "");
    await expect.poll(show).toMatch(/Log of dig\ntwo feet deep\n/);
    const followed = await follow.result;
    dev.interrupt();
    await dev.result;
    remove();

    expect(before).toContain("Log of dig\nIt comes when the attempt ends.");
    expect(running).toContain("dig, attempt 1 of entry 1: running");
    expect(followed.exitCode).toBe(0);
    expect(parseLines(followed.stdout).at(-1)).toMatchObject({
      task: "dig",
      outcome: "succeeded",
      text: "two feet deep",
    });
  });
});

const TWO_TASKS = `version: 1
events: [OPEN]
states:
  INIT: {on: {OPEN: [{action: advance, state: WORK}]}}
  WORK: {tasks: [dig], on: {NEXT: [{action: advance, state: FILL}]}}
  FILL: {tasks: [fill]}
tasks:
  dig: {executor: wait, config: {}}
  fill: {executor: wait, config: {}}
`;

describe("whole logs that are followed", () => {
  it.each(["--full", "--timestamps"])("are also those of the attempts that follow (%s)", async (flag) => {
    const { folder: cwd, remove } = makeTempProject({
      "stackyard.config.json": '{"plugins": ["./plugin.mjs"]}',
      "plugin.mjs": PLUGIN,
      "machines/m.yaml": TWO_TASKS,
    });
    const dev = startCli(["dev", "--port", "0"], { cwd });
    await dev.line((line) => line.includes("Ctrl-C stops"));
    await runCli(["send", "pr-1", "OPEN", "--machine", "m"], { cwd });
    await expect.poll(() => existsSync(join(cwd, "begun"))).toBe(true);

    const follow = startCli(["stacks", "logs", "pr-1", flag, "--follow", "--json"], { cwd });
    await follow.line((line) => line.includes("two feet deep"));
    writeFileSync(join(cwd, "go"), "");
    const { exitCode, stdout } = await follow.result;
    dev.interrupt();
    await dev.result;
    remove();

    expect(exitCode).toBe(0);
    expect(parseLines(stdout).map(({ task, text }) => [task, String(text).trim()])).toEqual([
      ["dig", "two feet deep"],
      ["fill", "two feet deep"],
    ]);
  });
});

describe("the end of dev", () => {
  it.each([["--json"], []])("names the tasks that it waits for (%s)", async (...flags) => {
    const { folder: cwd, remove } = makeTempProject({
      "stackyard.config.json": '{"plugins": ["./plugin.mjs"]}',
      "plugin.mjs": PLUGIN,
      "machines/m.yaml": MACHINE,
    });
    const dev = startCli(["dev", "--port", "0", ...flags], { cwd });
    await dev.line((line) => /ready|Ctrl-C stops/.test(line));
    await runCli(["send", "pr-1", "OPEN", "--machine", "m"], { cwd });
    await expect.poll(() => existsSync(join(cwd, "begun"))).toBe(true);

    dev.interrupt();
    if (flags.length === 0) await dev.errorLine((line) => line.includes("Waiting up to"));
    else await dev.line((line) => line.includes('"stopping"'));
    writeFileSync(join(cwd, "go"), "");
    const { exitCode, stdout, stderr } = await dev.result;
    remove();

    expect(exitCode).toBe(0);
    if (flags.length === 0) expect(stderr).toContain("Waiting up to 10 s for pr-1 dig");
    else {
      const stopping = { kind: "stopping", running: [{ stackId: "pr-1", task: "dig" }] };
      expect(parseLines(stdout)).toContainEqual(stopping);
    }
  });

  it("says that no task runs", async () => {
    const { folder: cwd, remove } = makeTempProject({ "stackyard.config.json": "{}" });
    const dev = startCli(["dev", "--port", "0"], { cwd });
    await dev.line((line) => line.includes("Ctrl-C stops"));

    dev.interrupt();
    const { stderr } = await dev.result;
    remove();

    expect(stderr).toContain("Stopping. No task is running.\nStopped.");
  });
});

describe("services of plugins", () => {
  it("answer in dev, read secrets of the project, and show in doctor when they fail", async () => {
    const { folder: cwd, remove } = makeTempProject({
      "stackyard.config.json": '{"plugins": ["./plugin.mjs"]}',
      "machines/m.yaml": "version: 1\nevents: [OPEN]\nstates: {INIT: {}}\n",
      "hook-secret": "tell\n",
      "plugin.mjs": `export default { kind: "stackyard-plugin", name: "p", commands: [], executors: () => [], services: () => [{
        name: "bell",
        routes: [{ method: "POST", path: "/hooks/bell", maxBytes: 10, answer: async (request, { readSecret }) => {
          const isKnown = Buffer.from(request.body).toString() === await readSecret({ file: "hook-secret" });
          return new Response(null, { status: isKnown ? 202 : 401 });
        } }],
        tick: async ({ records }) => {
          const failure = { count: 1, firstAt: 0, lastAt: 0, message: "It may not ring." };
          const value = { key: "bell/1", value: 0, firstPutAt: 0, puts: 1, dueAt: 0, claims: 1, failure, deadAt: 0 };
          await records.put({ key: "queue/bells/1", value, expected: "absent", now: Date.now() });
          throw new Error("The bell is broken.");
        },
      }] };`,
    });
    const dev = startCli(["dev", "--port", "0", "--json"], { cwd });
    const { url } = JSON.parse(await dev.line((line) => line.includes('"ready"')));
    const ring = async (body: string) => (await fetch(`${url}/hooks/bell`, { method: "POST", body })).status;

    const statuses = [await ring("tell"), await ring("wrong")];
    const readDoctor = async () => (await runCli(["doctor"], { cwd })).stdout;

    expect(statuses).toEqual([202, 401]);
    await expect.poll(readDoctor).toMatch(/fail +services +bell has failed .*The bell is broken/);
    expect(await readDoctor()).toMatch(/warn +queues +bells has 1 dead letter, such as bell\/1: It may not ring\./);
    dev.interrupt();
    await dev.result;
    remove();
  });
});
