// biome-ignore-all lint/suspicious/noTemplateCurlyInString: the placeholders are those of machines, in plain strings.

import { type Stack, silentLogger } from "@stackyard/core";
import type { Board } from "@stackyard/core/api";
import { createMemoryStore, createStaticLocator, createUlids, startYard, systemClock } from "@stackyard/core/engine";
import { parseMachine } from "@stackyard/core/machine";
import { measureLiveHeap, withManyStacks } from "@stackyard/core/testing";
import { afterEach, describe, expect, it } from "vitest";
import { createTestYard } from "./testing/test-yard.ts";

// The figure in seconds comes from `npm run bench -- --promotion`. Here it is bytes and pages, which do not depend on the machine.

const SHOP = `
version: 2
events: { GO: { metadata: [api] } }
metadata: { api: { type: string }, ring: { type: string } }
states: { INIT: { on: { GO: LIVE } }, LIVE: { on: { GO: LIVE } } }
tasks: {}
`;
const RELEASE = `
version: 2
events: { RELEASED: { metadata: [api] } }
metadata: { api: { type: string } }
states: { INIT: { on: { RELEASED: FIRST } }, FIRST: { tasks: [canaries, tenants] } }
tasks:
  canaries: { executor: deploy, config: { stacks: { machine: shop, where: "metadata.ring == 'canary'" }, event: GO, metadata: { api: "\${metadata.api}" }, until: [LIVE] } }
  tenants: { executor: deploy, config: { stacks: { machine: shop, where: "metadata.ring != 'canary'" }, event: GO, metadata: { api: "\${metadata.api}" }, until: [LIVE] } }
`;
const MANY = 10_000;
const MIB = 2 ** 20;

const stops: (() => Promise<unknown>)[] = [];
afterEach(async () => {
  for (const stop of stops.splice(0)) await stop();
});

/** Reads the board of 10,000 stacks, each a tenth of them a canary, with so many versions. */
async function readBoard(versions: number) {
  const parse = (name: string, source: string) => {
    const { machine } = parseMachine(source, { name });
    if (machine === undefined) throw new Error("The machine of the test has errors.");
    return { machine, source };
  };
  const locator = createStaticLocator([parse("shop", SHOP), parse("shop-release", RELEASE)]);
  const store = createMemoryStore();
  const pages: number[] = [];
  const heaps: number[] = [];
  const toStack = (stack: Stack, index: number): Stack => ({
    ...stack,
    id: `tenant-${index}`,
    metadata: { api: `1.${index % versions}.0`, ring: index % 10 === 0 ? "canary" : "rest" },
  });
  const onPage = (start: number) => {
    pages.push(start);
    if (start % 2_500 === 0) heaps.push(measureLiveHeap());
  };
  const many = withManyStacks(store, { machine: "shop", count: MANY, toStack, onPage });
  const yard = createTestYard({ store, deps: { locator, store: many } });
  stops.push(yard.stop);
  const process = { version: "0.0.0-test", host: "blue" };
  const deps = { store, locator, executors: new Map(), clock: systemClock, ids: createUlids(), logger: silentLogger };
  const worker = startYard(deps, { drainMs: 100, process });
  stops.push(worker.stop);
  const body = {
    id: "e1",
    stackId: "tenant-0",
    event: "GO",
    machine: "shop",
    metadata: { api: "1.0.0", ring: "canary" },
  };
  await yard.json("/v1/events", { body });
  await expect.poll(async () => (await yard.json<{ total: number }>("/v1/stack-counts?by=machine")).total).toBe(1);
  const before = measureLiveHeap();
  const text = await (await yard.call("/v1/boards/shop-release")).text();
  const board: Board = JSON.parse(text);
  return { board, pages, bytes: Buffer.byteLength(text), mib: (Math.max(...heaps) - before) / MIB };
}

describe("the board of 10,000 stacks", () => {
  it.each([
    [1, 1_000],
    [400, 100_000],
    [10_000, 2_000_000],
  ])("with %i versions has at most %i bytes, and keeps few MiB while it counts", async (versions, most) => {
    const { board, pages, bytes, mib } = await readBoard(versions);

    expect(board.environments.map(({ stacks, problem }) => [stacks, problem])).toEqual([
      [MANY / 10, undefined],
      [MANY - MANY / 10, undefined],
    ]);
    expect(bytes).toBeLessThan(most);
    expect(mib).toBeLessThan(16);
    // 20 pages for each environment.
    expect(pages.length).toBeLessThanOrEqual(40);
  });
});
