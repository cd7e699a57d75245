import { hash } from "node:crypto";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { createMemoryStore } from "../memory/memory-store.ts";
import { toReadableStateKey } from "../ports/state-prefix.ts";
import { listFilledStates, STATE_HEADS, toStateName } from "./terraform-states.ts";

describe("listFilledStates", () => {
  it("yields what contains resources or may, also while a state has only a lock or was deleted", async () => {
    const { records } = createMemoryStore();
    const written = { blob: "b", chunks: 1, bytes: 10, by: "ada" };
    const heads = [
      { key: "a", current: 2, next: 3, versions: [{ version: 2, resources: 1, ...written }] },
      { key: "destroyed", current: 3, next: 4, versions: [{ version: 3, resources: 0, ...written }] },
      { key: "unknown", current: 1, next: 2, versions: [{ version: 1, ...written }] },
      { key: "locked", next: 1, versions: [] },
      { key: "deleted", next: 2, versions: [{ version: 1, resources: 1, ...written }] },
    ];
    for (const value of heads) {
      await records.put({ key: `${STATE_HEADS}${toStateName(value.key)}`, value, expected: "absent", now: 0 });
    }

    const filled: string[] = [];
    for await (const key of listFilledStates({ records, clock: { now: () => 0 } })) filled.push(key);

    expect(filled).toEqual(["a", "unknown"]);
  });
});

describe("toStateName", () => {
  it("begins with the readable key, and ends with its digest", () => {
    const key = "app/pr-12/network";

    expect(toStateName(key)).toBe(`app%2Fpr-12%2Fnetwork~${hash("sha256", key).slice(0, 32)}`);
  });

  it("is bounded and unique, and begins with the readable part of each prefix of the key", () => {
    const text = fc.string({ maxLength: 400, unit: "grapheme-ascii" });
    fc.assert(
      fc.property(text, text, (prefix, rest) => {
        const name = toStateName(prefix + rest);

        expect(name.length).toBeLessThanOrEqual(333);
        expect(name.startsWith(toReadableStateKey(prefix))).toBe(true);
        expect(name === toStateName(`${prefix}${rest}x`)).toBe(false);
      }),
    );
  });
});
