import { describe, expect, it } from "vitest";
import { StackyardError } from "../errors/stackyard-error.ts";
import { createMemoryRecords } from "../memory/memory-records.ts";
import { createRecordingLogger } from "../testing/recording-logger.ts";
import type { AuditEntry } from "./audit-entry.ts";
import { createAuditWriter } from "./audit-writer.ts";

const who = { kind: "person", id: "https://id.example.org 00u1", name: "ada", groups: ["ops"] } as const;
const action = { action: "revokeToken", who, via: "api", on: { tokenId: "t1" } } as const;

function aWriter({ failsFrom = Number.POSITIVE_INFINITY } = {}) {
  const kept = createMemoryRecords();
  const logger = createRecordingLogger();
  let puts = 0;
  let next = 0;
  const writer = createAuditWriter({
    records: {
      put: (input) => {
        puts += 1;
        return puts >= failsFrom ? Promise.reject(new Error("disk full")) : kept.put(input);
      },
    },
    clock: { now: () => 1_000 },
    ids: {
      next() {
        next += 1;
        return `id-${next}`;
      },
    },
    logger,
  });
  const read = async () => (await kept.list("audit/", { limit: 1_000, now: 1_000 })).items;
  return { writer, read, lines: logger.lines };
}

describe("createAuditWriter", () => {
  it("writes an entry under a key of its own, with its id and time", async () => {
    const { writer, read } = aWriter();

    const entry = await writer.write({ ...action, outcome: "denied", code: "FORBIDDEN" });

    expect(entry).toEqual({ id: "id-1", at: 1_000, ...action, outcome: "denied", code: "FORBIDDEN" });
    expect((await read()).map(({ key, value }) => [key, value])).toEqual([["audit/pending/id-1", entry]]);
  });

  it("refuses with STORE_UNAVAILABLE when the entry cannot be stored", async () => {
    const { writer } = aWriter({ failsFrom: 1 });

    await expect(writer.write({ ...action, outcome: "done" })).rejects.toMatchObject({ code: "STORE_UNAVAILABLE" });
  });

  it("frames an action with begun and done", async () => {
    const { writer, read } = aWriter();

    const result = await writer.run(action, async () => (await read()).length);

    const outcomes = (await read()).map(({ value }) => value as AuditEntry).map(({ outcome, of }) => [outcome, of]);
    expect(result).toBe(1);
    expect(outcomes).toEqual([
      ["begun", undefined],
      ["done", "id-1"],
    ]);
  });

  it("records that an action failed, with its code, and throws its error", async () => {
    const { writer, read } = aWriter();
    const error = new StackyardError("NOT_FOUND", "Token not found.");

    await expect(writer.run(action, () => Promise.reject(error))).rejects.toBe(error);

    expect((await read())[1]?.value).toMatchObject({ outcome: "failed", code: "NOT_FOUND", of: "id-1" });
  });

  it("does not begin an action that it cannot record", async () => {
    const { writer } = aWriter({ failsFrom: 1 });
    let calls = 0;

    await expect(writer.run(action, async () => (calls += 1))).rejects.toMatchObject({ code: "STORE_UNAVAILABLE" });

    expect(calls).toBe(0);
  });

  it("keeps the result of an action whose end cannot be recorded, and logs that", async () => {
    const { writer, lines } = aWriter({ failsFrom: 2 });

    await expect(writer.run(action, async () => "result")).resolves.toBe("result");

    expect(lines).toMatchObject([{ level: "error", fields: { of: "id-1", outcome: "done" } }]);
  });
});
