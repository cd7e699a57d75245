import { createServer } from "node:net";
import { join } from "node:path";
import { afterEach, expect, it } from "vitest";
import { runCli, startCli, startDev } from "../testing/run-cli.ts";
import { makeTempProject } from "../testing/temp-project.ts";

const MACHINE = "version: 2\nevents: [OPENED]\nstates: { INIT: { on: { OPENED: LIVE } }, LIVE: {} }\n";

const ends: (() => unknown)[] = [];
afterEach(async () => {
  for (const end of ends.splice(0).reverse()) await end();
});

function aProject(files: Readonly<Record<string, string>>): string {
  const { folder, remove } = makeTempProject({ ".keep": "", ...files });
  ends.push(remove);
  return folder;
}

it("Reported: triggerdotdev/trigger.dev#3929. dev in an empty folder starts, and says where the first machine belongs", async () => {
  const cwd = aProject({});
  const dev = startCli(["dev", "--port", "0"], { cwd });

  await dev.line((line) => line.includes(`none yet: put one into ${join(cwd, "machines")}`));
  dev.interrupt();

  expect((await dev.result).exitCode).toBe(0);
});

it("Reported: triggerdotdev/trigger.dev#2650. A command in another folder says that no server runs for this one", async () => {
  const cwd = aProject({});

  const { exitCode, stderr } = await runCli(["send", "pr-1", "OPENED"], { cwd });

  expect(exitCode).toBe(3);
  expect(stderr).toContain(`No server runs for this project: ${join(cwd, ".stackyard/server.json")} is missing.`);
  expect(stderr).toContain("Start it with `stackyard dev`");
});

// Reported: restatedev/restate#1669
it("Reported: temporalio/cli#543. A port in use is the whole message, with the option for another", async () => {
  const cwd = aProject({ "machines/m.yaml": MACHINE });
  const other = createServer().listen(0, "127.0.0.1");
  ends.push(() => other.close());
  await new Promise((resolve) => other.once("listening", resolve));
  const address = other.address();
  const port = typeof address === "object" ? String(address?.port) : "";

  const { exitCode, stderr } = await runCli(["dev", "--port", port], { cwd });

  expect(exitCode).toBe(3);
  expect(stderr.trim().split("\n")).toEqual([
    expect.stringContaining(`The server cannot listen on 127.0.0.1:${port}: listen EADDRINUSE`),
    "Choose another port with --port. 0 selects a free one.",
  ]);
});

it("Reported: temporalio/cli#634. The address of dev comes with the folder that keeps the data", async () => {
  const cwd = aProject({ "machines/m.yaml": MACHINE });
  const dev = startCli(["dev", "--port", "0", "--no-token"], { cwd });

  await dev.line((line) => line === `data       ${join(cwd, ".stackyard")}`);
  dev.interrupt();

  expect((await dev.result).exitCode).toBe(0);
});

it.each([[["--version"]], [["version"]], [["--help"]], [["stacks", "--help"]]])(
  "Reported: akuity/kargo#1333. %j needs no login, server or valid configuration",
  async (words) => {
    const cwd = aProject({ "stackyard.config.ts": 'throw new Error("boom")', "package.json": '{"type": "module"}' });

    expect(await runCli(words, { cwd })).toMatchObject({ exitCode: 0, stderr: "" });
  },
);

it("Reported: diggerhq/digger#260. A colon behind the name of a task is found where it is written", async () => {
  const text = `${MACHINE.replace("LIVE: {}", "LIVE: { tasks: [{ app: }] }")}tasks: { app: { executor: gate } }\n`;
  const cwd = aProject({ "machines/m.yaml": text });

  const { exitCode, stdout } = await runCli(["validate"], { cwd });

  expect(exitCode).toBe(1);
  expect(stdout).toMatch(/3:\d+ +error +state-task-not-string +states\.LIVE\.tasks\.0: .*must be the name of a task/);
});

it("Reported: diggerhq/digger#1153. An unknown key is an error with its line and the key that was meant", async () => {
  const cwd = aProject({ "machines/m.yaml": MACHINE.replace("LIVE: {}", "LIVE: { task: [] }") });

  const { exitCode, stdout } = await runCli(["validate"], { cwd });

  expect(exitCode).toBe(1);
  expect(stdout).toMatch(/3:\d+ +error .*"task".*"?tasks"?/);
});

it("Reported: pulumi/pulumi#3255. A project that is made twice is refused with the files that are there", async () => {
  const cwd = aProject({});
  await runCli(["init", "shop", "--template", "minimal"], { cwd });

  const { exitCode, stderr } = await runCli(["init", "shop", "--template", "minimal"], { cwd });

  expect(exitCode).toBe(1);
  expect(stderr).toContain("machines/environment.yaml");
  expect(stderr).toContain("Nothing was written.");
});

it("Reported: pulumi/pulumi#7040. A project that could not be made whole can be made again", async () => {
  const cwd = aProject({ "shop/terraform": "a file where a folder belongs" });

  const first = await runCli(["init", "shop", "--template", "minimal"], { cwd });
  const other = await runCli(["init", "shop", "--template", "minimal"], { cwd });

  expect(first.exitCode).not.toBe(0);
  expect(other.stderr).toBe(first.stderr);
});

it("Reported: temporalio/temporal#6226. An option before the command says that the command comes first", async () => {
  const { exitCode, stderr } = await runCli(["--url", "http://127.0.0.1:1", "stacks", "ls"]);

  expect(exitCode).toBe(64);
  expect(stderr).toContain("Write the command first, then its options");
});

it("Reported: restatedev/restate#3829. What the server refuses is not a success", async () => {
  const cwd = aProject({ "machines/m.yaml": MACHINE });
  const dev = await startDev(cwd);
  ends.push(async () => {
    dev.interrupt();
    await dev.result;
  });

  const unknown = await runCli(["send", "pr-1", "OPEND", "--machine", "m"], { cwd });
  const wrong = await runCli(["stacks", "show", "pr-9"], { cwd });
  const machine = await runCli(["send", "pr-2", "OPENED", "--machine", "mm"], { cwd });
  const parked = await runCli(["events", "ls", "--parked", "--json"], { cwd });

  expect([unknown.exitCode, wrong.exitCode]).not.toContain(0);
  expect(unknown.stdout).toContain('Did you mean "OPENED"?');
  expect(wrong.stderr).toContain("STACK_UNKNOWN");
  expect([machine.exitCode, parked.stdout]).toEqual([1, ""]);
  expect(machine.stderr).toMatch(
    /^error MACHINE_UNKNOWN Unknown machine "mm"\. Did you mean "m"\? Nothing was sent\.$/m,
  );
});
