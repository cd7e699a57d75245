import { type Executor, silentLogger } from "@stackyard/core";
import type { Board, NewApiToken, StackDetails } from "@stackyard/core/api";
import { createStaticLocator, createUlids, startYard } from "@stackyard/core/engine";
import { parseMachine } from "@stackyard/core/machine";
import promotion from "@stackyard/promotion";
import { afterEach, expect, it } from "vitest";
import { createTestYard, type TestYard } from "./testing/test-yard.ts";

const RELEASE = `
version: 2
events: { RELEASED: {}, STOP: {} }
states:
  INIT: { on: { RELEASED: REVIEW } }
  REVIEW: { tasks: [turn], on: { NEXT: PRODUCTION, STOP: STOPPED } }
  PRODUCTION: { on: { STOP: STOPPED } }
  STOPPED: {}
tasks:
  turn: { executor: gate, config: { turn: { name: shop-prod, states: [REVIEW, PRODUCTION] } } }
`;

let yard: TestYard;
let worker: ReturnType<typeof startYard> | undefined;
afterEach(async () => {
  await worker?.stop();
  await yard.stop();
});

function open() {
  const context = { projectDir: ".", dataDir: ".", environment: {}, readSecret: async () => "" };
  const executors = new Map(promotion.executors({}, context).map((each): [string, Executor] => [each.name, each]));
  const { machine } = parseMachine(RELEASE, { name: "shop-release", executors });
  if (machine === undefined) throw new Error("The machine of the test has errors.");
  const locator = createStaticLocator([{ machine, source: RELEASE }]);
  yard = createTestYard({ deps: { locator } });
  const { store, clock } = yard;
  const process = { version: "0.0.0-test", host: "blue" };
  const deps = { store, locator, executors, clock, ids: createUlids(), logger: silentLogger };
  worker = startYard(deps, { drainMs: 100, process });
}

const send = (stackId: string, event: string) =>
  yard.json("/v1/events", { body: { id: `${stackId}-${event}`, stackId, event, machine: "shop-release" } });
const turnsOf = async (init?: object) => (await yard.json<Board>("/v1/boards/shop-release", init)).turns;

it("shows who has a turn and who waits for it, the next one first, and nothing that has ended", async () => {
  open();
  expect(await turnsOf()).toEqual([]);
  await send("shop-1", "RELEASED");
  await expect.poll(turnsOf).toEqual([{ name: "shop-prod", holder: { release: "shop-1" }, waiting: [] }]);
  await send("shop-2", "RELEASED");
  await expect.poll(async () => (await turnsOf())[0]?.waiting.length).toBe(1);
  await send("shop-3", "RELEASED");
  const waiting = ["shop-3", "shop-2"].map((release) => ({ release, task: "turn" }));
  await expect.poll(turnsOf).toEqual([{ name: "shop-prod", holder: { release: "shop-1" }, waiting }]);

  // Nothing is written when a release leaves its states.
  await send("shop-1", "STOP");
  await send("shop-2", "STOP");
  await expect.poll(async () => (await turnsOf())[0]?.waiting.map(({ release }) => release)).not.toContain("shop-2");
  expect((await turnsOf())[0]?.holder?.release).not.toBe("shop-1");
});

it("shows a reader that the turn is taken, and not by whom", async () => {
  open();
  await send("shop-1", "RELEASED");
  await expect.poll(async () => (await turnsOf())[0]?.holder).toEqual({ release: "shop-1" });
  await send("shop-2", "RELEASED");
  await expect.poll(async () => (await turnsOf())[0]?.waiting.length).toBe(1);
  const scope = { machines: ["shop-release"], stacks: ["other-*"] };
  const token = await yard.json<NewApiToken>("/v1/tokens", { body: { name: "t", role: "viewer", ...scope } });

  const seen = await turnsOf({ headers: { authorization: `Bearer ${token.token}` } });

  expect(seen).toEqual([{ name: "shop-prod", holder: {}, waiting: [] }]);
});

it("shows a turn whose record cannot be read to who may read all releases, and gives it to none", async () => {
  open();
  const put = (name: string) =>
    yard.store.records.put({
      key: `promotion/turns/${name}`,
      value: { version: 2 },
      expected: "absent",
      now: yard.clock.now(),
    });
  await put("shop-prod");
  await put("other-prod");
  await send("shop-1", "RELEASED");
  const toTurn = (name: string) => ({
    name,
    waiting: [],
    problem: "The record is damaged, or was written by another version.",
  });
  const scope = { machines: ["shop-release"] };
  const token = await yard.json<NewApiToken>("/v1/tokens", { body: { name: "t", role: "viewer", ...scope } });

  await expect
    .poll(async () => (await yard.json<StackDetails>("/v1/stacks/shop-1")).tasks)
    .toMatchObject([{ why: expect.stringContaining('"promotion/turns/shop-prod" cannot be read') }]);
  expect(await turnsOf()).toEqual([toTurn("other-prod"), toTurn("shop-prod")]);
  expect(await turnsOf({ headers: { authorization: `Bearer ${token.token}` } })).toEqual([toTurn("shop-prod")]);
});
