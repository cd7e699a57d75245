import { describe, expect, it } from "vitest";
import { createStaticLocator } from "../engine/built-in-ports.ts";
import { createMemoryStore } from "../memory/memory-store.ts";
import { createFakeClock } from "../testing/fake-clock.ts";
import { aDispatch, aPut, commitNow } from "../testing/store-conformance/store-builders.ts";
import { describeStack, findLogEnd } from "./describe-stack.ts";

const ATTEMPT = "pr-12/created/1/plan/1";
const clock = createFakeClock();

async function createBench() {
  const store = createMemoryStore();
  const secret = { metadata: { password: "hunter22", url: "x" }, secretVersions: { password: 1 } };
  const dispatches = [aDispatch(ATTEMPT, { stackId: "pr-12" })];
  await commitNow(store, aPut({ id: "pr-12", ...secret }, { dispatches, now: clock.now() }));
  return { store, locator: createStaticLocator([]), clock };
}

describe("a stack as services see it", () => {
  it("contains no sensitive value, and says what it waits for without its machine", async () => {
    const described = await describeStack(await createBench(), "pr-12");

    expect(described?.stack.metadata).toEqual({ password: "***", url: "x" });
    expect(described?.summary).toBe("Waits for an event.");
    expect(described?.waitsFor).toEqual({ kind: "event" });
  });

  it("is undefined when it does not exist", async () => {
    expect(await describeStack(await createBench(), "pr-13")).toBeUndefined();
  });

  it("has logs without sensitive values", async () => {
    const deps = await createBench();
    const claim = { attemptId: ATTEMPT, owner: "w", leaseMs: 60_000, exclusiveKeys: [], now: clock.now() };
    const claimed = await deps.store.claim(claim);
    if (claimed.kind !== "granted") throw new Error("The attempt is not granted.");
    const message = { stackId: "pr-12", event: "TASK_ERROR" };
    const event = { id: "r", stackId: "pr-12", origin: "worker", message, receivedAt: 0 } as const;
    await deps.store.settle(claimed.grant, { outcome: "failed", event, log: "It is hunter22.", now: clock.now() });

    expect(await findLogEnd(deps, ATTEMPT)).toBe("It is ***.");
    expect(await findLogEnd(deps, "pr-12/created/1/plan/2")).toBeUndefined();
  });
});
