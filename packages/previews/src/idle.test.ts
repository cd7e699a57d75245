import { type Records, StackyardError } from "@stackyard/core";
import { createExecutorContext, runExecutor } from "@stackyard/core/testing";
import { describe, expect, it } from "vitest";
import { createIdleExecutor } from "./idle.ts";
import { createIdleService } from "./idle-service.ts";
import { ACCOUNT, createAwsBench } from "./testing/aws-bench.ts";
import { createPreviewsBench } from "./testing/previews-bench.ts";

const MINUTE = 60_000;
const executor = createIdleExecutor();
const balancer = `arn:aws:elasticloadbalancing:eu-west-1:${ACCOUNT}:`;
const targetGroup = `${balancer}targetgroup/pr-7/0123456789abcdef`;
const loadBalancer = `${balancer}loadbalancer/app/previews/0123456789abcdef`;
const config = { source: "cloudwatch", for: "60m", targetGroup };

function createBench(options: { readonly allow?: readonly string[] } = {}) {
  const bench = createAwsBench(options);
  const startedAt = bench.clock.now();
  return {
    ...bench,
    run: (given: object = config) => runExecutor(executor, given, { context: bench.context }),
    /** A request so many minutes after the start. */
    addRequest(minutes: number, metric: object = {}) {
      bench.sim.cloudWatch.addMetric({
        account: ACCOUNT,
        region: "eu-west-1",
        namespace: "AWS/ApplicationELB",
        name: "RequestCountPerTarget",
        dimensions: { TargetGroup: "targetgroup/pr-7/0123456789abcdef" },
        value: 0.5,
        at: startedAt + minutes * MINUTE,
        ...metric,
      });
    },
  };
}

describe("idle by requests", () => {
  it("succeeds when the target group had no requests for that time, with one call", async () => {
    const { run, sim } = createBench();

    const { step, elapsedMs } = await run();

    // CloudWatch shows requests some minutes later.
    expect({ step, elapsedMs }).toEqual({ step: { kind: "succeeded", outputs: {} }, elapsedMs: 65 * MINUTE });
    expect(sim.calls.map(({ operation }) => operation)).toEqual(["CloudWatch.GetMetricData"]);
  });

  it("waits on after each request, and says when the last one was", async () => {
    const { run, addRequest, sim } = createBench();
    for (const minutes of [10, 53, 100]) addRequest(minutes);

    const { steps, elapsedMs } = await run();

    expect(steps.map((step) => (step.kind === "running" ? step.message.split(" The next")[0] : step.kind))).toEqual([
      "Waits for 65m.",
      "The last request was 11m ago.",
      "The last request was 18m ago.",
      "succeeded",
    ]);
    expect([elapsedMs, sim.calls.length]).toEqual([166 * MINUTE, 3]);
  });

  it("counts neither minutes of zero nor other target groups", async () => {
    const { run, addRequest } = createBench();
    addRequest(30, { value: 0 });
    addRequest(30, { dimensions: { TargetGroup: "targetgroup/pr-8/0123456789abcdef" } });

    expect((await run()).elapsedMs).toBe(65 * MINUTE);
  });

  it("counts requests behind the load balancer, as targets that are functions need", async () => {
    const { run, addRequest } = createBench();
    const dimensions = {
      LoadBalancer: "app/previews/0123456789abcdef",
      TargetGroup: "targetgroup/pr-7/0123456789abcdef",
    };
    addRequest(30, { name: "RequestCount", dimensions, value: 1 });

    expect((await run({ ...config, loadBalancer })).elapsedMs).toBe(96 * MINUTE);
  });

  it("is not idle while it is not known: partial data, and errors that pass", async () => {
    const { run, sim } = createBench();
    sim.once("CloudWatch.GetMetricData", async () => ({
      MetricDataResults: [{ Id: "requests", StatusCode: "PartialData" }],
    }));
    sim.once("CloudWatch.GetMetricData", async () => {
      throw Object.assign(new Error("Rate exceeded"), {
        name: "ThrottlingException",
        $metadata: { httpStatusCode: 400 },
      });
    });

    const { step, elapsedMs } = await run();

    expect([step.kind, elapsedMs]).toEqual(["succeeded", 75 * MINUTE]);
  });

  it.each([
    ["a denied call", { allow: ["s3:*"] }, {}, "IDLE_DENIED", "cloudwatch:GetMetricData"],
    [
      "the target group of another account",
      {},
      { targetGroup: targetGroup.replace(ACCOUNT, "444455556666") },
      "IDLE_NOT_CONFIGURED",
      "is in the account 444455556666",
    ],
    ["more than 14 days", {}, { for: "15d" }, "CONFIG_INVALID", "at most 14d"],
  ])("fails for %s", async (_, options, given, code, message) => {
    const { step } = await createBench(options).run({ ...config, ...given });

    expect(step).toMatchObject({ kind: "failed", code, retryable: false });
    expect(step).toHaveProperty("message", expect.stringContaining(message));
  });

  it.each([
    {},
    { source: "logs" },
    { source: "cloudwatch" },
    { source: "events", targetGroup },
    { source: "events", for: "0m" },
    { source: "cloudwatch", targetGroup: "targetgroup/pr-7/0123456789abcdef" },
    { source: "cloudwatch", targetGroup, loadBalancer: targetGroup },
  ])("refuses the config %j", async (given) => {
    expect((await runExecutor(executor, given)).step).toMatchObject({ code: "CONFIG_INVALID" });
  });
});

const MACHINE = `version: 2
events: [OPENED, ACTIVE, CLOSED]
states:
  INIT: { on: { OPENED: LIVE } }
  LIVE: { leaving: cancel, tasks: [idle], on: { ACTIVE: no-op, NEXT: ASLEEP, CLOSED: GONE } }
  ASLEEP: { on: { ACTIVE: LIVE, CLOSED: GONE } }
  GONE: { terminal: true }
tasks:
  idle: { executor: idle, config: { source: events, for: 60m } }
`;

describe("idle by events", () => {
  async function open() {
    const bench = createPreviewsBench({ source: MACHINE, executors: [executor], services: [createIdleService()] });
    expect(bench.problems).toEqual([]);
    await bench.send("pr-7", "OPENED");
    await bench.settle();
    const listQuestions = async () => {
      const { items } = await bench.store.records.list("previews/idle/", { limit: 10, now: bench.clock.now() });
      return items;
    };
    return { ...bench, listQuestions };
  }

  it("sleeps an hour after the last event, however often that is delivered", async () => {
    const bench = await open();
    await bench.pass(50);
    const active = { id: "d-1", stackId: "pr-7", machine: "preview", event: "ACTIVE", metadata: {} };
    await bench.publish(active);
    await bench.settle();
    await bench.pass(40);
    await bench.publish(active);
    await bench.settle();

    await bench.pass(19);
    expect(await bench.stateOf("pr-7")).toBe("LIVE");
    await bench.pass(4);
    expect(await bench.stateOf("pr-7")).toBe("ASLEEP");
  });

  it("shows when the last event was", async () => {
    const bench = await open();
    await bench.pass(50);
    await bench.send("pr-7", "ACTIVE");
    await bench.pass(13);

    const [attempt] = await bench.store.queries.listAttempts("pr-7");
    expect(attempt?.progressMessage).toMatch(/^The last event ACTIVE was 1[0-3]m ago\. The next check is at .* UTC\.$/);
  });

  it("stays awake while no server has looked, and asks again when an answer is old", async () => {
    const bench = await open();
    await bench.advance(3 * 60 * MINUTE);
    await bench.settle();
    expect(await bench.stateOf("pr-7")).toBe("LIVE");
    expect(await bench.listQuestions()).toHaveLength(1);

    await bench.pass(3);

    expect(await bench.stateOf("pr-7")).toBe("ASLEEP");
  });

  it("writes nothing without questions", async () => {
    const { deps } = await open();

    expect(await createIdleService().dueAt?.(deps)).toBeUndefined();
  });

  it("fails without the store", async () => {
    const get: Records["get"] = async () => {
      throw new StackyardError("CONFIG_INVALID", "This runner has no store.");
    };
    const context = createExecutorContext({ records: { ...createExecutorContext().records, get } });

    const { step } = await runExecutor(executor, { source: "events", for: "1m" }, { context });

    expect(step).toMatchObject({ kind: "failed", code: "IDLE_NEEDS_STORE" });
  });
});
