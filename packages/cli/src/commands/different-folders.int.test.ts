import { rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterEach, expect, it } from "vitest";
import { runCli, startCli } from "../testing/run-cli.ts";
import { makeSharedStore } from "../testing/shared-store.ts";
import { makeTempProject } from "../testing/temp-project.ts";

const toMachine = (events: string, on: string) => `version: 2
revision: follow
events: [OPEN, CLOSE, NOTE${events}]
states:
  INIT: { on: { OPEN: WORK } }
  WORK: { tasks: [dig], on: { NEXT: LIVE, NOTE: no-op } }
  LIVE: { on: { NOTE: no-op, CLOSE: GONE${on} } }
  GONE: { terminal: true, tasks: [fill] }
tasks:
  dig: { executor: own, config: {} }
  fill: { executor: own, config: {} }
`;
const OLDER = toMachine("", "");
const NEWER = toMachine(", EXTEND", ", EXTEND: no-op");

/** Its work ends when the folder has a file \`go\`, and it is polled until then. */
const PLUGIN = `import { existsSync } from "node:fs";
export default { kind: "stackyard-plugin", name: "p", commands: [], executors: (_options, { projectDir }) => {
  const step = () => existsSync(projectDir + "/go")
    ? { kind: "succeeded", outputs: {} }
    : { kind: "running", progress: {}, pollAfterMs: 200, message: "digs" };
  return [{ name: "own", config: { type: "object" }, progress: { type: "object" }, resumable: true, cancelWithin: "5m",
    start: async () => step(), poll: async () => step() }];
} };
`;

const cleanUps: (() => unknown)[] = [];
afterEach(async () => {
  for (const cleanUp of cleanUps.splice(0).reverse()) await cleanUp();
});

/** Two projects over one store: one has the older document and no plugin, the other one the newer document and the plugin. */
function createProjects() {
  const { files, store } = makeSharedStore();
  const create = (machine: string, plugins: readonly string[]) => {
    const { folder, remove } = makeTempProject({
      ...files,
      "stackyard.config.json": JSON.stringify({ store: "./store.mjs", plugins }),
      "plugin.mjs": PLUGIN,
      "machines/m.yaml": machine,
    });
    cleanUps.push(remove);
    return folder;
  };
  return { store, without: create(OLDER, []), whole: create(NEWER, ["./plugin.mjs"]) };
}

async function start(cwd: string) {
  const running = startCli(["server", "--with-worker", "--port", "0", "--json"], { cwd });
  const stop = async () => {
    running.interrupt();
    return running.result;
  };
  cleanUps.push(stop);
  await running.line((line) => line.includes('"kind":"ready"'));
  return { stop };
}

const POLL = { timeout: 30_000, interval: 200 };

it("two servers with different folders, one without the plugin, give up nothing and fail no task", async () => {
  const { store, without, whole } = createProjects();
  await start(whole);
  const send = (cwd: string, ...words: string[]) => runCli(["send", ...words], { cwd });
  const stateOf = async (id: string) => (await store.load([id]))[0]?.stack?.state;
  const ids = ["a", "b", "c", "d"];
  for (const id of ids) await send(whole, id, "OPEN", "--machine", "m");
  await expect.poll(async () => Promise.all(ids.map(stateOf)), POLL).toEqual(ids.map(() => "WORK"));
  await start(without);
  for (const id of ids) await send(without, id, "NOTE");
  writeFileSync(join(whole, "go"), "");

  await expect
    .poll(async () => Promise.all(ids.map(stateOf)), { ...POLL, timeout: 90_000 })
    .toEqual(ids.map(() => "LIVE"));
  for (const id of ids) await send(without, id, "EXTEND");
  const outcomes = async (id: string, event: string) => {
    const { items } = await store.queries.listHistory({ stackId: id }, { limit: 200 });
    return items.filter((line) => line.event === event).map(({ outcome }) => outcome);
  };
  await expect
    .poll(async () => (await Promise.all(ids.map((id) => outcomes(id, "EXTEND")))).map((each) => each.at(-1)), {
      ...POLL,
      timeout: 90_000,
    })
    .toEqual(ids.map(() => "applied"));
  const hashes = await Promise.all(
    ids.map(async (id) => {
      const { items } = await store.queries.listHistory({ stackId: id }, { limit: 200 });
      return items.map(({ machineHash }) => machineHash).filter((hash, place, all) => hash !== all[place - 1]).length;
    }),
  );
  const failures = await Promise.all(ids.map((id) => outcomes(id, "TASK_FAILED")));

  expect((await store.queries.listDeadLetters({}, { limit: 10 })).items).toEqual([]);
  expect(failures).toEqual([[], [], [], []]);
  // Each moves once at most, and never back.
  expect(Math.max(...hashes)).toBeLessThanOrEqual(2);
}, 240_000);

it("a clean-up waits while no server has the plugin, is named by doctor, and ends when it is back", async () => {
  const { store, without, whole } = createProjects();
  const server = await start(whole);
  writeFileSync(join(whole, "go"), "");
  await runCli(["send", "s", "OPEN", "--machine", "m", "--until", "LIVE"], { cwd: whole });
  await server.stop();
  rmSync(join(without, "machines/m.yaml"));
  const lacking = await start(without);
  await runCli(["send", "s", "CLOSE"], { cwd: without });
  const read = async () => (await store.load(["s"]))[0]?.stack?.tasks.map(({ status }) => status);
  await expect.poll(read, POLL).toEqual(["PENDING"]);
  const shown = await runCli(["stacks", "show", "s"], { cwd: without });
  const doctor = await runCli(["doctor"], { cwd: without });
  await lacking.stop();

  await start(whole);
  await expect.poll(async () => (await store.load(["s"]))[0]?.stack, { ...POLL, timeout: 60_000 }).toBeUndefined();

  expect(shown.stdout).toContain('"own"');
  expect(doctor.stdout).toContain("The yard has no document of m (1 stack)");
}, 180_000);
