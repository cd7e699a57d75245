import { createFakeClock, createMemoryRecords } from "@stackyard/core/testing";
import { describe, expect, it } from "vitest";
import {
  closeEarlier,
  closeRequest,
  findClusters,
  findLastRun,
  findRunToStop,
  isOver,
  rememberCluster,
  rememberDelete,
  rememberRun,
} from "./resource-record.ts";

const RUN = { taskDefinition: "app", taskDefinitionArn: "arn:app:1", requestId: "r-1", taskArns: ["t"], startedAt: 1 };

describe("the record of a resource", () => {
  it("is its last run", async () => {
    const deps = { clock: createFakeClock(), records: createMemoryRecords() };
    const receivedAt = deps.clock.now();
    expect(await findLastRun(deps, "id")).toBeUndefined();

    await rememberRun(deps, "id", { ...RUN, receivedAt });
    await rememberRun(deps, "id", { ...RUN, requestId: "r-2", receivedAt });

    expect(await findLastRun(deps, "id")).toEqual({ ...RUN, requestId: "r-2", receivedAt });
    expect(await findLastRun(deps, "other")).toBeUndefined();
  });

  it("keeps every cluster with a run, also after the deletion, and takes none of a request that is over", async () => {
    const deps = { clock: createFakeClock(), records: createMemoryRecords() };
    const receivedAt = deps.clock.now();

    expect(await rememberCluster(deps, "id", { cluster: "web", receivedAt })).toBe(true);
    await rememberRun(deps, "id", { ...RUN, receivedAt });
    expect(await rememberCluster(deps, "id", { cluster: "jobs", receivedAt })).toBe(true);
    expect(await rememberCluster(deps, "id", { cluster: "web", receivedAt })).toBe(true);
    await deps.clock.advance(1);
    await rememberDelete(deps, "id");
    expect(await rememberCluster(deps, "id", { cluster: "late", receivedAt })).toBe(false);

    expect(await findClusters(deps, "id")).toEqual(["web", "jobs"]);
    expect(await findRunToStop(deps, "id")).toEqual({ ...RUN, receivedAt });
  });

  it("keeps the twenty newest clusters", async () => {
    const deps = { clock: createFakeClock(), records: createMemoryRecords() };
    const receivedAt = deps.clock.now();
    const clusters = Array.from({ length: 25 }, (_, at) => `cluster-${at}`);

    for (const cluster of clusters) await rememberCluster(deps, "id", { cluster, receivedAt });

    expect(await findClusters(deps, "id")).toEqual(clusters.slice(5));
    expect(await findLastRun(deps, "id")).toBeUndefined();
  });

  it("is final and rejects earlier requests", async () => {
    const deps = { clock: createFakeClock(), records: createMemoryRecords() };
    const receivedAt = deps.clock.now();
    await rememberRun(deps, "id", { ...RUN, receivedAt });
    await deps.clock.advance(5_000);

    await rememberDelete(deps, "id");

    expect(await findLastRun(deps, "id")).toBeUndefined();
    expect(await isOver(deps, "id", receivedAt)).toBe(true);
    expect(await rememberRun(deps, "id", { ...RUN, receivedAt })).toBe(false);
    await deps.clock.advance(1);
    expect(await isOver(deps, "id", deps.clock.now())).toBe(false);
    expect(await rememberRun(deps, "id", { ...RUN, receivedAt: deps.clock.now() })).toBe(true);
  });

  it("rejects requests that were answered at their reception, and keeps its run", async () => {
    const deps = { clock: createFakeClock(), records: createMemoryRecords() };
    const receivedAt = deps.clock.now();
    await rememberRun(deps, "id", { ...RUN, receivedAt });
    await closeRequest(deps, "id", { requestId: "r-2", receivedAt });
    await closeRequest(deps, "new", { requestId: "r-1", receivedAt });

    expect(await rememberRun(deps, "id", { ...RUN, requestId: "r-2", receivedAt })).toBe(false);
    expect(await rememberRun(deps, "new", { ...RUN, receivedAt })).toBe(false);
    expect(await findLastRun(deps, "id")).toEqual({ ...RUN, receivedAt });
    expect(await findLastRun(deps, "new")).toBeUndefined();

    // The Update by which CloudFormation rolls back runs, and the request from before still may not.
    await deps.clock.advance(1_000);
    expect(await rememberRun(deps, "id", { ...RUN, requestId: "r-3", receivedAt: deps.clock.now() })).toBe(true);
    expect(await isOver(deps, "id", receivedAt)).toBe(true);
  });

  it("shows that an execution holds the request of its run", async () => {
    const deps = { clock: createFakeClock(), records: createMemoryRecords() };
    const receivedAt = deps.clock.now();
    await rememberRun(deps, "id", { ...RUN, receivedAt });

    expect(await closeRequest(deps, "id", { requestId: "r-1", receivedAt })).toBe(false);
    expect(await isOver(deps, "id", receivedAt)).toBe(false);
  });

  it("ends earlier requests by one that runs nothing, once: a later one may run when that comes again", async () => {
    const deps = { clock: createFakeClock(), records: createMemoryRecords() };
    const run = { ...RUN, receivedAt: deps.clock.now() };
    await rememberRun(deps, "id", run);
    await deps.clock.advance(1_000);

    const last = await closeEarlier(deps, "id", { requestId: "r-2", receivedAt: deps.clock.now() });
    const none = await closeEarlier(deps, "new", { requestId: "r-2", receivedAt: deps.clock.now() });

    expect([last, none]).toEqual([run, undefined]);
    expect(await isOver(deps, "id", run.receivedAt)).toBe(true);
    expect(await isOver(deps, "new", run.receivedAt)).toBe(true);
    expect(await isOver(deps, "id", deps.clock.now())).toBe(false);

    const receivedAt = deps.clock.now();
    await rememberRun(deps, "id", { ...RUN, requestId: "r-3", receivedAt });
    await deps.clock.advance(1_000);
    await closeEarlier(deps, "id", { requestId: "r-2", receivedAt: deps.clock.now() });
    expect(await isOver(deps, "id", receivedAt)).toBe(false);
  });

  it("gives a request that comes again after the deletion the run that it was answered with", async () => {
    const deps = { clock: createFakeClock(), records: createMemoryRecords() };
    const run = { ...RUN, receivedAt: deps.clock.now() };
    await rememberRun(deps, "id", run);
    await deps.clock.advance(1_000);
    const request = { requestId: "r-2", receivedAt: deps.clock.now() };
    const first = await closeEarlier(deps, "id", request);
    await deps.clock.advance(1_000);
    await rememberDelete(deps, "id");

    expect(await closeEarlier(deps, "id", request)).toEqual(first);
    expect(first).toEqual(run);
  });

  it("forgets an end after two hours", async () => {
    const deps = { clock: createFakeClock(), records: createMemoryRecords() };
    const before = deps.clock.now() - 1;
    await rememberDelete(deps, "id");
    await deps.clock.advance(2 * 3_600_000);

    expect(await isOver(deps, "id", before)).toBe(false);
  });

  it("has the tasks to stop also for a Delete that comes again", async () => {
    const deps = { clock: createFakeClock(), records: createMemoryRecords() };
    const run = { ...RUN, receivedAt: deps.clock.now() };
    await rememberRun(deps, "id", run);

    const first = await rememberDelete(deps, "id");
    const second = await rememberDelete(deps, "id");

    expect([first, second, await findRunToStop(deps, "id")]).toEqual([run, run, run]);
  });

  it("is never the run of a request that was received earlier", async () => {
    const deps = { clock: createFakeClock(), records: createMemoryRecords() };
    const receivedAt = deps.clock.now();
    await rememberRun(deps, "id", { ...RUN, requestId: "r-2", receivedAt: receivedAt + 1 });

    expect(await rememberRun(deps, "id", { ...RUN, receivedAt })).toBe(false);
    expect(await isOver(deps, "id", receivedAt)).toBe(true);
    expect(await isOver(deps, "id", receivedAt + 1)).toBe(false);
    expect(await findLastRun(deps, "id")).toMatchObject({ requestId: "r-2" });
  });
});
