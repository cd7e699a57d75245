import { existsSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { get } from "node:http";
import { join } from "node:path";
import { listProcesses } from "@stackyard/core/engine";
import { afterEach, describe, expect, it } from "vitest";
import { parseLines, type RunningCli, runCli, startCli } from "../testing/run-cli.ts";
import { makeSharedStore } from "../testing/shared-store.ts";
import { makeTempProject } from "../testing/temp-project.ts";

const MACHINE = `version: 1
events: [OPEN]
states:
  INIT: {on: {OPEN: [{action: advance, state: WORK}]}}
  WORK: {tasks: [dig], on: {NEXT: [{action: advance, state: DONE}]}}
  DONE: {}
tasks:
  dig: {executor: wait, config: {}}
`;
/** An executor that ends when a file `go` exists or it is cancelled, and stores the state backend's address. */
const PLUGIN = `import { existsSync, writeFileSync } from "node:fs";
export default { kind: "stackyard-plugin", name: "p", commands: [], executors: (_options, { projectDir, environment }) => [{
  name: "wait", config: { type: "object" }, resumable: true, cancelWithin: "5m",
  async start(ctx) {
    writeFileSync(projectDir + "/environment", JSON.stringify(Object.keys(environment)));
    writeFileSync(projectDir + "/begun", ctx.service({ name: "terraform-state" })?.url ?? "");
    while (!existsSync(projectDir + "/go")) {
      if (ctx.signal.aborted) return { kind: "failed", code: "ENDED", message: "It was asked to.", retryable: true };
      await new Promise((resolve) => setTimeout(resolve, 20));
    }
    return { kind: "succeeded", outputs: {} };
  },
}] };
`;
const TOKENS = { STACKYARD_API_TOKENS: "ada=first-secret-of-the-tests" };

const cleanUps: (() => unknown)[] = [];
afterEach(async () => {
  for (const cleanUp of cleanUps.splice(0).reverse()) await cleanUp();
});

function aProject(config: object = {}) {
  const { files, store } = makeSharedStore();
  const { folder: cwd, remove } = makeTempProject({
    ...files,
    "stackyard.config.json": JSON.stringify({ store: "./store.mjs", plugins: ["./plugin.mjs"], ...config }),
    "plugin.mjs": PLUGIN,
    "machines/m.yaml": MACHINE,
  });
  cleanUps.push(remove);
  return {
    cwd,
    store,
    go: () => writeFileSync(join(cwd, "go"), ""),
    hasBegun: () => expect.poll(() => existsSync(join(cwd, "begun"))).toBe(true),
    isDone: () => expect.poll(async () => (await store.load(["pr-1"]))[0]?.stack?.state).toBe("DONE"),
    list: async () => (await listProcesses(store.records, { limit: 9, now: Date.now() })).items,
  };
}

async function start(words: readonly string[], cwd: string, env: Readonly<Record<string, string>> = {}) {
  const running = startCli([...words, "--json"], { cwd, env });
  cleanUps.push(() => stop(running));
  const ready = await running.line((line) => line.includes('"kind":"ready"'));
  return { ...running, ready: parseLines(ready)[0] ?? {} };
}

async function stop(running: RunningCli) {
  running.interrupt();
  return running.result;
}

describe("stackyard server and stackyard worker", () => {
  it("take commands of their own folder when the server needs no token", async () => {
    const { cwd } = aProject();
    await start(["server", "--port", "0"], cwd).then(async (first) => stop(first));
    await start(["server", "--port", "0", "--no-token"], cwd);

    const listed = await runCli(["stacks", "ls", "--json"], { cwd });

    expect([listed.exitCode, listed.stderr]).toEqual([0, expect.not.stringContaining("UNAUTHENTICATED")]);
  });

  it("share the work: one applies events, the other runs tasks", async () => {
    const { cwd, go, hasBegun, isDone, list } = aProject();
    const server = await start(["server", "--port", "0"], cwd);
    const worker = await start(["worker", "--concurrency", "3", "--url", "http://yard.example.org"], cwd);

    await runCli(["send", "pr-1", "OPEN", "--machine", "m"], { cwd });
    await hasBegun();
    const listed = await list();
    const shown = await runCli(["ps"], { cwd });
    const doctor = await runCli(["doctor"], { cwd });
    const asJson = await runCli(["ps", "--json"], { cwd });
    go();
    await isDone();

    expect(shown.stdout).toMatch(
      /^ID +DOES +TASKS.*\n\S+ {2}engine .*\n\S+ {2}worker {2}[01] of 3 {2}.* terraform, lambda, command, deploy, gate, wait\n$/,
    );
    expect(doctor.stdout).toMatch(/store +\.\/store\.mjs: 1 stack, 0 dead-lettered events\./);
    expect(doctor.stdout).toMatch(/processes +1 server, 1 worker, version /);
    expect(parseLines(asJson.stdout)).toMatchObject(listed.map(({ id, roles }) => ({ id, roles })));
    expect(readFileSync(join(cwd, "begun"), "utf8")).toBe("http://yard.example.org/terraform/state");
    expect(listed).toMatchObject([
      { id: server.ready["id"], roles: ["engine"], url: server.ready["url"], executors: [], capacity: 0 },
      {
        id: worker.ready["id"],
        roles: ["worker"],
        executors: ["terraform", "lambda", "command", "deploy", "gate", "wait"],
        capacity: 3,
      },
    ]);
    expect([(await stop(worker)).exitCode, (await stop(server)).exitCode]).toEqual([0, 0]);
    expect(await list()).toEqual([]);
    expect(existsSync(join(cwd, ".stackyard/server.json"))).toBe(false);
  });

  it("answer under the name of their proxy, and under no other", async () => {
    const { cwd } = aProject({ server: { url: "https://yard.example.org" } });
    const { port } = new URL(String((await start(["server", "--port", "0"], cwd)).ready["url"]));
    const statusOf = (host: string) =>
      new Promise((resolve, reject) => {
        const request = get({ host: "127.0.0.1", port, path: "/health/ready", headers: { host } });
        request.on("response", ({ statusCode }) => resolve(statusCode)).on("error", reject);
      });

    expect([await statusOf("yard.example.org"), await statusOf("evil.example.org")]).toEqual([200, 421]);
  });

  it("keep the way into the store and the tokens from tasks", async () => {
    const { cwd, go, isDone } = aProject();
    const secrets = { DATABASE_URL: "postgres://secret", STACKYARD_TOKEN: "hush", STACKYARD_API_TOKENS: "" };
    await start(["server", "--port", "0"], cwd);
    await start(["worker"], cwd, { PATH: "/bin", ...secrets });
    go();
    await runCli(["send", "pr-1", "OPEN", "--machine", "m"], { cwd });
    await isDone();

    const names = JSON.parse(readFileSync(join(cwd, "environment"), "utf8"));
    expect(names).toEqual(["PATH"]);
  });

  it("requires the tokens of the environment, and knows the caller by them", async () => {
    const { cwd, store } = aProject();
    const server = await start(["server", "--port", "0"], cwd, TOKENS);
    const url = String(server.ready["url"]);
    const call = (token: string) =>
      fetch(`${url}/v1/stacks/pr-1/retry`, {
        method: "POST",
        headers: { authorization: `Bearer ${token}`, "content-type": "application/json" },
        body: "{}",
      });
    const sent = await runCli(["send", "pr-1", "OPEN", "--machine", "m", "--wait"], {
      cwd,
      env: { STACKYARD_URL: url, STACKYARD_TOKEN: "first-secret-of-the-tests" },
    });

    expect(sent.exitCode).toBe(0);
    expect((await call("another-secret-of-the-tests")).status).toBe(401);
    await call("first-secret-of-the-tests");
    const { items } = await store.queries.listHistory({ stackId: "pr-1", newestFirst: true }, { limit: 1 });
    expect(items).toMatchObject([{ actor: "ada" }]);
    expect(existsSync(join(cwd, ".stackyard"))).toBe(false);
  });

  // https://github.com/argoproj/argo-cd/issues/14704, https://github.com/apache/airflow/issues/43605
  it.each([
    [[], { YARD_NAME: "us-test" }, "us-test"],
    [["--yard-name", "eu-prod"], { YARD_NAME: "us-test" }, "eu-prod"],
    [[], {}, undefined],
  ])("name the yard with %j and %j", async (words, env, name) => {
    const { cwd } = aProject();
    const { ready } = await start(["server", "--port", "0", "--no-token", ...words], cwd, env);

    const answer = await fetch(`${ready["url"]}/v1/me`);

    expect(JSON.parse(await answer.text()).yard).toBe(name);
  });

  it("says when a worker lives and is ready, and that it is not while it stops", async () => {
    const { cwd, hasBegun, go, list } = aProject();
    await start(["server", "--port", "0"], cwd);
    const worker = await start(["worker", "--health-port", "0"], cwd);
    const statusOf = async (path: string) => (await fetch(`${worker.ready["healthUrl"]}/health/${path}`)).status;
    await runCli(["send", "pr-1", "OPEN", "--machine", "m"], { cwd });
    await hasBegun();

    const before = [await statusOf("live"), await statusOf("ready"), await statusOf("other")];
    worker.interrupt();
    await worker.line((line) => line.includes('"kind":"stopping"'));
    const during = [await statusOf("live"), await statusOf("ready")];
    await expect.poll(list).toMatchObject([
      { roles: ["engine"], draining: false },
      { roles: ["worker"], draining: true },
    ]);
    go();

    expect([before, during]).toEqual([
      [200, 200, 404],
      [200, 503],
    ]);
    expect((await worker.result).exitCode).toBe(0);
  });

  it("releases a task that does not end in time, and another worker continues it", async () => {
    const { cwd, hasBegun, go, isDone, store } = aProject();
    await start(["server", "--port", "0"], cwd);
    const first = await start(["worker", "--drain-timeout", "0s"], cwd);
    await runCli(["send", "pr-1", "OPEN", "--machine", "m"], { cwd });
    await hasBegun();

    const { exitCode, stdout } = await stop(first);
    const [given] = await store.queries.listAttempts("pr-1");
    go();
    await start(["worker"], cwd);
    await isDone();

    expect(exitCode).toBe(0);
    expect(parseLines(stdout)).toContainEqual({ kind: "stopping", running: [{ stackId: "pr-1", task: "dig" }] });
    expect(given).toMatchObject({ status: "suspended", attempt: 1 });
    expect(given?.leaseUntil).toBeUndefined();
    expect(await store.queries.listAttempts("pr-1")).toMatchObject([{ attempt: 1, outcome: "succeeded" }]);
  });

  it("are one process with --with-worker, over SQLite too", async () => {
    const { cwd, go } = aProject({ store: "sqlite" });
    go();
    const server = await start(["server", "--port", "0", "--with-worker"], cwd);

    const again = await runCli(["server", "--port", "0", "--with-worker"], { cwd });
    const sent = await runCli(["send", "pr-1", "OPEN", "--machine", "m", "--until", "DONE"], { cwd });

    expect(again.exitCode).toBe(3);
    expect(again.stderr).toMatch(/STORE_LOCKED[\s\S]*SQLite is for one process; several share Postgres/);
    expect(sent.exitCode).toBe(0);
    expect((await stop(server)).exitCode).toBe(0);
  });
});

describe("the settings of the engine", () => {
  it.each(["server", "dev"])("come from the environment of %s", async (command) => {
    const { cwd, go } = aProject();
    const env = { REFUSED_EVENTS: "drop", ALLOW_EXTERNAL_NEXT: "true" };
    const words = command === "dev" ? ["dev"] : ["server", "--with-worker"];
    await start([...words, "--port", "0"], cwd, env);
    await runCli(["send", "pr-1", "OPEN", "--machine", "m", "--wait"], { cwd });
    const send = async (event: string) => {
      const { stdout } = await runCli(["send", "pr-1", event, "--wait", "--json"], { cwd });
      return parseLines(stdout).at(-1);
    };

    const told = [await send("OPEN"), await send("NEXT")];
    go();

    expect(told).toMatchObject([
      { outcome: "refused", code: "EVENT_NOT_HANDLED" },
      { outcome: "applied", to: "DONE" },
    ]);
  });

  it.each(["server", "dev", "worker"])("are rejected by %s before anything is opened", async (command) => {
    const { cwd } = aProject({ store: "./none.mjs" });
    const env = { REFUSED_EVENTS: "redeliver", HISTORY_RETENTION_DAYS: "0" };

    const { exitCode, stderr } = await runCli([command], { cwd, env });

    expect(exitCode).toBe(3);
    expect(stderr).toMatch(/REFUSED_EVENTS must be park or drop.*\n.*HISTORY_RETENTION_DAYS must be/);
  });
});

describe("stackyard dev", () => {
  it("takes the store that the configuration names, and is listed with both roles", async () => {
    const { cwd, go, isDone, list } = aProject();
    go();
    await start(["dev", "--port", "0"], cwd);
    await runCli(["send", "pr-1", "OPEN", "--machine", "m"], { cwd });
    await isDone();

    expect(await list()).toMatchObject([
      { roles: ["engine", "worker"], executors: ["terraform", "lambda", "command", "deploy", "gate", "wait"] },
    ]);
    expect(existsSync(join(cwd, ".stackyard/stackyard.db"))).toBe(false);
  });

  it("leaves a database alone that only the environment names", async () => {
    const { cwd } = aProject({ store: undefined });
    const env = { DATABASE_URL: "postgres://nobody@127.0.0.1:9/none" };
    const dev = startCli(["dev", "--port", "0", "--json"], { cwd, env });
    cleanUps.push(() => stop(dev));

    await dev.line((line) => line.includes('"kind":"ready"'));
    expect(existsSync(join(cwd, ".stackyard/stackyard.db"))).toBe(true);
  });
});

describe("stackyard migrate", () => {
  it("opens the store to bring it up to date, whatever the configuration says of other processes", async () => {
    const { cwd } = aProject({ store: { type: "./spy.mjs", migrate: false, a: 1 } });
    const spy = `import { writeFileSync } from "node:fs";
export const createStore = async (options, { projectDir, migrate }) => {
  writeFileSync(projectDir + "/asked", JSON.stringify({ options, migrate }));
  return { ...globalThis.stackyardTestStore, close: async () => {} };
};`;
    writeFileSync(join(cwd, "spy.mjs"), spy);
    const asked = () => JSON.parse(readFileSync(join(cwd, "asked"), "utf8"));

    const { exitCode, stdout } = await runCli(["migrate"], { cwd });
    const migrated = asked();
    await runCli(["doctor"], { cwd });
    const looked = asked();

    expect([exitCode, stdout]).toEqual([0, "The store ./spy.mjs was up to date already.\n"]);
    expect(migrated).toEqual({ options: { a: 1 }, migrate: true });
    expect(looked).toEqual({ options: { a: 1, migrate: false }, migrate: false });
  });
});

describe("a server or a worker that cannot start", () => {
  const refuse = async (words: readonly string[], config: object, env: Readonly<Record<string, string>> = {}) => {
    const { cwd } = aProject(config);
    const { exitCode, stderr } = await runCli(words, { cwd, env });
    return { exitCode, stderr, cwd };
  };

  it.each([
    [
      "server",
      /CONFIG_INVALID No worker can join this server, because the SQLite store is for one process[\s\S]*npm install \/\S+\/packages\/store-postgres`/,
    ],
    ["worker", /CONFIG_INVALID A worker shares its store with the servers[\s\S]*DATABASE_URL/],
  ])("names Postgres when a %s has no store to share", async (command, told) => {
    const { exitCode, stderr, cwd } = await refuse([command], { store: "sqlite" });

    expect([exitCode, stderr]).toEqual([3, expect.stringMatching(told)]);
    expect(existsSync(join(cwd, ".stackyard"))).toBe(false);
  });

  it("wants names for those who may call from other machines", async () => {
    const { exitCode, stderr } = await refuse(["server", "--host", "0.0.0.0"], {});

    expect([exitCode, stderr]).toEqual([3, expect.stringContaining("no API token is configured")]);
  });

  it.each([
    [
      "a store package that is not there",
      { store: "@acme/store" },
      /"@acme\/store" cannot be loaded: .*npm install @acme\/store/,
    ],
    ["an invalid store", { store: "./plugin.mjs" }, /"\.\/plugin\.mjs" does not export `createStore`/],
    ["a store that gives nothing", { store: "./empty.mjs" }, /file \S+empty\.mjs not found/],
    [
      "options of SQLite",
      { store: { type: "sqlite", folder: "x" } },
      /store\.folder: the store "sqlite" has no options/,
    ],
  ])("reports %s", async (_what, config, told) => {
    const { exitCode, stderr } = await refuse(["worker"], config);

    expect([exitCode, stderr]).toEqual([3, expect.stringMatching(told)]);
  });

  it.each([
    [["worker", "--drain-timeout", "soon"], 64, "Invalid duration --drain-timeout soon"],
    [["worker", "--url", "nowhere"], 3, '"nowhere" is not the address of a server'],
    [["server", "--no-token", "--host", "0.0.0.0"], 3, "not a loopback address"],
  ])("reports what is wrong with %j", async (words, code, message) => {
    const { exitCode, stderr } = await refuse(words, {});

    expect([exitCode, stderr]).toEqual([code, expect.stringContaining(message)]);
  });

  it.each(["server", "dev"])("leaves nothing running when %s cannot write its address", async (command) => {
    const { cwd, list } = aProject();
    mkdirSync(join(cwd, ".stackyard/server.json"), { recursive: true });

    const { exitCode } = await runCli([command, "--port", "0"], { cwd });

    expect(exitCode).not.toBe(0);
    expect(await list()).toEqual([]);
  });

  const NAME_FORM = "must be 1 to 64 letters, digits and _.-.";
  it.each([
    ["server", ["--yard-name", "<img src=x>"], {}, `--yard-name ${NAME_FORM}`],
    ["dev", ["--yard-name", "a".repeat(10_000)], {}, `--yard-name ${NAME_FORM}`],
    ["server", [], { YARD_NAME: "eu\u202eprod" }, `YARD_NAME ${NAME_FORM}`],
  ])("refuses a name of the yard that %s cannot show, and does not print it", async (command, words, env, message) => {
    const { exitCode, stderr } = await refuse([command, ...words], {}, env);

    expect([exitCode, stderr]).toEqual([3, expect.stringContaining(message)]);
    expect(stderr).not.toMatch(/<img|aaaa|\u202e/);
  });

  it("shows no token that is not one", async () => {
    const { exitCode, stderr } = await refuse(["server"], {}, { STACKYARD_API_TOKENS: "hush-hush-hush-hush-hush=" });

    expect([exitCode, stderr]).toEqual([3, expect.not.stringContaining("hush")]);
  });
});
