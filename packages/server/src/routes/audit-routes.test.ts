import { type Logger, silentLogger } from "@stackyard/core";
import { createMemoryStore } from "@stackyard/core/engine";
import { createFakeClock } from "@stackyard/core/testing";
import { describe, expect, it } from "vitest";
import { logAuditHead } from "./audit-routes.ts";

describe("the head of the audit log", () => {
  it("is logged at the start and every hour, as soon as there is a line", async () => {
    const clock = createFakeClock();
    const { records } = createMemoryStore();
    const lines: unknown[] = [];
    const logger: Logger = { ...silentLogger, info: (message, fields) => void lines.push([message, fields]) };
    const stopping = new AbortController();
    const logging = logAuditHead({ records, clock, logger }, stopping.signal);
    const put = (seq: number, expected: number | "absent") => {
      const value = { seq, hash: `hash of ${seq}`, first: { seq: 1, prev: "" } };
      return records.put({ key: "audit/head", value, expected, now: clock.now() });
    };
    const counts = [lines.length];

    const written = await put(7, "absent");
    for (const ms of [3_599_999, 1]) {
      await clock.advance(ms);
      counts.push(lines.length);
    }
    await put(8, written.kind === "written" ? written.record.version : 0);
    await clock.advance(3_600_000);
    stopping.abort();
    await logging;

    expect(counts).toEqual([0, 0, 1]);
    expect(lines).toEqual([7, 8].map((seq) => ["The audit log ends here.", { seq, hash: `hash of ${seq}` }]));
  });
});
