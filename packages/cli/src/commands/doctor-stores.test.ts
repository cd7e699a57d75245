import { describe, expect, it } from "vitest";
import { evaluateProcesses, toLockFindings, toQueueFindings } from "./doctor-stores.ts";

const AT = "2026-01-31T12:00:00.000Z";

function anItem(key: string, count: number, deadAt?: string) {
  const failure = { count, firstAt: AT, lastAt: AT, message: `${key} is refused.` };
  return { queue: "reports-github", key, failure, ...(deadAt !== undefined && { deadAt }) };
}

describe("what doctor says of queues", () => {
  it("is which work has failed for good, and which fails all the time", () => {
    const items = [
      anItem("1/7", 9, AT),
      anItem("1/8", 12),
      anItem("1/9", 5),
      anItem("1/10", 4),
      { queue: "hooks", key: "a" },
    ];

    expect(toQueueFindings(items).map(({ message }) => message)).toEqual([
      "reports-github has 1 dead letter, such as 1/7: 1/7 is refused.",
      "reports-github has 2 items that failed again and again, such as 1/8: 1/8 is refused.",
    ]);
  });
});

describe("what doctor says of locks", () => {
  it("is which session holds rows, and nothing when none does", () => {
    const [found, ...others] = toLockFindings({ blockedBy: ["the session 12 (psql, idle in transaction)"] });

    expect([found?.status, others, toLockFindings({})]).toEqual(["warn", [], []]);
    expect(found?.message).toContain("the session 12 (psql, idle in transaction)");
  });
});

describe("what doctor says of processes", () => {
  const own = {
    id: "01A",
    host: "blue",
    roles: ["engine", "worker"],
    version: "1.0.0",
    executors: ["terraform"],
  } as const;

  it("is their number and version where nothing is wrong", () => {
    expect(evaluateProcesses([own], new Set(["terraform"]))).toEqual([
      { check: "processes", status: "ok", message: "1 server, 0 workers, version 1.0.0." },
    ]);
  });

  it("names each one whose clock is ahead", () => {
    const fast = { ...own, id: "01B", host: "green", roles: ["worker"], aheadMs: 3_600_000 } as const;

    expect(evaluateProcesses([own, fast], new Set())).toContainEqual(
      expect.objectContaining({
        check: "clocks",
        status: "warn",
        message: expect.stringContaining("01B on green by 1h"),
      }),
    );
  });
});
