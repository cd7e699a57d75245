import { describe, expect, it } from "vitest";
import { createStaticLocator } from "../engine/built-in-ports.ts";
import { parseMachine } from "../machine/parse-machine.ts";
import type { Deed } from "../machine/stack.ts";
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

const PREVIEW = `
version: 2
events: { OPENED: {}, CHECK: {} }
states:
  INIT: { on: { OPENED: BUILD } }
  BUILD: { tasks: [build], on: { NEXT: LIVE, FAILED: RECOVER } }
  RECOVER: { tasks: [recover], on: { NEXT: BROKEN } }
  LIVE: { on: { CHECK: CHECKING } }
  CHECKING: { tasks: [check], on: { NEXT: LIVE, FAILED: LIVE } }
  BROKEN: {}
tasks:
  build: { executor: lambda, config: { name: build } }
  recover: { executor: lambda, config: { name: recover } }
  check: { executor: lambda, config: { name: check } }
`;

describe("a stack is led into its state by a failure of its present work", () => {
  const lacks = (task: string, why: "failed" | "cancelled" | "left" | "partial") => ({
    event: "OPENED",
    at: 1,
    restedAt: 2,
    keys: {},
    lacks: { [task]: { why, code: "NO_SPACE", entry: 1, attempt: 1 } },
  });
  const done = { event: "CHECK", at: 3, restedAt: 4, keys: {} };

  it.each<readonly [string, string, Record<string, Deed>, string | undefined]>([
    ["where success would not have led", "BROKEN", { now: lacks("build", "failed") }, "build"],
    ["when it was cancelled", "BROKEN", { now: lacks("build", "cancelled") }, "build"],
    ["not where success would have led too", "LIVE", { now: lacks("check", "failed") }, undefined],
    ["not by what it has done in part", "BROKEN", { now: lacks("build", "partial") }, undefined],
    ["not by the work of an earlier event", "BROKEN", { before: lacks("build", "failed"), now: done }, undefined],
    ["not by a task that the machine does not have", "BROKEN", { now: lacks("deploy", "failed") }, undefined],
  ])("%s", async (_, state, deeds, task) => {
    const { machine } = parseMachine(PREVIEW, { name: "preview" });
    if (machine === undefined) throw new Error("The machine is not valid.");
    const store = createMemoryStore();
    const stack = { id: "pr-12", machine: "preview", machineHash: machine.hash, state, deed: "now", deeds };
    await commitNow(store, aPut(stack, { now: clock.now() }));
    const locator = createStaticLocator([{ machine, source: PREVIEW }]);

    const described = await describeStack({ store, locator, clock }, "pr-12");

    expect(described?.ledBy?.task).toBe(task);
  });
});
