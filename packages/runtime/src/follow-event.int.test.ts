import { spawnSync } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { SendMessageCommand } from "@aws-sdk/client-sqs";
import { InMemorySpanExporter, type ReadableSpan, SimpleSpanProcessor, TracerProvider } from "@opentelemetry/sdk-trace";
import type { Clock } from "@stackyard/core";
import { systemClock } from "@stackyard/core/engine";
import { createTelemetry } from "@stackyard/telemetry";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { type Cloud, startCloud } from "./testing/start-cloud.ts";
import { type LambdaServer, startLambda } from "./testing/start-lambda.ts";
import { startManager } from "./testing/start-manager.ts";
import { createRunner } from "./testing/start-runner.ts";

const hasTerraform = spawnSync("terraform", ["version"]).status === 0;
if (!hasTerraform) console.warn("terraform is not in PATH: its tests are skipped.");

const TRACE = "0af7651916cd43dd8448eb211c80319c";
const traceparent = `00-${TRACE}-b7ad6b7169203331-01`;

let cloud: Cloud;
let lambda: LambdaServer;
let folder: string;
beforeAll(async () => {
  [cloud, lambda] = await Promise.all([startCloud(), startLambda()]);
  folder = mkdtempSync(join(tmpdir(), "stackyard-trace-"));
});
afterAll(async () => {
  rmSync(folder, { recursive: true, force: true });
  await Promise.all([cloud.stop(), lambda.stop()]);
});

/** Telemetry of an app whose spans stay in memory; undefined tracer: nothing is exported. */
async function createTold(service: string, isTraced: boolean) {
  const exporter = new InMemorySpanExporter();
  const lines: string[] = [];
  const provider = new TracerProvider({ spanProcessors: [new SimpleSpanProcessor({ exporter })] });
  const telemetry = await createTelemetry({
    service,
    clock: systemClock,
    write: (line: string) => void lines.push(line),
    environment: { EMF_METRICS: "true", LOG_LEVEL: "debug" },
    ...(isTraced ? { openTelemetry: { tracer: provider.getTracer("test") } } : {}),
  });
  return { telemetry, spans: () => exporter.getFinishedSpans(), parsed: () => lines.map((line) => JSON.parse(line)) };
}

const toMachine = (config: string) => `
version: 1
events: [OPENED]
states:
  INIT: {on: {OPENED: [{action: advance, state: BUILD}]}}
  BUILD: {tasks: [network], on: {NEXT: [{action: advance, state: LIVE}]}}
  LIVE: {tasks: [smoke]}
tasks:
  network: ${config}
  smoke: {executor: lambda, config: {name: smoke}}
`;
const opened = { stackId: "pr-12", event: "OPENED", machine: "review-app" };

interface YardInput {
  readonly config: string;
  readonly hasStore: boolean;
  readonly isTraced?: boolean;
  readonly environment?: Readonly<Record<string, string>>;
  /** Of the state manager. */
  readonly clock?: Clock;
}

/** Runs from a minute on in which the yard is measured. */
function createMeasuringClock(): Clock {
  const ahead = systemClock.now() % 300_000;
  return { ...systemClock, now: () => systemClock.now() - ahead };
}

async function startYard({ config, hasStore, isTraced = true, environment = {}, clock = systemClock }: YardInput) {
  const [ofManager, ofRunner] = await Promise.all([
    createTold("state-manager", isTraced),
    createTold("task-runner", isTraced),
  ]);
  const manager = await startManager(cloud, {
    machines: { "review-app": toMachine(config) },
    environment: { RUNNERS_HAVE_STORE: String(hasStore) },
    telemetry: ofManager.telemetry,
    clock,
  });
  const options = { telemetry: ofRunner.telemetry };
  const runner = createRunner({ cloud, lambda, manager, hasStore, environment, options });
  lambda.add("smoke", () => null);
  return {
    manager,
    runner,
    ofManager,
    ofRunner,
    /** As the SDK sends it. */
    async publish() {
      const attribute = { DataType: "String", StringValue: traceparent } as const;
      const message = { QueueUrl: manager.queues.events, MessageBody: JSON.stringify(opened) };
      await cloud.sqs.send(new SendMessageCommand({ ...message, MessageAttributes: { traceparent: attribute } }));
    },
    /** Until both have nothing to do: the task of BUILD, and that of LIVE. */
    async play() {
      for (let round = 0; round < 2; round += 1) {
        await manager.play();
        await runner.work();
      }
      await manager.play();
    },
  };
}

const toTold = (spans: readonly ReadableSpan[]) => spans.map(({ name }) => name);
const inTrace = (spans: readonly ReadableSpan[]) => spans.filter((span) => span.spanContext().traceId === TRACE);

describe.each([
  ["with the store", true],
  ["by message alone", false],
] as const)("an event over queues, to runners %s", (_kind, hasStore) => {
  it("is followed in one trace: queue, decision, outbox, queue, executor, result, decision", async () => {
    lambda.add("network", () => null);
    const yard = await startYard({ config: "{executor: lambda, config: {name: network}}", hasStore });

    await yard.publish();
    await yard.play();

    const [decided, ran] = [yard.ofManager.spans(), yard.ofRunner.spans()];
    expect(toTold(inTrace(decided)).filter((name) => name !== "process")).toEqual([
      ...["decide OPENED", "decide TASK_COMPLETED", "decide TASK_COMPLETED"],
    ]);
    expect(toTold(inTrace(ran)).filter((name) => name !== "process")).toEqual(["lambda start", "lambda start"]);
    expect([inTrace(decided).length, inTrace(ran).length]).toEqual([decided.length, ran.length]);
  });

  it("hangs each span below the one that has caused it", async () => {
    lambda.add("network", () => null);
    const yard = await startYard({ config: "{executor: lambda, config: {name: network}}", hasStore });

    await yard.publish();
    await yard.play();

    const all = [...yard.ofManager.spans(), ...yard.ofRunner.spans()];
    const byId = new Map(all.map((span) => [span.spanContext().spanId, span]));
    const pathOf = (span: ReadableSpan | undefined): readonly string[] => {
      if (span === undefined) return [];
      return [...pathOf(byId.get(span.parentSpanContext?.spanId ?? "")), span.name];
    };
    const last = all.findLast(({ name }) => name === "lambda start");
    expect(pathOf(last).filter((name) => name !== "process")).toEqual([
      ...["decide OPENED", "decide TASK_COMPLETED", "lambda start"],
    ]);
  });
});

describe("an app without an exporter", () => {
  it("passes on what came along, unchanged, to the task and the result", async () => {
    lambda.add("network", () => null);
    const yard = await startYard({
      config: "{executor: lambda, config: {name: network}}",
      hasStore: true,
      isTraced: false,
    });

    await yard.publish();
    await yard.manager.play();
    const task = await cloud.receive(yard.manager.queues.tasks, 20);
    expect(task?.Records[0]?.messageAttributes["traceparent"]?.stringValue).toBe(traceparent);
    expect(JSON.parse(task?.Records[0]?.body ?? "{}").dispatch).not.toHaveProperty("traceparent");
    await yard.runner.app.handler(task, { getRemainingTimeInMillis: () => 600_000 });
    const result = await cloud.receive(yard.manager.queues.events, 20);

    expect(result?.Records[0]?.messageAttributes["traceparent"]?.stringValue).toBe(traceparent);
    expect(JSON.parse(result?.Records[0]?.body ?? "{}")).not.toHaveProperty("traceparent");
  });
});

describe("what an app writes", () => {
  it("names trace, stack, event, task and attempt in the log, and writes metrics", async () => {
    lambda.add("network", () => {
      throw new TypeError("no");
    });
    const yard = await startYard({ config: "{executor: lambda, config: {name: network}}", hasStore: true });

    await yard.publish();
    await yard.play();

    const [manager, runner] = [yard.ofManager.parsed(), yard.ofRunner.parsed()];
    const worked = manager.find(({ message }) => message === "An event was decided.");
    expect(worked).toMatchObject({ traceId: TRACE, stackId: "pr-12", event: "OPENED", to: "BUILD" });
    expect(worked.eventId).toEqual(expect.any(String));
    const taken = runner.find(({ message }) => message === "An attempt was started.");
    expect(taken).toMatchObject({ traceId: TRACE, stackId: "pr-12", task: "network", attemptId: expect.any(String) });
    const measured = [...manager, ...runner].filter((line) => "_aws" in line);
    expect(measured).toContainEqual(expect.objectContaining({ machine: "review-app", taskFailures: 1, yard: "main" }));
    expect(measured).toContainEqual(expect.objectContaining({ executor: "lambda", stepFailures: 1 }));
    expect(measured).toContainEqual(expect.objectContaining({ eventAgeSeconds: expect.anything() }));
  });

  it("measures the yard when the schedule runs", async () => {
    const config = "{executor: lambda, config: {name: network}}";
    const yard = await startYard({ config, hasStore: true, clock: createMeasuringClock() });
    await yard.publish();
    await yard.manager.play();

    await yard.manager.tick();

    const measured = yard.ofManager.parsed().filter((line) => "_aws" in line);
    expect(measured).toContainEqual(expect.objectContaining({ yard: "main", stalledStacks: 0, failedStacks: 0 }));
    expect(measured).toContainEqual(expect.objectContaining({ machine: "review-app", state: "BUILD", stacks: 1 }));
  });
});

describe.skipIf(!hasTerraform)("Terraform", () => {
  it("and its child processes receive the span in the trace of the event", async () => {
    const seen = join(folder, "seen");
    const source = `
      terraform {
        backend "local" { path = "${join(folder, "pr-12.tfstate")}" }
      }
      resource "terraform_data" "app" {
        provisioner "local-exec" { command = "echo $TRACEPARENT > ${seen}" }
      }
    `;
    await cloud.createBucket("sources", { "network/main.tf": source });
    const config = "{executor: terraform, config: {action: apply, source: {type: s3, bucket: sources, key: network}}}";
    const environment = { PATH: process.env["PATH"] ?? "", HOME: folder, TASK_DATA_DIR: join(folder, "data") };
    const yard = await startYard({ config, hasStore: true, environment });

    await yard.publish();
    await yard.play();

    const span = yard.ofRunner.spans().find(({ name }) => name === "terraform start");
    expect(readFileSync(seen, "utf8").trim()).toBe(`00-${TRACE}-${span?.spanContext().spanId}-01`);
  });
});
