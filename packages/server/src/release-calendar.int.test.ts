// biome-ignore-all lint/suspicious/noTemplateCurlyInString: the placeholders are those of machines, in plain strings.

import { type Executor, silentLogger } from "@stackyard/core";
import type { NewApiToken, ReleaseCalendar } from "@stackyard/core/api";
import { createStaticLocator, createUlids, startYard, systemClock } from "@stackyard/core/engine";
import { parseMachine } from "@stackyard/core/machine";
import promotion from "@stackyard/promotion";
import { afterEach, describe, expect, it } from "vitest";
import { createTestYard, type TestYard } from "./testing/test-yard.ts";

const SHOP = `
version: 2
events: { OPENED: { metadata: [api, zone] }, GO: { metadata: [api] } }
metadata: { api: { type: string }, zone: { type: string } }
states: { INIT: { on: { OPENED: LIVE, GO: LIVE } }, LIVE: { on: { GO: LIVE } } }
tasks: {}
`;

const toRelease = (keys: string) => `
version: 2
events: { RELEASED: { metadata: [api] } }
metadata: { api: { type: string } }
states:
  INIT: { on: { RELEASED: TEST } }
  TEST: { tasks: [test], on: { NEXT: SENDING } }
  SENDING: { tasks: [tenants], on: { NEXT: DONE } }
  DONE: {}
tasks:
  test: { executor: deploy, config: { stacks: t0, create: shop, event: GO, metadata: { api: "\${metadata.api}" }, until: [LIVE] } }
  tenants:
    executor: deploy
    config: { stacks: { machine: shop, where: "stack.id != 't0'" }, event: GO, metadata: { api: "\${metadata.api}" }, until: [LIVE], ${keys} }
`;

const OFFICE = `version: 1
zone: UTC
open: [{ days: mon-thu, from: "09:00", to: "16:00" }]
`;
const HOUR_MS = 3_600_000;
const DAY_MS = 24 * HOUR_MS;
const yesterday = Math.floor(Date.now() / DAY_MS) - 1;
/** The last Wednesday; the first day of all was a Thursday. */
const WEDNESDAY = (yesterday - ((yesterday + 1) % 7)) * DAY_MS;
const toTime = (day: number, hour: number) => WEDNESDAY + day * DAY_MS + hour * HOUR_MS;
/** Returns an instant of a day from that Wednesday on. */
const iso = (day: number, hour: number) => new Date(toTime(day, hour)).toISOString();
const EVENING = toTime(0, 17);

let yard: TestYard;
let worker: ReturnType<typeof startYard> | undefined;
afterEach(async () => {
  await worker?.stop();
  worker = undefined;
  await yard.stop();
});

const load = (init?: object) => yard.json<ReleaseCalendar>("/v1/stacks/shop-2/calendar", init);

interface Input {
  readonly keys: string;
  readonly calendars?: Readonly<Record<string, string>> | undefined;
  readonly at?: number;
}

/** A yard with two tenants and a release whose second task is held, at an instant that does not pass. */
async function openYard({ keys, calendars, at = EVENING }: Input): Promise<void> {
  const context = { projectDir: ".", dataDir: ".", environment: {}, readSecret: async () => "" };
  const executors = new Map(promotion.executors({}, context).map((each): [string, Executor] => [each.name, each]));
  const parse = (name: string, source: string) => {
    const { machine, problems } = parseMachine(source, { name, executors });
    if (machine === undefined) throw new Error(JSON.stringify(problems));
    return { machine, source };
  };
  const locator = createStaticLocator([parse("shop", SHOP), parse("shop-release", toRelease(keys))]);
  const clock = { ...systemClock, now: () => at };
  const files = calendars && { read: async (name: string) => calendars[name] };
  yard = createTestYard({ deps: { locator, clock, calendars: files } });
  worker = startYard(
    { store: yard.store, locator, executors, clock: systemClock, ids: createUlids(), logger: silentLogger },
    { drainMs: 100, process: { version: "0.0.0-test", host: "blue" } },
  );
  for (const [id, zone] of [
    ["t1", "Asia/Tokyo"],
    ["t2", "nowhere"],
  ]) {
    await send(String(id), "OPENED", { machine: "shop", metadata: { api: "1", zone } });
  }
}

async function send(stackId: string, event: string, body: object): Promise<void> {
  await yard.json("/v1/events", { body: { id: `${stackId}-${event}`, stackId, event, ...body } });
}

async function release(): Promise<void> {
  await send("shop-2", "RELEASED", { machine: "shop-release", metadata: { api: "2" } });
  await expect.poll(async () => (await yard.call("/v1/stacks/shop-2")).status, { timeout: 20_000 }).toBe(200);
}

describe("the calendar of a release", () => {
  it("has the windows of tasks that have not ended: open until when, and when next", async () => {
    await openYard({ keys: "window: office", calendars: { office: OFFICE } });
    await release();

    const { from, to, windows, freezes, alarms } = await load();

    expect({ windows, freezes, alarms }).toEqual({
      windows: [
        {
          calendar: "office",
          tasks: ["tenants"],
          waiting: expect.any(Number),
          zone: "UTC",
          isOpen: false,
          opensAt: iso(1, 9),
          closesAt: iso(1, 16),
          open: [
            { from: iso(0, 9), to: iso(0, 16) },
            { from: iso(1, 9), to: iso(1, 16) },
          ],
        },
      ],
      freezes: [],
      alarms: [],
    });
    expect([from, to]).toEqual([iso(0, 5), iso(3, 17)]);
  });

  it("opens after the freezes that hold all its stacks; one of some stacks or that it passes moves nothing", async () => {
    await openYard({ keys: "window: office, alarms: [errors]", calendars: { office: OFFICE } });
    await release();
    // The engine has the present time, and would remove freezes that have ended by then.
    await worker?.stop();
    worker = undefined;
    const freeze = (name: string, more: object) =>
      yard.json("/v1/freezes", { body: { name, reason: "r", to: iso(7, 11), ...more } });
    await freeze("some", { where: "stack.id == 't1'", to: undefined });
    await freeze("other", { machine: "another" });
    await freeze("passed", { to: undefined });
    await yard.json("/v1/freezes/passed/except", { body: { release: "shop-2", reason: "outage" } });
    const before = await load();
    await freeze("winter", { machine: "shop" });
    const frozen = await load();
    await freeze("audit", { to: undefined });
    const endless = await load();

    expect(before.windows[0]?.opensAt).toBe(iso(1, 9));
    expect(before.freezes.map(({ name, passes }) => [name, passes])).toEqual([
      ["passed", true],
      ["some", false],
    ]);
    expect(before.alarms).toEqual(["errors"]);
    // A Wednesday at 11:00: within a window.
    expect(frozen.windows[0]).toMatchObject({
      opensAt: iso(7, 11),
      closesAt: iso(7, 16),
    });
    expect(frozen.to).toBe(iso(8, 16));
    expect(endless.windows[0]).not.toHaveProperty("opensAt");
    expect(endless.freezes.map(({ name }) => name)).toEqual(["audit", "passed", "some", "winter"]);
  });

  it("has the freezes that concern stacks of the caller, without those of hidden ones (CVE-2021-21624)", async () => {
    await openYard({ keys: "window: office", calendars: { office: OFFICE } });
    await release();
    await worker?.stop();
    worker = undefined;
    const freezes = { vip: "stack.id == 't2'", winter: "stack.id in ['t1', 't2']" };
    for (const [name, where] of Object.entries(freezes)) {
      await yard.json("/v1/freezes", { body: { name, reason: `of ${name}`, where } });
    }
    const scope = { machines: ["shop", "shop-release"], stacks: ["t1", "shop-"] };
    const token = await yard.json<NewApiToken>("/v1/tokens", { body: { name: "t", role: "viewer", ...scope } });

    const all = await load();
    const seen = await load({ headers: { authorization: `Bearer ${token.token}` } });

    expect(all.freezes.map(({ name }) => name)).toEqual(["vip", "winter"]);
    expect(seen.freezes.map(({ name, where }) => [name, where])).toEqual([["winter", undefined]]);
  });

  it("is open now until the window ends, also where it stays open over the days", async () => {
    await openYard({ keys: "window: office", calendars: { office: OFFICE }, at: toTime(0, 15) });
    await release();

    const { windows } = await load();

    expect(windows[0]).toMatchObject({ isOpen: true, closesAt: iso(0, 16) });
    expect(windows[0]).not.toHaveProperty("opensAt");
  });

  it("has the zones of the stacks that wait, only of those that the caller may read", async () => {
    const local = OFFICE.replace("UTC", '"${stack.metadata.zone}"');
    await openYard({ keys: "window: local", calendars: { local } });
    await release();
    const zonesOf = async (init?: object) =>
      (await load(init)).windows.map(({ zone, stacks, opensAt, problem }) => ({ zone, stacks, opensAt, problem }));

    const tokyo = { zone: "Asia/Tokyo", stacks: 1, opensAt: iso(1, 0) };
    const broken = { stacks: 1, problem: "metadata.zone of 1 stack is not a time zone." };
    await expect.poll(zonesOf, { timeout: 20_000 }).toEqual(expect.arrayContaining([tokyo, broken]));
    expect(await zonesOf()).toHaveLength(2);
    const scope = { machines: ["shop", "shop-release"], stacks: ["t1", "shop-"] };
    const token = await yard.json<NewApiToken>("/v1/tokens", { body: { name: "t", role: "viewer", ...scope } });
    expect(await zonesOf({ headers: { authorization: `Bearer ${token.token}` } })).toEqual([tokyo]);
  });

  it.each([
    ["the server has none", undefined, "This server has no calendars: no folder of machines is configured."],
    ["it is missing", {}, "calendars/office.yaml does not exist. Create it next to the folder of machines."],
    ["it has errors", { office: "version: 2" }, expect.stringMatching(/^calendars\/office\.yaml has errors at 1:/)],
  ])("says why the hours of a calendar are not known: %s", async (_, calendars, problem) => {
    await openYard({ keys: "window: office", calendars });
    await release();

    const { windows } = await load();

    expect(windows).toMatchObject([{ calendar: "office", isOpen: false, open: [], problem }]);
  });

  it("is empty of a release without tasks that send, and missing for an unknown stack", async () => {
    await openYard({ keys: "alarms: [errors]", calendars: { office: OFFICE } });
    await yard.json("/v1/freezes", { body: { name: "winter", reason: "r" } });
    await release();

    const { windows, freezes } = await load();
    const tenant = await yard.json<ReleaseCalendar>("/v1/stacks/t1/calendar");

    expect([windows, freezes.length]).toEqual([[], 1]);
    expect(tenant).toMatchObject({ windows: [], freezes: [], alarms: [] });
    expect((await yard.call("/v1/stacks/nowhere/calendar")).status).toBe(404);
  });
});
