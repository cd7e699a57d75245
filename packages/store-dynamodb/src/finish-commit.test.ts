import { expect, it } from "vitest";
import { EMPTY } from "./aggregate.ts";
import { type Item, toItem } from "./attributes.ts";
import { adoptShadow } from "./finish-commit.ts";
import { parseStackItem, toStackItem } from "./stack-item.ts";
import type { StoreContext } from "./store-context.ts";
import { aStack, T0 } from "./testing/store-work.ts";

it("adopts what was committed for no stack also when the stack that has begun is written meanwhile", async () => {
  const live = { ...EMPTY, version: 5, floor: 5, idCount: 1, ids: [["e96", T0] as const], stack: aStack() };
  const shadow = { stackId: "s1", version: 6, removedVersion: 0, ids: [["e97", T0]], idCount: 1, idsMoved: false };
  const written: Item[] = [];
  const context = {
    stacks: {
      get: async () => toStackItem(live, live.stack),
      put: async (item: Item) => written.push(item) > 1,
    },
    work: { get: async () => toItem({ ...shadow, parked: [], outbox: [] }) },
    clock: { sleep: async () => undefined },
    random: () => 0,
  };

  await adoptShadow(context as unknown as StoreContext, "s1");

  expect(written).toHaveLength(2);
  expect(parseStackItem(written[1] ?? {}).aggregate.ids).toEqual([
    ["e97", T0],
    ["e96", T0],
  ]);
});
