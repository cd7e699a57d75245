import { expect, it } from "vitest";
import { createMemoryStore } from "../../memory/memory-store.ts";
import { aMachine, anEvent, aStack } from "../../testing/builders.ts";
import { createRevisionOrder } from "./revision-order.ts";

const AT = 5_000;
const CLOCK = { now: () => AT };
const NO_CACHE = { find: async () => undefined };

it("orders revisions that two processes stored in the same millisecond in one way, whoever asks", async () => {
  const { revisions } = createMemoryStore();
  const [one, other] = [
    { ...aMachine({ INIT: {} }), hash: "1".repeat(64) },
    { ...aMachine({ INIT: {} }), hash: "2".repeat(64) },
  ];
  for (const { name, hash } of [one, other]) await revisions.put({ name, hash, source: "" }, AT);

  const toEarlier = async (own: typeof one, machine: typeof one): Promise<boolean | undefined> => {
    const order = createRevisionOrder({ revisions, clock: CLOCK }, NO_CACHE);
    const located = { kind: "found", machine, revision: { ...machine, source: "" }, problems: [] } as const;
    const wanted = { name: own.name, stack: aStack({ machineHash: own.hash }), event: anEvent("GO") };
    const { isEarlier } = await order.place(located, own, wanted);
    return isEarlier;
  };

  const answers = [await toEarlier(one, other), await toEarlier(other, one)];
  expect(answers.filter(Boolean)).toHaveLength(1);
});

it("counts a document that nobody has stored as later than a revision that was stored in the millisecond in which it was read", async () => {
  const { revisions } = createMemoryStore();
  const own = { ...aMachine({ INIT: {} }), hash: "2".repeat(64) };
  const machine = { ...aMachine({ INIT: {} }), hash: "1".repeat(64) };
  await revisions.put({ name: own.name, hash: own.hash, source: "" }, AT);
  const order = createRevisionOrder({ revisions, clock: CLOCK }, NO_CACHE);
  const located = { kind: "found", machine, revision: { ...machine, source: "" }, problems: [] } as const;
  const wanted = { name: own.name, stack: aStack({ machineHash: own.hash }), event: anEvent("GO") };

  expect(await order.place(located, own, wanted)).toMatchObject({ isEarlier: false });
});
