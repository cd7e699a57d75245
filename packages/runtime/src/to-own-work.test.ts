import { describe, expect, it } from "vitest";
import { toOwnWork } from "./to-own-work.ts";

const theirs = { kind: "timer", stackId: "theirs", dueAt: 1 } as const;
const mine = { kind: "timer", stackId: "mine", dueAt: 1 } as const;
const store = { takeDue: async () => [theirs], name: "yard" };

describe("a process's own work", () => {
  it("is what a store says that can tell, and the rest of the store stays as it is", async () => {
    const own = toOwnWork(store, { takeOwn: async () => [mine] });

    expect([await own.takeDue(), own.name]).toEqual([[mine], "yard"]);
  });

  it("is all that is due where the store cannot tell", async () => {
    expect(await toOwnWork(store, {}).takeDue()).toEqual([theirs]);
  });
});
