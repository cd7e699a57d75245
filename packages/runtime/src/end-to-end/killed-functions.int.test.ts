import type { DoorRequest } from "@stackyard/aws-sim";
import { createFakeClock, type FakeClock } from "@stackyard/core/testing";
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from "vitest";
import { type Account, startAccount } from "../testing/start-account.ts";
import { type LambdaYard, startLambdaYard } from "../testing/start-lambda-yard.ts";
import { REVIEW_APP } from "../testing/start-manager.ts";

let account: Account;
let clock: FakeClock;
let yard: LambdaYard | undefined;
let calls: string[];
beforeAll(async () => {
  account = await startAccount();
});
afterAll(() => account.stop());
beforeEach(() => {
  clock = createFakeClock();
  calls = [];
  for (const name of ["network", "db"]) account.functions.add(name, () => void calls.push(name));
});
afterEach(() => yard?.stop());

let tickQueues = 0;

/** With `stack-ticks` it is known that the yard is swept, and functions work only what they have left themselves. */
async function start({ runnerHasStore, hasTicks }: { readonly runnerHasStore: boolean; readonly hasTicks: boolean }) {
  tickQueues += 1;
  const ticks = await account.cloud.createQueue(`stack-ticks-${tickQueues}`);
  const managerEnvironment = hasTicks ? { SQS_TICK_QUEUE_URL: ticks } : {};
  const machines = { "review-app": REVIEW_APP };
  yard = await startLambdaYard({ account, clock, machines, runnerHasStore, managerEnvironment, hidesTime: true });
  return yard;
}

const opened = { stackId: "pr-1", event: "OPENED", machine: "review-app" };
const writesStack = ({ operation, body }: DoorRequest) =>
  operation === "PutItem" && body.includes('"_state":{"S":"BUILD"}') && body.includes("Stacks-y");
const sendsTasks = ({ service, operation, body }: DoorRequest) =>
  service === "sqs" && operation.startsWith("SendMessage") && body.includes("stack-tasks");
const sendsResult = ({ service, operation, body }: DoorRequest) =>
  service === "sqs" && operation.startsWith("SendMessage") && body.includes("TASK_COMPLETED");

describe.each([
  ["of a yard without a sweep", false],
  ["of a yard with `stack-ticks`", true],
])("a state manager %s that is killed at its timeout", (_kind, hasTicks) => {
  it.each([
    ["before it writes", writesStack, "before"],
    ["after it writes, before it gets the answer", writesStack, "after"],
    ["before it sends tasks", sendsTasks, "before"],
    ["after it sends tasks, before it gets the answer", sendsTasks, "after"],
  ] as const)("%s is followed by one that continues", async (_where, matches, when) => {
    const { host, send, find, outcomes, count } = await start({ runnerHasStore: true, hasTicks });
    const held = account.door.hold(matches, when);

    await send(opened);
    await held;
    // The timeout of the function, and the visibility timeout of its message.
    await clock.advance(30_000);
    await host.until(async () => (await find("pr-1")) === "LIVE");
    await host.idle();

    expect(outcomes("state-manager")[0]).toBe("timed-out");
    expect(outcomes("state-manager").slice(1)).not.toContain("timed-out");
    expect([...calls].sort()).toEqual(["db", "network"]);
    expect(await count("eventDeadLetters")).toBe(0);
  });
});

describe.each([
  ["with the store", true],
  ["by message alone", false],
])("a task runner %s that is killed at its timeout", (_kind, runnerHasStore) => {
  it.each(["before", "after"] as const)("%s it sends its result is followed by one that continues", async (when) => {
    const { host, send, find, outcomes, sources, count } = await start({ runnerHasStore, hasTicks: true });
    const held = account.door.hold(sendsResult, when);

    await send(opened);
    await held;
    // Time passes when nothing but the held runner is left to be killed.
    await host.until(() => outcomes("task-runner").length === 1 && sources.events.busy === 0);
    await host.until(async () => (await count("events")) === 0);
    await clock.advance(600_000);
    await host.until(() => outcomes("task-runner").length === 3 && sources.tasks.busy === 0);
    // What a killed runner has left in the store is sent by the sweep.
    await host.tick("state-manager");
    await host.until(async () => (await find("pr-1")) === "LIVE");
    await host.idle();

    expect(outcomes("task-runner")).toEqual(["answered", "timed-out", "answered"]);
    // By message alone, the next runner cannot know that the killed one had finished its task.
    expect(calls.length).toBe(runnerHasStore ? 2 : 3);
  });
});
