import { createFakeClock, createMemoryRecords } from "@stackyard/core/testing";
import { describe, expect, it } from "vitest";
import { findEventRecord, keepEventRecord } from "./event-records.ts";

const createDeps = () => ({ records: createMemoryRecords(), clock: createFakeClock() });
const done = (code: string) => ({ kind: "done", code, message: "why" }) as const;

describe("decisions about events", () => {
  it("are none at first", async () => {
    expect(await findEventRecord(createDeps(), "e-1")).toBeUndefined();
  });

  it("count once, the first", async () => {
    const deps = createDeps();

    const answers = await Promise.all([
      keepEventRecord(deps, "e-1", done("A")),
      keepEventRecord(deps, "e-1", done("B")),
    ]);

    expect(answers).toEqual([done("A"), done("A")]);
    expect(await findEventRecord(deps, "e-1")).toEqual(done("A"));
  });

  it("stand under ids of any form", async () => {
    const deps = createDeps();
    const ids = ["a/b", "../..", "x".repeat(1_000), "\u0000", "a//b"];

    for (const id of ids) await keepEventRecord(deps, id, done(String(ids.indexOf(id))));

    for (const id of ids) expect(await findEventRecord(deps, id)).toEqual(done(String(ids.indexOf(id))));
  });

  it("are forgotten after two weeks", async () => {
    const deps = createDeps();
    await keepEventRecord(deps, "e-1", done("A"));

    await deps.clock.advance(14 * 86_400_000);

    expect(await findEventRecord(deps, "e-1")).toBeUndefined();
  });
});
