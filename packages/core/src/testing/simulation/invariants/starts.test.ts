import { describe, expect, it } from "vitest";
import { createMemoryStore } from "../../../memory/memory-store.ts";
import { aClaim, aDispatch, aPut, commitNow, MINUTE, T0 } from "../../store-conformance/store-builders.ts";
import type { StartedCall } from "./invariant.ts";
import { startsHeld } from "./starts.ts";
import { watchStore } from "./watch-store.ts";

const A1 = "s1/created/1/plan/1";
const A2 = "s1/created/1/app/1";
const first: StartedCall = { attemptId: A1, token: 1, idempotencyKey: "i1" };

/** What is found wrong when these calls begin after two attempts were granted: the first one twice, with two keys. */
async function findAfter(...calls: readonly StartedCall[]): Promise<readonly string[]> {
  const watch = watchStore(createMemoryStore(), [startsHeld]);
  const { store } = watch;
  const runs = [
    { attemptId: A1, entry: 1, task: "plan", attempt: 1, dispatchedAt: T0, exclusiveKey: "k" },
    { attemptId: A2, entry: 1, task: "app", attempt: 1, dispatchedAt: T0, exclusiveKey: "l" },
  ];
  await commitNow(store, aPut({ runs }, { dispatches: [aDispatch(A1), aDispatch(A2, { task: "app" })] }));
  for (const now of [T0, T0 + MINUTE]) {
    await store.claim(aClaim(A1, { now, exclusiveKeys: ["key:k", "work:own"] }));
  }
  await store.claim(aClaim(A2));
  for (const call of calls) await watch.noteStarted(call);
  return watch.violations.map(({ sentence }) => sentence);
}

describe("starts-held", () => {
  it("lets each grant be used once, even when it is the newest no more", async () => {
    const own = { ...first, exclusiveKey: "work:own" };

    expect(await findAfter({ ...own, token: 2 }, own)).toEqual([]);
  });

  it.each([
    [
      "work without a grant",
      [{ ...first, token: 3 }],
      `${A1} was begun with token 3, which was not granted or is spent.`,
    ],
    ["two calls with one grant", [first, first], `${A1} was begun with token 1, which was not granted or is spent.`],
    [
      "another idempotency key",
      [first, { ...first, token: 2, idempotencyKey: "i2" }],
      `${A1} was begun again with another idempotency key.`,
    ],
    [
      "the idempotency key of another attempt",
      [{ ...first, attemptId: "s1/created/1/other/1", token: 9 }, first],
      `${A1} was begun with the idempotency key of s1/created/1/other/1.`,
    ],
    ["work without its task's key", [{ ...first, attemptId: A2 }], `${A2} was begun without the key "key:l".`],
    [
      "work without its executor's key",
      [{ ...first, exclusiveKey: "work:other" }],
      `${A1} was begun without the key "work:other".`,
    ],
  ])("finds %s", async (_what, calls, sentence) => {
    expect((await findAfter(...calls)).at(-1)).toBe(sentence);
  });
});
