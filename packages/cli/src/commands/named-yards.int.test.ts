import { silentLogger } from "@stackyard/core";
import { createMemoryStore, createStaticLocator, createUlids, startYard, systemClock } from "@stackyard/core/engine";
import { parseMachine } from "@stackyard/core/machine";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { FAKE_YARD_RUNTIME } from "../testing/fake-yard-runtime.ts";
import { parseLines, type RunningCli, runCli, startCli } from "../testing/run-cli.ts";
import { makeTempProject } from "../testing/temp-project.ts";

const MACHINE = `version: 1
events: [OPEN, CLOSE]
states:
  INIT: {on: {OPEN: [{action: advance, state: UP}]}}
  UP: {tasks: [net], on: {NEXT: [{action: advance, state: IDLE}]}}
  IDLE: {on: {CLOSE: [{action: advance, state: GONE}]}}
  GONE: {terminal: true}
tasks:
  net: {executor: lambda, config: {name: net}}
`;
const QUEUES = "https://sqs.eu-west-1.amazonaws.com/111122223333";
const AWS = {
  type: "aws",
  region: "eu-west-1",
  stacksTable: "Stacks",
  machines: { bucket: "machines" },
  eventQueueUrl: `${QUEUES}/stack-events`,
  taskQueueUrl: `${QUEUES}/stack-tasks`,
};
const ACCOUNTS = { "111122223333": "shop-prod" };
const PLUGIN = `import { definePlugin } from "@stackyard/core";
import { Type } from "typebox";
const args = Type.Object({});
const run = async ({ out, server, accounts }) => {
  const answer = await fetch(server.url + "/v1/yard", { headers: { authorization: "Bearer " + server.token } });
  const served = await answer.json();
  out.result({ status: answer.status, accounts, served: served.accounts, name: served.name }, () => String(answer.status));
  return 0;
};
export default definePlugin({ name: "ask", executors: [], commands: [{ name: "ask", summary: "Ask.", args, run }] });
`;

describe("commands over yards of the configuration", () => {
  const config = {
    plugins: ["./ask.mjs"],
    accounts: ACCOUNTS,
    yards: { production: AWS, broken: { ...AWS, profile: "broken" }, nowhere: { ...AWS, region: "xx-nowhere-1" } },
  };
  const { folder: cwd, remove } = makeTempProject({
    ...FAKE_YARD_RUNTIME,
    "stackyard.config.json": JSON.stringify(config),
    "ask.mjs": PLUGIN,
  });
  const run = (...words: string[]) => runCli(words, { cwd });
  let running: ReturnType<typeof startYard>;

  beforeAll(() => {
    const store = createMemoryStore();
    const { machine } = parseMachine(MACHINE, { name: "m" });
    if (machine === undefined) throw new TypeError("The machine is invalid.");
    const locator = createStaticLocator([{ machine, source: MACHINE }]);
    globalThis.stackyardTestYard = { store, locator, closed: 0 };
    const deps = { store, locator, executors: new Map(), clock: systemClock, ids: createUlids(), logger: silentLogger };
    running = startYard(deps, { roles: ["engine"] });
  });

  afterAll(async () => {
    await running.stop();
    globalThis.stackyardTestYard = undefined;
    remove();
  });

  it("send, wait and show as over a server, under the name of who has the credentials", async () => {
    const sent = await run("send", "pr-1", "OPEN", "-m", "m", "--wait", "--json", "--yard", "production");
    expect([sent.exitCode, parseLines(sent.stdout).at(-1)]).toMatchObject([0, { outcome: "applied", to: "UP" }]);

    const settled = await run(
      "stacks",
      "settle",
      "pr-1",
      "net",
      "--reason",
      "by hand",
      "--json",
      "--yard",
      "production",
    );
    expect([settled.exitCode, parseLines(settled.stdout)[0]]).toMatchObject([0, { outcome: "applied" }]);

    const history = await run("stacks", "history", "pr-1", "--json", "--yard", "production");
    expect(parseLines(history.stdout).map(({ event, actor }) => [event, actor])).toContainEqual([
      "OPEN",
      "arn:aws:iam::111122223333:user/ada",
    ]);
    const listed = await run("stacks", "ls", "--json", "--yard", "production");
    expect(parseLines(listed.stdout)).toMatchObject([{ id: "pr-1", state: "IDLE" }]);
    const machines = await run("machines", "ls", "--json", "--yard", "production");
    expect(parseLines(machines.stdout)).toMatchObject([{ name: "m" }]);
  });

  it("take the yard of the environment", async () => {
    const listed = await runCli(["stacks", "ls", "--json"], { cwd, env: { STACKYARD_YARD: "production" } });

    expect(listed.exitCode).toBe(0);
  });

  it("close the yard, also after a refusal", async () => {
    const before = globalThis.stackyardTestYard?.closed ?? 0;

    const shown = await run("stacks", "show", "unknown", "--yard", "production");

    expect(shown).toMatchObject({ exitCode: 1, stderr: expect.stringContaining("STACK_UNKNOWN") });
    expect(globalThis.stackyardTestYard?.closed).toBe(before + 1);
  });

  it("follow a yard until they are interrupted", async () => {
    const watching: RunningCli = startCli(
      ["stacks", "watch", "pr-2", "--json", "--since", "0", "--yard", "production"],
      {
        cwd,
      },
    );
    await run("send", "pr-2", "OPEN", "-m", "m", "--yard", "production");

    expect(JSON.parse(await watching.line((line) => line.includes('"pr-2"')))).toMatchObject({ event: "OPEN" });
    watching.interrupt();
    expect((await watching.result).exitCode).toBe(130);
  });

  it("of plugins get the server too, with the names of the yard on AWS and of accounts", async () => {
    const asked = await run("ask", "--json", "--yard", "production");

    expect(parseLines(asked.stdout)).toEqual([
      { status: 200, accounts: ACCOUNTS, served: ACCOUNTS, name: "production" },
    ]);
  });

  it("name yards that there are", async () => {
    expect(await run("stacks", "ls", "--yard", "prodution")).toMatchObject({
      exitCode: 3,
      stderr: expect.stringMatching(/Unknown yard "prodution".*\n.*Did you mean "production"\?/),
    });
    expect(await run("stacks", "ls", "--yard", "production", "--url", "http://127.0.0.1:1")).toMatchObject({
      exitCode: 64,
    });
  });

  it("show what doctor finds, and end with 1 where something fails", async () => {
    const sound = await run("doctor", "--yard", "production", "--json");
    const broken = await run("doctor", "--yard", "broken");

    expect(sound.exitCode).toBe(0);
    expect(parseLines(sound.stdout).map(({ check, status }) => `${status} ${check}`)).toEqual([
      ...["ok node", "ok config", "ok plugins", "ok identity", "warn queue"],
    ]);
    expect(parseLines(sound.stdout).at(-1)?.["message"]).toBe("terraform,lambda,command,deploy,gate");
    expect(broken.exitCode).toBe(1);
    expect(broken.stdout).toMatch(/^fail {2}queue .*\n +Look\.$/m);
  });

  it("report in doctor that a yard is missing", async () => {
    const found = await run("doctor", "--yard", "staging", "--json");

    expect(found.exitCode).toBe(1);
    expect(parseLines(found.stdout).at(-1)).toMatchObject({ check: "yard", status: "fail" });
  });
});

describe("a yard whose server answers", () => {
  it("is called with its own token, and doctor checks it", async () => {
    const dev = makeTempProject({ "stackyard.config.json": "{}", "machines/m.yaml": MACHINE });
    const server = startCli(["server", "--with-worker", "--port", "0", "--json"], {
      cwd: dev.folder,
      env: { STACKYARD_API_TOKENS: "ada=0123456789abcdef" },
    });
    const { url } = JSON.parse(await server.line((line) => line.includes('"kind":"ready"')));
    const yards = { team: { url, token: "0123456789abcdef" }, stranger: { url, token: "another-token-0123" } };
    const project = makeTempProject({ "stackyard.config.json": JSON.stringify({ yards }) });
    const cwd = project.folder;

    const listed = await runCli(["machines", "ls", "--json", "--yard", "team"], { cwd });
    const refused = await runCli(["machines", "ls", "--yard", "stranger"], { cwd });
    const doctor = await runCli(["doctor", "--json", "--yard", "team"], { cwd });

    expect(parseLines(listed.stdout)).toMatchObject([{ name: "m" }]);
    expect(refused.stderr).toContain("UNAUTHENTICATED");
    expect(parseLines(doctor.stdout).at(-1)).toMatchObject({ check: "server", status: "ok" });
    expect(parseLines(doctor.stdout).at(-2)).toMatchObject({
      check: "processes",
      message: expect.stringContaining("1 server, 0 workers, version"),
    });
    server.interrupt();
    await server.result;
    dev.remove();
    project.remove();
  });
});

describe("a project without the package for AWS", () => {
  it("says what to install", async () => {
    const { folder: cwd, remove } = makeTempProject({
      "stackyard.config.json": JSON.stringify({ yards: { production: AWS } }),
      "node_modules/@stackyard/runtime/package.json": '{"name":"@stackyard/runtime","exports":{"./yard":"./yard.js"}}',
      "node_modules/@stackyard/runtime/yard.js": "module.exports = { openYard() {} };",
    });

    const listed = await runCli(["stacks", "ls", "--yard", "production"], { cwd });

    expect(listed).toMatchObject({ exitCode: 3, stderr: expect.stringContaining("is of another version") });
    remove();
  });
});
