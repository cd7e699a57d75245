import { createFakeClock, createMemoryRecords } from "@stackyard/core/testing";
import { describe, expect, it } from "vitest";
import { findLastRun, findRunToStop, isDeletedSince, rememberDelete, rememberRun } from "./resource-record.ts";

const RUN = { taskDefinition: "app", taskDefinitionArn: "arn:app:1", requestId: "r-1", taskArns: ["t"], startedAt: 1 };

describe("the record of a resource", () => {
  it("is its last run", async () => {
    const deps = { clock: createFakeClock(), records: createMemoryRecords() };
    expect(await findLastRun(deps, "id")).toBeUndefined();

    await rememberRun(deps, "id", { ...RUN, receivedAt: deps.clock.now() });
    await rememberRun(deps, "id", { ...RUN, requestId: "r-2", receivedAt: deps.clock.now() });

    expect(await findLastRun(deps, "id")).toEqual({ ...RUN, requestId: "r-2" });
    expect(await findLastRun(deps, "other")).toBeUndefined();
  });

  it("is final and rejects earlier requests", async () => {
    const deps = { clock: createFakeClock(), records: createMemoryRecords() };
    const receivedAt = deps.clock.now();
    await rememberRun(deps, "id", { ...RUN, receivedAt });
    await deps.clock.advance(5_000);

    await rememberDelete(deps, "id");

    expect(await findLastRun(deps, "id")).toBeUndefined();
    expect(await isDeletedSince(deps, "id", receivedAt)).toBe(true);
    expect(await rememberRun(deps, "id", { ...RUN, receivedAt })).toBe(false);
    await deps.clock.advance(1);
    expect(await isDeletedSince(deps, "id", deps.clock.now())).toBe(false);
    expect(await rememberRun(deps, "id", { ...RUN, receivedAt: deps.clock.now() })).toBe(true);
  });

  it("forgets an end after two hours", async () => {
    const deps = { clock: createFakeClock(), records: createMemoryRecords() };
    const before = deps.clock.now() - 1;
    await rememberDelete(deps, "id");
    await deps.clock.advance(2 * 3_600_000);

    expect(await isDeletedSince(deps, "id", before)).toBe(false);
  });

  it("has the tasks to stop also for a Delete that comes again", async () => {
    const deps = { clock: createFakeClock(), records: createMemoryRecords() };
    await rememberRun(deps, "id", { ...RUN, receivedAt: deps.clock.now() });

    const first = await rememberDelete(deps, "id");
    const second = await rememberDelete(deps, "id");

    expect([first, second, await findRunToStop(deps, "id")]).toEqual([RUN, RUN, RUN]);
  });
});
