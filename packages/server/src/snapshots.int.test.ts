import { defineExecutor, running, succeeded } from "@stackyard/core";
import type { HistoryEntry, SimulationLine, StackAt, StackSnapshot } from "@stackyard/core/api";
import { Type } from "typebox";
import { afterEach, describe, expect, it } from "vitest";
import { eventually } from "./testing/eventually.ts";
import { createTestYard, type TestYard } from "./testing/test-yard.ts";

const SOURCE = `
version: 2
metadata: { password: { sensitive: true } }
events: { LAUNCH: { metadata: [password] }, DOWN: {} }
states:
  INIT: { on: { LAUNCH: UP } }
  UP: { tasks: [create, use], on: { NEXT: LIVE } }
  LIVE: { on: { DOWN: GONE } }
  GONE: { terminal: true }
tasks:
  create: { executor: script, config: {} }
  use: { executor: script, config: {}, needs: [create] }
`;

const script = defineExecutor({
  name: "script",
  config: Type.Object({}),
  progress: Type.Object({}),
  start: async ({ task }) =>
    task === "create" ? succeeded({}) : running({ progress: {}, pollAfterMs: 3_600_000, message: "on its way" }),
  poll: async () => running({ progress: {}, pollAfterMs: 3_600_000, message: "on its way" }),
});

let yard: TestYard;
afterEach(() => yard.stop());

async function start() {
  yard = createTestYard({ executor: script, source: SOURCE });
  yard.run();
  const metadata = { password: "hunter22", branch: "main" };
  const launch = { id: "e1", event: "LAUNCH", stackId: "pr-1", machine: "review-app", metadata };
  await yard.call("/v1/events", { body: launch });
  await eventually(async () =>
    expect(await yard.json("/v1/stacks/pr-1")).toMatchObject({
      tasks: [{ status: "SATISFIED" }, { detail: "RUNNING" }],
    }),
  );
}

describe("a snapshot", () => {
  it("is a stack with everything that a simulation needs, without sensitive values", async () => {
    await start();

    const step = await yard.json<StackSnapshot>("/v1/stacks/pr-1/snapshot");

    expect(step.stack).toMatchObject({
      id: "pr-1",
      machine: "review-app",
      state: "UP",
      previousState: "INIT",
      metadata: { password: "***", branch: "main" },
      visits: { UP: 1 },
      entry: 1,
      tasks: [
        { name: "create", status: "SATISFIED" },
        { name: "use", status: "PENDING", detail: "RUNNING" },
      ],
      attempts: [
        { task: "create", entry: 1, attempt: 1 },
        { task: "use", entry: 1, attempt: 1, dispatchedAt: expect.any(String), executor: "script" },
      ],
      timers: [],
    });
    expect(JSON.stringify(step)).not.toContain("hunter22");
    expect(await yard.json("/v1/stacks/no/snapshot")).toMatchObject({ status: 404, code: "STACK_UNKNOWN" });
  });

  it("begins a simulation, also on a revision that is not the newest any more", async () => {
    await start();
    const step = await yard.json<StackSnapshot>("/v1/stacks/pr-1/snapshot");
    yard.write(SOURCE.replace("NEXT: LIVE", "NEXT: CHECK").replace("  LIVE:", "  CHECK: {}\n  LIVE:"));

    const steps = [step, { task: "use", result: "succeeded" }];
    const { lines } = await yard.json<{ lines: SimulationLine[] }>("/v1/simulate", { body: { steps } });

    expect(lines).toMatchObject([
      { outcome: "applied", stack: { state: "UP", metadata: { password: "***" } } },
      { outcome: "applied", stack: { state: "LIVE" } },
    ]);
  });
});

describe("a stack at a position", () => {
  it("is as it was then", async () => {
    await start();
    const { items } = await yard.json<{ items: HistoryEntry[] }>("/v1/stacks/pr-1/history?order=oldest");

    const first = await yard.json<StackAt>(`/v1/stacks/pr-1/at/${items[0]?.position}`);
    const last = await yard.json<StackAt>(`/v1/stacks/pr-1/at/999999999`);
    const { stack } = await yard.json<StackSnapshot>("/v1/stacks/pr-1/snapshot");

    expect(first).toMatchObject({
      position: items[0]?.position,
      event: "LAUNCH",
      outcome: "applied",
      state: "UP",
      stack: { state: "UP", metadata: { password: "***" }, tasks: [{ status: "PENDING" }, { detail: "WAITING" }] },
    });
    expect(first).not.toHaveProperty("incomplete");
    const { now: _, ...present } = stack;
    expect(last.stack).toMatchObject(present);
  });

  it("is known after the removal, and not before the first line", async () => {
    await start();
    await yard.call("/v1/stacks/pr-1/remove", { body: { force: true, reason: "test" } });

    expect(await yard.json("/v1/stacks/pr-1/at/999999999")).toMatchObject({ outcome: "removed", state: null });
    expect(await yard.json("/v1/stacks/pr-1/at/0")).toMatchObject({ status: 404, code: "NOT_FOUND" });
    expect(await yard.json("/v1/stacks/pr-1/at/x")).toMatchObject({ status: 400, code: "USAGE" });
  });
});

it("is as it was after an approval that was settled by hand", async () => {
  const source = `
version: 2
events: [LAUNCH]
states:
  INIT: { on: { LAUNCH: REVIEW } }
  REVIEW: { tasks: [sign-off], on: { NEXT: LIVE } }
  LIVE: {}
tasks:
  sign-off: { executor: approval, config: { from: [team] } }
`;
  yard = createTestYard({ source });
  yard.run();
  const launch = { id: "e1", event: "LAUNCH", stackId: "pr-1", machine: "review-app" };
  await yard.call("/v1/events", { body: launch });
  const isIn = (state: string) =>
    eventually(async () => expect(await yard.json("/v1/stacks/pr-1")).toMatchObject({ state }));
  await isIn("REVIEW");
  const body = { task: "sign-off", as: "succeeded", reason: "tried", approval: true };
  await yard.call("/v1/stacks/pr-1/settle", { body });
  await isIn("LIVE");

  const last = await yard.json<StackAt>("/v1/stacks/pr-1/at/999999999");

  expect(last).toMatchObject({ state: "LIVE", stack: { state: "LIVE" } });
  expect(last).not.toHaveProperty("incomplete");
});
