import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type PostgresServer, startPostgres } from "@stackyard/postgres-server";
import pg from "pg";
import { afterAll, afterEach, beforeAll, describe, expect, it } from "vitest";
import { installOldVersion, OLD_VERSION } from "./old-version.ts";
import {
  ask,
  findState,
  type Listed,
  makePostgresYard,
  type PostgresYard,
  type StartedProcess,
  until,
} from "./postgres-yard.ts";
import { execCli } from "./spawn-cli.ts";

/** Two tasks one after the other; each appends a line to a file and takes its time. */
const MACHINE = `version: 1
events: [OPEN, PING]
states:
  INIT: {on: {OPEN: [{action: advance, state: FIRST}]}}
  FIRST: {tasks: [one], on: {NEXT: [{action: advance, state: SECOND}]}}
  SECOND: {tasks: [two], on: {NEXT: [{action: advance, state: DONE}]}}
  DONE: {on: {PING: []}}
tasks:
  one: {executor: note, config: {}}
  two: {executor: note, config: {}}
`;
const PLUGIN = `import { appendFileSync, existsSync, mkdirSync, writeFileSync } from "node:fs";
export default { kind: "stackyard-plugin", name: "p", commands: [], executors: (_options, { projectDir }) => [{
  name: "note", config: { type: "object" }, resumable: true, cancelWithin: "5m",
  async start(ctx) {
    mkdirSync(projectDir + "/begun", { recursive: true });
    writeFileSync(projectDir + "/begun/" + ctx.stackId + "-" + ctx.task, "");
    while (existsSync(projectDir + "/hold")) {
      if (ctx.signal.aborted) return { kind: "failed", code: "ENDED", message: "asked to end", retryable: true };
      await new Promise((resolve) => setTimeout(resolve, 20));
    }
    appendFileSync(projectDir + "/done-" + ctx.stackId, ctx.task + " " + ctx.idempotencyKey + "\\n");
    return { kind: "succeeded", outputs: {} };
  },
}] };
`;

/** Servers that are replaced, and as many workers. */
const REPLACED = process.env["LONG_TESTS"] ? 2 : 1;

let postgres: PostgresServer;
let yard: PostgresYard;
let oldVersion = "";
const oldFolder = mkdtempSync(join(tmpdir(), "stackyard-e2e-old-"));
beforeAll(async () => {
  oldVersion = installOldVersion(oldFolder);
  postgres = await startPostgres({ durable: false });
});
afterAll(async () => {
  await postgres.stop();
  rmSync(oldFolder, { recursive: true, force: true });
});

function makeYard(options: object = {}): PostgresYard {
  const files = { "machines/m.yaml": MACHINE, "plugin.mjs": PLUGIN };
  yard = makePostgresYard({ postgres, files, plugins: ["./plugin.mjs"], options });
  return yard;
}

const startServer = () => yard.start("server", "--port", "0");
const startWorker = (...words: readonly string[]) => yard.start("worker", ...words);
const listBegun = () => (existsSync(join(yard.cwd, "begun")) ? readdirSync(join(yard.cwd, "begun")) : []);
const startOld = (...words: readonly string[]) => yard.startOther(oldVersion, ...words);

const listStates = async (server: StartedProcess) =>
  (await ask<Listed<{ state: string }>>(server, "/v1/stacks?limit=1000")).items.map(({ state }) => state);
const listIds = async (server: StartedProcess) =>
  (await ask<Listed<{ id: string }>>(server, "/v1/processes")).items.map(({ id }) => id);

/** Steps of a release that is still to come: which one, and which step a release must know to work with it. */
const addLaterStep = (schema: string, step: number, worksFrom: number) =>
  query(`insert into ${schema}.migration (step, name, works_from, stacks_schema)
    select ${step}, 'later', ${worksFrom}, max(stacks_schema) from ${schema}.migration`);

async function query(text: string): Promise<void> {
  const client = new pg.Client(postgres.url);
  await client.connect();
  await client.query(text);
  await client.end();
}

/** Opens one stack after the other at the servers that are running then, until it is stopped; returns their ids. */
async function openWhile(wanted: () => boolean, servers: readonly StartedProcess[]): Promise<readonly string[]> {
  const ids: string[] = [];
  while (wanted()) {
    const id = `pr-${ids.length}`;
    const event = { id: `open-${id}`, stackId: id, event: "OPEN", machine: "m" };
    // A server that is stopping returns no answer: the event goes to the next one, and is still applied only once.
    await until(async () => {
      const server = servers[Math.floor(Math.random() * servers.length)];
      if (server === undefined) return false;
      const sent = await ask(server, "/v1/events", [event]).then(
        () => true,
        () => false,
      );
      return sent && (await findState(server, id)) !== undefined;
    });
    ids.push(id);
  }
  return ids;
}

/** Puts a new process in the place of each, then asks the old one to end; gives their exit codes. */
async function replaceAll(
  processes: StartedProcess[],
  startNew: () => Promise<StartedProcess>,
): Promise<readonly (number | null)[]> {
  const codes: (number | null)[] = [];
  for (const [index, old] of processes.entries()) {
    processes[index] = await startNew();
    old.child.kill("SIGTERM");
    codes.push((await old.ended).exitCode);
  }
  return codes;
}

describe("servers and workers over one Postgres", () => {
  afterEach(() => yard.end());

  it("continue when some of them are killed and others are stopped, and do everything once", async () => {
    const { cwd } = makeYard();
    // All at once, over a database without a schema.
    const [servers, workers] = await Promise.all([
      Promise.all([startServer(), startServer()]),
      Promise.all([startWorker(), startWorker(), startWorker()]),
    ]);
    writeFileSync(join(cwd, "hold"), "");
    const ids = Array.from({ length: 24 }, (_, index) => `pr-${index}`);
    const open = (id: string) => ({ id: `open-${id}`, stackId: id, event: "OPEN", machine: "m" });

    // Each event goes to both servers, as after a lost answer.
    for (const server of servers) await ask(server, "/v1/events", ids.map(open));
    await until(() => listBegun().length >= 12);
    const listed = await listIds(servers[1]);
    workers[0].child.kill("SIGKILL");
    workers[1].child.kill("SIGTERM");
    servers[0].child.kill("SIGKILL");
    await workers[1].line((line) => line.includes('"kind":"stopping"'));
    rmSync(join(cwd, "hold"));
    const drained = await workers[1].ended;
    await until(async () => (await listStates(servers[1])).filter((state) => state === "DONE").length === ids.length);

    expect([...listed].sort()).toEqual([...servers, ...workers].map(({ id }) => id).sort());
    expect(drained.exitCode).toBe(0);
    expect(await listIds(servers[1])).not.toContain(workers[1].id);
    const { items } = await ask<Listed<{ event: string; outcome: string; actor?: string }>>(
      servers[1],
      "/v1/history?limit=1000",
    );
    expect(
      items
        .filter(({ outcome }) => outcome === "applied")
        .map(({ event }) => event)
        .sort(),
    ).toEqual([...ids.map(() => "OPEN"), ...ids.flatMap(() => ["TASK_COMPLETED", "TASK_COMPLETED"])].sort());
    expect(items.filter(({ event }) => event === "OPEN").every(({ actor }) => actor === "ada")).toBe(true);
    // A killed worker's task runs again under the same key.
    for (const id of ids) {
      const lines = readFileSync(join(cwd, `done-${id}`), "utf8")
        .trimEnd()
        .split("\n");
      expect(new Set(lines).size).toBe(2);
    }
  });

  it("run together with a newer version, and refuse a store of an unsupported version", async () => {
    const { cwd, env, schema } = makeYard();
    const server = await startServer();
    await startWorker();
    const old = await startOld("worker");

    await query(`alter table ${schema}.stacks add column later text`);
    await addLaterStep(schema, 998, 1);
    await startServer();
    await ask(server, "/v1/events", [{ stackId: "mixed", event: "OPEN", machine: "m" }]);
    await until(async () => (await findState(server, "mixed")) === "DONE");
    const { items } = await ask<Listed<{ id: string; version: string }>>(server, "/v1/processes");
    const doctor = await execCli(["doctor"], { cwd, env });
    await addLaterStep(schema, 999, 999);
    const refused = await execCli(["worker"], { cwd, env });

    expect(items.find(({ id }) => id === old.id)?.version).toBe(OLD_VERSION);
    expect(doctor.stdout).toMatch(/versions +0\.0\.9 and \S+ run at the same time/);
    expect([refused.exitCode, refused.stderr]).toEqual([3, expect.stringContaining("STORE_TOO_NEW")]);
  });

  it("are replaced by a newer version one after the other while events come, and lose none", async () => {
    const { cwd, env } = makeYard();
    const startEach = (start: () => Promise<StartedProcess>) => Promise.all(Array.from({ length: REPLACED }, start));
    const servers = await startEach(() => startOld("server", "--port", "0"));
    const workers = await startEach(() => startOld("worker"));
    let replaced = false;
    const opening = openWhile(() => !replaced, servers);

    const { exitCode } = await execCli(["migrate"], { cwd, env });
    const codes = [...(await replaceAll(servers, startServer)), ...(await replaceAll(workers, () => startWorker()))];
    replaced = true;
    const ids = await opening;
    const server = servers[0] ?? expect.unreachable();
    await until(async () => (await listStates(server)).every((state) => state === "DONE"));
    const left = await ask<Listed<{ version: string }>>(server, "/v1/processes");
    const states = await listStates(server);

    expect([exitCode, codes]).toEqual([0, [...servers, ...workers].map(() => 0)]);
    expect(ids.length).toBeGreaterThan(4);
    expect(states).toEqual(ids.map(() => "DONE"));
    expect(left.items.map(({ version }) => version)).not.toContain(OLD_VERSION);
    expect(left.items).toHaveLength(2 * REPLACED);
    for (const id of ids)
      expect(
        readFileSync(join(cwd, `done-${id}`), "utf8")
          .trimEnd()
          .split("\n"),
      ).toHaveLength(2);
  });

  it("leave the schema to migrate where the configuration says so", async () => {
    const { cwd, env } = makeYard({ migrate: false });

    const early = await execCli(["worker"], { cwd, env });
    const migrated = await execCli(["migrate"], { cwd, env });
    const again = await execCli(["migrate"], { cwd, env });
    await startWorker();

    expect([early.exitCode, early.stderr]).toEqual([3, expect.stringMatching(/lacks step[\s\S]*stackyard migrate/)]);
    expect([migrated.exitCode, migrated.stdout]).toEqual([0, "The store postgres was migrated.\n"]);
    expect([again.exitCode, again.stdout]).toEqual([0, "The store postgres was up to date already.\n"]);
  });

  it("report that nothing answers at DATABASE_URL", async () => {
    const { cwd, env } = makeYard();
    const { exitCode, stderr } = await execCli(["server", "--port", "0"], {
      cwd,
      env: { ...env, DATABASE_URL: "postgres://nobody@127.0.0.1:9/none" },
    });

    expect([exitCode, stderr]).toEqual([3, expect.stringMatching(/STORE_UNAVAILABLE/)]);
  });
});

describe("a server and its workers over one Postgres", () => {
  let server: StartedProcess;
  /** The one that works at last. */
  let worker: StartedProcess | undefined;
  const begin = async () => {
    makeYard();
    server = await startServer();
    worker = undefined;
  };
  const findWorker = async () => {
    worker ??= await startWorker();
    return worker;
  };
  beforeAll(begin);
  // A second try begins with a new yard.
  afterEach(async ({ task }) => {
    if (task.result?.state !== "fail") return;
    await yard.end();
    await begin();
  });
  afterAll(() => yard.end());

  it("give a task back on SIGTERM to another worker, and end with 0", async () => {
    const { cwd } = yard;
    const first = await startWorker("--drain-timeout", "0s");
    writeFileSync(join(cwd, "hold"), "");
    await ask(server, "/v1/events", [{ stackId: "give", event: "OPEN", machine: "m" }]);
    await until(() => listBegun().includes("give-one"));

    first.child.kill("SIGTERM");
    const { exitCode, stdout } = await first.ended;
    const second = await startWorker();
    rmSync(join(cwd, "hold"));
    await until(async () => (await findState(server, "give")) === "DONE");
    const attempts = await ask<Listed<{ owner?: string; attempt: number }>>(server, "/v1/stacks/give/attempts");

    expect([exitCode, stdout]).toEqual([0, expect.stringContaining('"running":[{"stackId":"give","task":"one"}]')]);
    expect(attempts.items.map(({ attempt }) => attempt)).toEqual([1, 1]);
    second.child.kill("SIGTERM");
    expect((await second.ended).exitCode).toBe(0);
  });

  it("quit at once on a second signal, and another worker takes over when the lease has expired", async () => {
    const { cwd } = yard;
    const first = await startWorker();
    writeFileSync(join(cwd, "hold"), "");
    await ask(server, "/v1/events", [{ stackId: "quit", event: "OPEN", machine: "m" }]);
    await until(() => listBegun().includes("quit-one"));

    first.child.kill("SIGTERM");
    await first.line((line) => line.includes('"kind":"stopping"'));
    first.child.kill("SIGTERM");
    const { exitCode } = await first.ended;
    rmSync(join(cwd, "hold"));
    worker = await startWorker();
    await until(async () => (await findState(server, "quit")) === "DONE");

    expect(exitCode).toBe(130);
  });

  it("are reported by doctor and ps", async () => {
    const { cwd, env } = yard;
    const { id } = await findWorker();

    const doctor = await execCli(["doctor"], { cwd, env: { ...env, STACKYARD_URL: server.url } });
    const ps = await execCli(["ps", "--json"], { cwd, env: { ...env, STACKYARD_URL: server.url } });

    expect(doctor.stdout).toMatch(/store +postgres: \d+ stacks/);
    const listed = ps.stdout
      .trimEnd()
      .split("\n")
      .map((line) => JSON.parse(line).id);
    expect(listed).toEqual(expect.arrayContaining([server.id, id]));
  });

  it("wait for an unavailable Postgres, and continue when it is back", async () => {
    await findWorker();
    await postgres.kill();
    await postgres.start();

    await until(async () => {
      const sent = ask(server, "/v1/events", [{ id: "back", stackId: "back", event: "OPEN", machine: "m" }]);
      return sent.then(
        () => true,
        () => false,
      );
    });
    await until(async () => (await findState(server, "back")) === "DONE");

    expect(await listStates(server)).toContain("DONE");
  });

  it("end in order while Postgres is away", async () => {
    const processes = [server, await findWorker()];
    await postgres.kill();
    for (const { child } of processes) child.kill("SIGTERM");
    const ended = await Promise.all(processes.map((each) => each.ended)).finally(() => postgres.start());

    expect(ended.map(({ exitCode }) => exitCode)).toEqual([0, 0]);
  });
});
