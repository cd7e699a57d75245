import { describe, expect, it } from "vitest";
import type { Store } from "../ports/store.ts";
import { createTrial } from "../testing/trial.ts";

const OF_VERSION_2 = `
version: 2
events: [OPENED, PUSHED, TOUCHED, STEPPED]
metadata: { n: { type: number } }
states:
  INIT: { on: { OPENED: BUSY } }
  BUSY: { on: { TOUCHED: no-op, STEPPED: MORE } }
  MORE: { on: { TOUCHED: no-op, STEPPED: LIVE } }
  LIVE: { on: { PUSHED: BUSY, TOUCHED: no-op } }
tasks: {}
`;
const OF_VERSION_1 = OF_VERSION_2.replace("version: 2", "version: 2\nrevision: follow");

const MESSAGE_BYTES = 200_000;
const MOST = 47;

/** Counts the bytes that the engine loads with stacks and parked events, and those that it writes for parked events. */
function countBytes() {
  const bytes = { loaded: 0, messages: 0, parked: 0 };
  const sizeOf = (value: unknown) => JSON.stringify(value).length;
  const wrapStore = (store: Store): Store => ({
    ...store,
    async load(ids) {
      const loaded = await store.load(ids);
      bytes.loaded += sizeOf(loaded);
      return loaded;
    },
    async loadParked(stackId, keys) {
      const events = await store.loadParked(stackId, keys);
      bytes.messages += sizeOf(events);
      return events;
    },
    async commit(changes) {
      bytes.parked += changes.reduce((sum, { park, retried = [] }) => sum + sizeOf([park, retried]), 0);
      return store.commit(changes);
    },
  });
  return { bytes, wrapStore };
}

async function play(source: string, parked: number) {
  const { bytes, wrapStore } = countBytes();
  const trial = createTrial({ source, wrapStore });
  const { yard } = trial;
  const send = async (event: string, id: string, metadata = {}, payload = "") => {
    await yard.publish({
      id,
      stackId: "s",
      event,
      metadata,
      payload,
      ...(event === "OPENED" ? { machine: "app" } : {}),
    });
    await yard.settle();
  };
  await send("OPENED", "e1");
  for (let n = 0; n < parked; n += 1) await send("PUSHED", `p${n}`, { n }, "x".repeat(MESSAGE_BYTES));
  const measure = async (run: () => Promise<void>) => {
    Object.assign(bytes, { loaded: 0, messages: 0, parked: 0 });
    await run();
    return { ...bytes };
  };
  return { ...trial, send, measure };
}

describe.each([
  ["keeps its revision", OF_VERSION_2],
  ["follows its machine", OF_VERSION_1],
])("a stack that %s, with many large parked events", (_, source) => {
  it("loads no message for an event that changes the metadata or the state", async () => {
    const few = await play(source, 0);
    const many = await play(source, MOST);
    const run = ({ send, measure }: typeof many) =>
      measure(async () => {
        await send("TOUCHED", "t1", { n: -1 });
        await send("STEPPED", "s1");
      });

    const [without, withParked] = [await run(few), await run(many)];

    expect(withParked.messages).toBe(0);
    expect(withParked.parked).toBe(without.parked);
    // Heads of 47 events; their messages are 9.4 MB.
    expect(withParked.loaded - without.loaded).toBeLessThan(2 * MOST * 600);
    expect(await many.listParked("s")).toHaveLength(MOST);
  });

  it("loads those that are tried, and does not write their messages again", async () => {
    const { send, measure, listParked, listOutcomes, yard } = await play(source, MOST);

    const due = await measure(() => yard.advance(30_000));
    const applied = await measure(async () => {
      await send("STEPPED", "s1");
      await send("STEPPED", "s2");
    });

    expect(due.messages).toBeGreaterThan(MOST * MESSAGE_BYTES);
    expect(due.parked).toBeLessThan(MOST * 600);
    // The first one changes the state, which does not handle the others.
    expect(applied.messages).toBeLessThan(2 * MESSAGE_BYTES);
    expect(await listParked("s")).toHaveLength(MOST - 1);
    expect((await listOutcomes("s")).at(-1)).toBe("PUSHED applied");
  });
});
