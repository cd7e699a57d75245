import { createUlids, publishMessages, systemClock } from "@stackyard/core/engine";
import { type SharedPostgres, sharePostgres } from "@stackyard/postgres-server";
import { createPostgresStore } from "@stackyard/store-postgres";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { createStateManager } from "./state-manager.ts";
import { silentTelemetry } from "./testing/silent-telemetry.ts";
import { type Cloud, startCloud } from "./testing/start-cloud.ts";
import { type SentTask, startManager } from "./testing/start-manager.ts";

let cloud: Cloud;
let server: SharedPostgres;
beforeAll(async () => {
  [cloud, server] = await Promise.all([startCloud(), sharePostgres()]);
});
afterAll(() => Promise.all([cloud.stop(), server.stop()]));

const opened = { stackId: "pr-12", event: "OPENED", machine: "review-app" };

/** A container in the place of the function, at work. */
async function startContainer(environment: Readonly<Record<string, string>>, suffix: "" | ".fifo" = "") {
  const manager = await startManager(cloud, { environment, suffix });
  const { queues } = manager;
  const app = createStateManager({
    environment: { ...manager.environment, SQS_EVENT_QUEUE_URL: queues.events },
    telemetry: silentTelemetry,
  });
  const stopping = new AbortController();
  const running = app.main(stopping.signal);
  return {
    ...manager,
    /** Task messages as they come. */
    async awaitTasks(count: number): Promise<readonly SentTask[]> {
      const tasks: SentTask[] = [];
      while (tasks.length < count) {
        const batch = await cloud.receive(queues.tasks, 20);
        tasks.push(...(batch?.Records ?? []).map(({ body }): SentTask => JSON.parse(body)));
        if (batch !== undefined) await cloud.settle(batch, []);
      }
      return tasks;
    },
    stop() {
      stopping.abort();
      return running;
    },
  };
}

describe.each([
  ["DynamoDB", "", () => ({})],
  ["DynamoDB", ".fifo", () => ({})],
  ["Postgres", "", () => ({ DYNAMODB_TABLE: "", DATABASE_URL: server.url })],
] as const)("a container over %s, on queues named *%s", (_store, suffix, toEnvironment) => {
  it("leads a stack from state to state until it is stopped, and then ends in order", async () => {
    const { awaitTasks, toAnswer, queues, stop } = await startContainer(toEnvironment(), suffix);

    await cloud.send(queues.events, opened);
    const build = await awaitTasks(2);
    for (const task of build) await cloud.send(queues.events, toAnswer(task));
    await cloud.send(queues.events, { stackId: "pr-12", event: "MERGED" });
    const [off] = await awaitTasks(1);

    expect(build.map(({ task }) => task.name).toSorted()).toEqual(["db", "network"]);
    expect(off).toMatchObject({ task: { name: "network-off" }, stack: { id: "pr-12", _state: "CLEAN-UP" } });
    expect(await stop()).toBe(0);
  });
});

describe("a container", () => {
  it("decides events that were put into the store's own queue without SQS", async () => {
    const { awaitTasks, stop } = await startContainer({ DYNAMODB_TABLE: "", DATABASE_URL: server.url });
    const store = await createPostgresStore({ connection: server.url });

    const deps = { store, clock: systemClock, ids: createUlids() };
    await publishMessages(deps, [{ ...opened, stackId: "pr-77" }]);
    const tasks = await awaitTasks(2);

    expect(tasks.map(({ stack }) => stack.id)).toEqual(["pr-77", "pr-77"]);
    await store.close();
    expect(await stop()).toBe(0);
  });

  it("cannot start without its queue, and says so with the exit code of a start that failed", async () => {
    const manager = await startManager(cloud);
    const lines: string[] = [];
    const logger = { ...silentTelemetry.logger, error: (line: string) => void lines.push(line) };
    const app = createStateManager({ environment: manager.environment, telemetry: { ...silentTelemetry, logger } });

    expect(await app.main()).toBe(3);
    expect(lines.join()).toContain("SQS_EVENT_QUEUE_URL is not set: a container consumes it.");
  });
});
