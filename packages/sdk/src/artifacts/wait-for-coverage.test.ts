import { StackyardError } from "@stackyard/core";
import { createFakeClock } from "@stackyard/core/testing";
import { describe, expect, it } from "vitest";
import type { CallDistributor, CellStatus, CoverageRow } from "./artifacts-client.ts";
import { waitForCoverage } from "./wait-for-coverage.ts";

function aRow(statuses: readonly CellStatus[], over: Partial<CoverageRow> = {}): CoverageRow {
  const cells = statuses.map((status, index) => ({
    account: "111122223333",
    region: `eu-west-${index + 1}`,
    status,
    code: null,
    files: 1,
    filesDone: 0,
    announcements: 1,
    verified: false,
    at: "2026-01-01T00:00:00Z",
  }));
  const covered = statuses.length > 0 && statuses.every((status) => status === "stored" || status === "present");
  const facts = { manifestSha256: "0".repeat(64), publishedAt: "2026-01-01T00:00:00Z", retired: false };
  return { name: "billing-api", version: "1.4.2", ...facts, covered, cells, ...over };
}

/** The result of each poll; the last one repeats. */
function wait(
  looks: readonly (CoverageRow | Error | "silence" | undefined)[],
  over: { readonly signal?: AbortSignal | undefined; readonly timeoutMs?: number } = {},
) {
  const clock = createFakeClock();
  const changes: CoverageRow[] = [];
  const faults: StackyardError[] = [];
  let looked = 0;
  const signals: AbortSignal[] = [];
  const call = async (_: unknown, { signal = new AbortController().signal } = {}) => {
    const found = looks[Math.min(looked, looks.length - 1)];
    looked += 1;
    signals.push(signal);
    if (found === "silence") return new Promise(() => undefined);
    if (found instanceof Error) throw found;
    return { rows: found === undefined ? [] : [found] };
  };
  const outcome = waitForCoverage({
    call: call as unknown as CallDistributor,
    name: "billing-api",
    version: "1.4.2",
    timeoutMs: 20_000,
    clock,
    onChange: (row: CoverageRow) => void changes.push(row),
    ...over,
    onFault: (fault) => void faults.push(fault),
  });
  // Attached before the clock advances, so that a rejection is handled.
  const settled = outcome.catch((error: unknown) => error);
  return { settled, clock, changes, faults, signals, looked: () => looked };
}

describe("waiting for coverage", () => {
  it("ends when the version has arrived everywhere, and reports each change once", async () => {
    const [begun, done] = [aRow(["announced", "stored"]), aRow(["stored", "stored"])];
    const { settled, clock, changes } = wait([undefined, begun, begun, done]);
    await clock.advance(15_000);

    expect(await settled).toEqual({ kind: "covered", row: done });
    expect(changes).toEqual([begun, done]);
  });

  const aRefused = (retryUntil: string | null) => {
    const refusal = {
      key: "k",
      code: "SOURCE_MISSING",
      reason: "k is not there.",
      at: "2026-01-01T00:00:00Z",
      retryUntil,
    };
    return aRow([], { manifestSha256: null, publishedAt: null, refusal });
  };

  it("ends with the reason when the distributor has refused the version and given up, and not before it can look again", async () => {
    const { settled, clock, looked } = wait([aRefused(null)], { timeoutMs: 900_000 });
    await clock.advance(115_000);
    const before = looked();
    await clock.advance(10_000);

    expect(before).toBeGreaterThan(20);
    expect(await settled).toMatchObject({
      message: "The distributor refused billing-api 1.4.2 (SOURCE_MISSING). k is not there.",
      details: { problem: { code: "SOURCE_MISSING" } },
    });
  });

  it("waits on while the distributor looks again at a version that it has refused", async () => {
    const row = aRefused("2026-01-01T01:00:00Z");
    const { settled, clock } = wait([aRefused(null), row], { timeoutMs: 900_000 });
    await clock.advance(900_000);

    expect(await settled).toEqual({ kind: "timed-out", row, missing: [] });
  });

  it("reports what is missing when the time is over", async () => {
    const row = aRow(["failed", "stored", "overdue"]);
    const { settled, clock, looked } = wait([row]);
    await clock.advance(20_000);

    expect(await settled).toEqual({ kind: "timed-out", row, missing: [row.cells[0], row.cells[2]] });
    expect(looked()).toBe(5);
  });

  it("times out for an unknown version, and for one that no consumer should have", async () => {
    const [unknown, nobody] = [wait([undefined]), wait([aRow([])])];
    await unknown.clock.advance(20_000);
    await nobody.clock.advance(20_000);

    expect([await unknown.settled, await nobody.settled]).toEqual([
      { kind: "timed-out", missing: [] },
      { kind: "timed-out", row: aRow([]), missing: [] },
    ]);
  });

  it("ignores transient errors, and reports each once", async () => {
    const [throttled, silent] = [
      new StackyardError("RATE_LIMITED", "Slowly."),
      new StackyardError("UNREACHABLE", "Where?"),
    ];
    const { settled, clock, faults } = wait([throttled, throttled, aRow(["announced"]), silent, aRow(["stored"])]);
    await clock.advance(20_000);

    expect(await settled).toMatchObject({ kind: "covered" });
    expect(faults).toEqual([throttled, silent]);
  });

  it("does not pass over what stays", async () => {
    expect(await wait([new StackyardError("FORBIDDEN", "No.")]).settled).toMatchObject({ code: "FORBIDDEN" });
  });

  it("says why it saw nothing at last", async () => {
    const throttled = new StackyardError("RATE_LIMITED", "Slowly.");
    const row = aRow(["announced"]);
    const { settled, clock } = wait([row, throttled]);
    await clock.advance(20_000);

    expect(await settled).toEqual({ kind: "timed-out", row, missing: row.cells, fault: throttled });
  });

  it("ends in time with a distributor that never answers, and lets go of it", async () => {
    const { settled, clock, signals } = wait(["silence"]);
    await clock.advance(19_999);
    const before = signals.map(({ aborted }) => aborted);
    await clock.advance(1);

    expect(await settled).toMatchObject({ kind: "timed-out", missing: [], fault: { code: "UNREACHABLE" } });
    expect([before, signals.map(({ aborted }) => aborted)]).toEqual([[false], [true]]);
  });

  it("looks again where one look is never answered, and lets go of that one", async () => {
    const row = aRow(["stored"]);
    const { settled, clock, signals } = wait(["silence", row], { timeoutMs: 900_000 });
    await clock.advance(59_999);
    const before = signals.map(({ aborted }) => aborted);
    await clock.advance(5_001);

    expect(await settled).toEqual({ kind: "covered", row });
    expect([before, signals.map(({ aborted }) => aborted)]).toEqual([[false], [true, false]]);
  });

  it.each([[2 ** 31], [Number.POSITIVE_INFINITY]])("waits %d ms by the machine's own clock", async (timeoutMs) => {
    const row = aRow(["stored"]);
    const call = () => new Promise((resolve) => void setTimeout(() => resolve({ rows: [row] }), 20));

    const outcome = waitForCoverage({
      call: call as unknown as CallDistributor,
      name: "billing-api",
      version: "1.4.2",
      timeoutMs,
      pollMs: 1,
    });

    expect(await outcome).toEqual({ kind: "covered", row });
  });

  it("keeps what was seen before the distributor fell silent", async () => {
    const row = aRow(["announced"]);
    const { settled, clock } = wait([row, "silence"]);
    await clock.advance(20_000);

    expect(await settled).toMatchObject({ kind: "timed-out", row, missing: row.cells, fault: { code: "UNREACHABLE" } });
  });

  it("ends at once when it is stopped while the distributor is silent", async () => {
    const stop = new AbortController();
    const { settled, clock } = wait(["silence"], { signal: stop.signal });
    await clock.advance(1_000);
    stop.abort();

    expect(await settled).toMatchObject({ code: "INTERRUPTED" });
  });

  it("ends with a version that was retired", async () => {
    const row = aRow(["announced"], { retired: true });

    expect(await wait([row]).settled).toMatchObject({ code: "OUTCOME_NEGATIVE" });
  });

  it("ends when it is stopped", async () => {
    const stop = new AbortController();
    const { settled } = wait([aRow(["announced"])], { signal: stop.signal });
    stop.abort();

    expect(await settled).toMatchObject({ code: "INTERRUPTED" });
  });
});
