import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type Clock, type Plugin, type ServiceDeps, type Store, silentLogger } from "@stackyard/core";
import { createMemoryStore, createStaticLocator } from "@stackyard/core/engine";
import { parseMachine } from "@stackyard/core/machine";
import { createServiceRunner, notify, type ServiceRunner } from "@stackyard/core/services";
import { aChange, aHistoryEntry, countingIds, createFakeClock } from "@stackyard/core/testing";
import { APP_ID, APP_KEY, type HostSim, startHostSim } from "@stackyard/host-sim";
import hosts from "@stackyard/hosts";
import notifications from "@stackyard/notifications";
import previews from "@stackyard/previews";
import { afterAll, beforeAll, expect, it, vi } from "vitest";

const MINUTE = 60_000;
const SHOP = "acme/shop";
const HOOKS = `host: github
when: "hook.pull.number > 0"
machine: preview
stack: "shop-pr-\${hook.pull.number}"
pull:
  open: { send: OPENED }
`;
const MACHINE = `version: 2
events: [OPENED]
states: { INIT: { on: { OPENED: LIVE } }, LIVE: {} }
`;
const RULES = `channels:
  team: { type: slack, url: { env: SLACK } }
rules:
  - { name: leaked, when: "entry.to == 'LEAKED'", to: [team] }
`;

const projectDir = mkdtempSync(join(tmpdir(), "idle-services-"));
const clock = createFakeClock();
const store = createMemoryStore();
let github: HostSim;

beforeAll(async () => {
  mkdirSync(join(projectDir, "hooks"));
  writeFileSync(join(projectDir, "hooks", "shop.yaml"), HOOKS);
  writeFileSync(join(projectDir, "notifications.yaml"), RULES);
  github = await startHostSim({ secret: "a-secret", now: () => clock.now() });
  github.addRepository(SHOP);
});

afterAll(async () => {
  await github.stop();
  rmSync(projectDir, { recursive: true });
});

/** Starts the services of all plugins, as a server does. `writes` grows with each write of its own. */
function startProcess() {
  const writes: string[] = [];
  const noted = <Input extends readonly unknown[], Result>(write: (...input: Input) => Result) => {
    return (...input: Input): Result => {
      writes.push(JSON.stringify(input));
      return write(...input);
    };
  };
  const { records } = store;
  const counted: Store = {
    ...store,
    enqueue: noted(store.enqueue),
    records: { ...records, put: noted(records.put), remove: noted(records.remove) },
  };
  const host = { type: "github", appId: APP_ID, key: { env: "KEY" }, secrets: [{ env: "SECRET" }], url: github.url };
  const readSecret: ServiceDeps["readSecret"] = async (reference) =>
    "env" in reference && reference.env === "KEY" ? APP_KEY : "https://127.0.0.1:1/x";
  const context = { projectDir, dataDir: projectDir, environment: {} };
  const options = new Map<Plugin, unknown>([
    [hosts, { hosts: { github: host } }],
    [previews, { quotas: { previews: 5 }, wake: { url: "https://yard.example.org", keys: [{ env: "WAKE" }] } }],
    [notifications, {}],
  ]);
  const services = [...options].flatMap(([plugin, given]) => plugin.services?.(given, context) ?? []);
  const { machine } = parseMachine(MACHINE, { name: "preview" });
  const locator = createStaticLocator(machine === undefined ? [] : [{ machine, source: MACHINE }]);
  const loops = { asleep: 0, count: services.filter(({ tick }) => tick !== undefined).length };
  const sleep: Clock["sleep"] = async (ms, signal) => {
    loops.asleep += 1;
    await clock.sleep(ms, signal).finally(() => {
      loops.asleep -= 1;
    });
  };
  const own = { ...clock, sleep };
  const common = { locator, clock: own, ids: countingIds(), random: () => 1, logger: silentLogger };
  const runner = createServiceRunner({ ...common, store: counted, readSecret }, services);
  runner.run();
  return { runner, writes, loops };
}

/** Lets a minute pass. Each process reads deliveries in it, over HTTP, which takes time of the machine. */
async function passMinute(processes: readonly ReturnType<typeof startProcess>[]): Promise<void> {
  await clock.advance(MINUTE);
  // A process that still works when the next minute begins would miss it.
  const isAsleep = () => processes.every(({ loops }) => loops.asleep >= loops.count);
  await vi.waitFor(() => expect(isAsleep()).toBe(true), { timeout: 20_000, interval: 2 });
}

const isEvent = (write: string): boolean => write.startsWith("[[") && write.includes('"OPENED"');

async function readValue(key: string): Promise<unknown> {
  return (await store.records.get(key, clock.now()))?.value;
}

it("services with nothing to do write nothing, and each works as soon as another process gives it something", async () => {
  const processes = [startProcess(), startProcess()];
  for (let minute = 0; minute < 7; minute++) await passMinute(processes);
  for (const { writes } of processes) writes.length = 0;
  const asked = github.requests.length;

  for (let minute = 0; minute < 60; minute++) await passMinute(processes);

  expect(processes.map(({ writes }) => writes)).toEqual([[], []]);
  expect(github.requests.length - asked).toBeGreaterThanOrEqual(120);

  const gone = { stack: "shop-pr-1", incarnation: "i1", weight: 1, since: 0, attempt: "a1" };
  const quota = { key: "previews", holders: [gone], waiting: [], evictions: [] };
  await store.records.put({ key: "quotas/previews", value: quota, expected: "absent", now: clock.now() });
  await notify(
    { records: store.records, clock },
    { kind: "orphan", key: "1", title: "An orphan", text: "It is left." },
  );
  const history = [aHistoryEntry("e1", { stackId: "one" })];
  await store.commit([aChange({ stackId: "one", expectedVersion: 0, history, now: clock.now() })]);
  github.settings.deliveryFault = "vanish";
  await github.openPull(SHOP, { head: "1".repeat(40) });

  for (let minute = 0; minute < 7; minute++) await passMinute(processes);

  const { items } = await store.queries.listHistory({ newestFirst: true }, { limit: 1 });
  const position = { position: items[0]?.position };
  expect(await readValue("quotas/previews")).toBeUndefined();
  const { items: followers } = await store.records.list("followers/notifications-", { limit: 2, now: clock.now() });
  expect(followers.map(({ value }) => value)).toEqual([position, { position: expect.any(Number) }]);
  expect(await readValue("followers/hosts-reports")).toEqual(position);
  expect(processes.flatMap(({ writes }) => writes).filter(isEvent)).toHaveLength(1);
  await Promise.all(processes.map(({ runner }) => stop(runner)));
});

async function stop(runner: ServiceRunner): Promise<void> {
  const stopped = runner.stop();
  await clock.advance(MINUTE);
  await stopped;
}
