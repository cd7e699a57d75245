// biome-ignore-all lint/suspicious/noTemplateCurlyInString: the placeholders are those of machines, in plain strings.

import { type Executor, silentLogger } from "@stackyard/core";
import type { Deploy } from "@stackyard/core/api";
import { createStaticLocator, createUlids, startYard } from "@stackyard/core/engine";
import { parseMachine } from "@stackyard/core/machine";
import promotion from "@stackyard/promotion";
import { afterEach, expect, it } from "vitest";
import { createTestYard, type TestYard } from "./testing/test-yard.ts";

const SHOP = `
version: 2
events: { GO: { metadata: [api] } }
metadata: { api: { type: string } }
states: { INIT: { on: { GO: LIVE } }, LIVE: { on: { GO: LIVE } } }
tasks: {}
`;

const RELEASE = `
version: 2
events: { RELEASED: { metadata: [api] } }
metadata: { api: { type: string } }
states: { INIT: { on: { RELEASED: SENDING } }, SENDING: { tasks: [tenants] } }
tasks:
  tenants:
    executor: deploy
    config:
      stacks: { machine: shop }
      event: GO
      metadata: { api: "\${metadata.api}" }
      until: [LIVE]
      maxFailures: 50%
      concurrency: 3
      waves: [{ name: canary, share: 50%, pause: 2h }, { name: rest }]
`;

let yard: TestYard;
let worker: ReturnType<typeof startYard> | undefined;
afterEach(async () => {
  await worker?.stop();
  await yard.stop();
});

it("shows how far a deployment came when, the pause that lasts, and what its document allows", async () => {
  const context = { projectDir: ".", dataDir: ".", environment: {}, readSecret: async () => "" };
  const executors = new Map(promotion.executors({}, context).map((each): [string, Executor] => [each.name, each]));
  const parse = (name: string, source: string) => {
    const { machine } = parseMachine(source, { name, executors });
    if (machine === undefined) throw new Error("The machine of the test has errors.");
    return { machine, source };
  };
  const locator = createStaticLocator([parse("shop", SHOP), parse("shop-release", RELEASE)]);
  yard = createTestYard({ deps: { locator } });
  const { store, clock } = yard;
  const process = { version: "0.0.0-test", host: "blue" };
  const deps = { store, locator, executors, clock, ids: createUlids(), logger: silentLogger };
  worker = startYard(deps, { drainMs: 100, process });
  const send = (stackId: string, event: string, machine: string, api: string) =>
    yard.json("/v1/events", { body: { id: `${stackId}-${event}`, stackId, event, machine, metadata: { api } } });
  for (const id of ["t1", "t2", "t3", "t4"]) await send(id, "GO", "shop", "1");
  await send("shop-2", "RELEASED", "shop-release", "2");
  const load = async () => (await yard.json<{ items: Deploy[] }>("/v1/stacks/shop-2/deploys")).items[0];

  await expect.poll(async () => (await load())?.waves[0]?.pause !== undefined, { timeout: 20_000 }).toBe(true);

  const { concurrency, waves = [], progress = [] } = (await load()) ?? {};
  expect(concurrency).toBe(3);
  expect(waves.map(({ name, stacks, maxFailures }) => [name, stacks, maxFailures])).toEqual([
    ["canary", 2, 1],
    ["rest", 2, 1],
  ]);
  const { from = "", to = "" } = waves[0]?.pause ?? {};
  expect(Date.parse(to) - Date.parse(from)).toBe(7_200_000);
  expect([progress[0]?.done, progress.at(-1)?.done, progress.at(-1)?.failed]).toEqual([0, 2, 0]);
  const troubled = async () =>
    (await yard.json<{ items: Deploy[] }>("/v1/stacks/shop-2/deploys?trouble=true")).items[0]?.trouble;
  expect([(await load())?.trouble, await troubled()]).toEqual([undefined, []]);
  for (const stackId of ["t1", "t2", "t3", "t4"]) {
    const body = { id: `by-hand-${stackId}`, stackId, event: "GO", metadata: { api: "3" } };
    await yard.json("/v1/events", { body });
  }
  await expect.poll(troubled, { timeout: 20_000 }).toEqual([{ code: "STACK_MOVED", stacks: 2 }]);
});
