import { createFakeClock, createMemoryRecords } from "@stackyard/core/testing";
import { describe, expect, it } from "vitest";
import { findRememberedRun, isDeletedSince, rememberDelete, rememberRun, toDeadline } from "./turn.ts";

describe("toDeadline", () => {
  it.each([
    [{ timeout: 60 }, 60],
    [{ timeout: 3_540 }, 3_540],
    [{ timeout: 3_600 }, 3_540],
    [{ timeout: 0 }, 3_540],
    [{ timeout: 3_540, serviceTimeout: 600 }, 540],
    [{ timeout: 60, serviceTimeout: 600 }, 60],
    [{ timeout: 0, serviceTimeout: 600 }, 540],
    [{ timeout: 600, serviceTimeout: 30 }, 0],
  ])("of %j is %i s after the request", (config, seconds) => {
    expect(toDeadline(config, { receivedAt: 1_000_000 })).toBe(1_000_000 + seconds * 1_000);
  });
});

const RUN = { taskDefinition: "app", taskDefinitionArn: "arn:app:1", requestId: "r-1", taskArns: ["t"], startedAt: 1 };

describe("what is remembered of a resource", () => {
  it("is its last run", async () => {
    const deps = { clock: createFakeClock(), records: createMemoryRecords() };
    expect(await findRememberedRun(deps, "id")).toBeUndefined();

    await rememberRun(deps, "id", { ...RUN, receivedAt: deps.clock.now() });
    await rememberRun(deps, "id", { ...RUN, requestId: "r-2", receivedAt: deps.clock.now() });

    expect(await findRememberedRun(deps, "id")).toEqual({ kind: "run", ...RUN, requestId: "r-2" });
    expect(await findRememberedRun(deps, "other")).toBeUndefined();
  });

  it("is final and rejects earlier requests", async () => {
    const deps = { clock: createFakeClock(), records: createMemoryRecords() };
    const receivedAt = deps.clock.now();
    await rememberRun(deps, "id", { ...RUN, receivedAt });
    await deps.clock.advance(5_000);

    await rememberDelete(deps, "id");

    expect(await findRememberedRun(deps, "id")).toBeUndefined();
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
});
