import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { aCell, digestOf, T0 } from "../testing/a-cell.ts";
import { parseCell } from "./cell.ts";
import { type CellEvent, type FileArrived, type FileFailed, reduceCell } from "./reduce-cell.ts";
import { statusOf, toCoverageCell } from "./to-coverage-cell.ts";

const stored = (file: number, at = T0 + 2_000): FileArrived => ({ kind: "stored", at, file, verified: true });
const failed = (file: number, at = T0 + 1_000, code = "SOURCE_DENIED"): FileFailed => ({
  kind: "failed",
  at,
  file,
  code,
});
const announced = (at = T0, scope: "all" | "missing" = "all") => ({ kind: "announced", at, scope }) as const;
const play = (...events: readonly CellEvent[]) => events.reduce(reduceCell, aCell());

const file = fc.integer({ min: 0, max: 3 });
const at = fc.integer({ min: T0, max: T0 + 5 });
const receipt: fc.Arbitrary<CellEvent> = fc.oneof(
  fc.record({
    kind: fc.constantFrom("stored" as const, "present" as const),
    at,
    file,
    verified: fc.boolean(),
    rewrittenSha256: fc.constantFrom(digestOf("1"), digestOf("2")),
  }),
  fc.record({
    kind: fc.constantFrom("failed" as const, "rejected" as const),
    at,
    file,
    code: fc.constantFrom("SOURCE_DENIED", "SHA256_MISMATCH"),
  }),
);
const any: fc.Arbitrary<CellEvent> = fc.oneof(
  receipt,
  fc.record({
    kind: fc.constant("announced" as const),
    at,
    scope: fc.constantFrom("all" as const, "missing" as const),
  }),
  fc.record({ kind: fc.constantFrom("overdue" as const, "alarmed" as const), at }),
  fc.record({ kind: fc.constant("seen" as const), at, matching: fc.array(file), lost: fc.array(file) }),
);

describe("reduceCell", () => {
  it("goes from expected over announced to stored when all files have come", () => {
    const statuses = [[], [announced()], [announced(), stored(0)], [announced(), stored(0), stored(1), stored(2)]];

    expect(statuses.map((events) => statusOf(play(...events)))).toEqual([
      "expected",
      "announced",
      "announced",
      "stored",
    ]);
  });

  it("is present when every file was there before", () => {
    const present = (file: number): CellEvent => ({ kind: "present", at: T0, file, verified: true });

    expect(statusOf(play(present(0), present(1), present(2)))).toBe("present");
    expect(statusOf(play(present(0), stored(1), present(2)))).toBe("stored");
  });

  it("ends in the same cell in every order of the same receipts, and with duplicates", () => {
    const shuffled = fc.array(receipt, { maxLength: 12 }).chain((events) =>
      fc.record({
        events: fc.constant(events),
        others: fc
          .tuple(
            fc.shuffledSubarray(events, { minLength: events.length, maxLength: events.length }),
            events.length === 0 ? fc.constant([]) : fc.array(fc.constantFrom(...events), { maxLength: 6 }),
          )
          .map(([order, again]) => [...order, ...again]),
      }),
    );
    fc.assert(
      fc.property(shuffled, ({ events, others }) => {
        const before = reduceCell(aCell(), announced(T0 + 2));

        expect(others.reduce(reduceCell, before)).toEqual(events.reduce(reduceCell, before));
      }),
      { numRuns: 500 },
    );
  });

  it("never loses a file that has come to a late receipt or an announcement", () => {
    const kept = any.filter(({ kind }) => kind !== "seen");
    fc.assert(
      fc.property(fc.array(kept), (events) => {
        let cell = play(stored(1));
        for (const event of events) cell = reduceCell(cell, event);

        expect(cell.files[1]).toBe("S");
        expect(cell.failures[1]).toBeUndefined();
      }),
    );
  });

  it("is a record after any events, and counts files that are there", () => {
    fc.assert(
      fc.property(fc.array(any), (events) => {
        const cell = play(...events);
        const { files, filesDone, status } = toCoverageCell(cell);

        expect(parseCell(JSON.parse(JSON.stringify(cell)))).toEqual(cell);
        expect(filesDone === files).toBe(status === "stored" || status === "present");
      }),
    );
  });

  it("has the latest failure of each file, and shows that of the first", () => {
    const cell = play(failed(2, T0 + 5, "SOURCE_MISSING"), failed(1), failed(1, T0 + 9_000, "SHA256_MISMATCH"));

    expect(toCoverageCell(cell)).toMatchObject({ status: "failed", code: "SHA256_MISMATCH", filesDone: 0 });
  });

  it("is rejected when one file is", () => {
    expect(statusOf(play(failed(0), { kind: "rejected", at: T0, file: 1, code: "URL_HOST" }))).toBe("rejected");
  });

  it("forgets failures when all is announced again, and receipts from before come too late", () => {
    const cell = play(failed(0), announced(T0 + 1_500), failed(0), failed(1));

    expect([statusOf(cell), cell.failures, cell.announcements]).toEqual(["announced", {}, 1]);
  });

  it("keeps failures when the sweep announces what is missing", () => {
    const cell = play(announced(), failed(0), { kind: "overdue", at: T0 + 5_000 }, announced(T0 + 6_000, "missing"));

    expect(cell).toMatchObject({ sweeps: 1, announcements: 2, overdueAt: T0 + 5_000 });
    expect(statusOf(cell)).toBe("failed");
  });

  it("was heard of when the latest receipt says, whatever the order", () => {
    expect(play(stored(0, T0 + 9), stored(1, T0 + 1)).heardAt).toBe(T0 + 9);
    expect(play(failed(0, T0 + 1), failed(1, T0 + 9)).heardAt).toBe(T0 + 9);
    const seen: CellEvent = { kind: "seen", at: T0 + 5, matching: [2], lost: [] };
    expect([play(stored(0, T0 + 9), seen).heardAt, play(seen).heardAt]).toEqual([T0 + 9, T0 + 5]);
    expect(play({ ...seen, matching: [] }).heardAt).toBeNull();
  });

  it("remembers of templates what the latest receipt says, file by file", () => {
    const rewritten = (file: number, at: number, letter: string) => ({
      ...stored(file, at),
      rewrittenSha256: digestOf(letter),
    });
    const cell = play(rewritten(0, T0 + 5, "1"), rewritten(0, T0 + 1, "2"), rewritten(1, T0, "1"), stored(0, T0 + 9));

    expect(cell.rewritten).toEqual({
      0: { sha256: digestOf("1"), at: T0 + 5 },
      1: { sha256: digestOf("1"), at: T0 },
    });
    expect(reduceCell(cell, { kind: "seen", at: T0 + 9, matching: [], lost: [0, 7] }).rewritten).toEqual({
      1: { sha256: digestOf("1"), at: T0 },
    });
  });

  it("passes over an announcement that is no later, and what is overdue or told already", () => {
    const cell = play(announced(T0 + 5), { kind: "overdue", at: T0 + 6 }, { kind: "alarmed", at: T0 + 7 });

    expect(reduceCell(cell, announced(T0 + 5))).toBe(cell);
    expect(reduceCell(cell, announced(T0))).toBe(cell);
    expect(reduceCell(cell, { kind: "overdue", at: T0 + 8 })).toBe(cell);
    expect(reduceCell(cell, { kind: "alarmed", at: T0 + 9 })).toBe(cell);
    expect(play(announced(0)).announcements).toBe(1);
  });

  it("has of failures of one moment the refusal, and of equals the last by its name", () => {
    const rejected = { kind: "rejected", at: T0 + 1_000, file: 0, code: "AAA" } as const;
    const codeOf = (...events: readonly CellEvent[]) => play(...events).failures[0]?.code;

    expect([codeOf(failed(0), rejected), codeOf(rejected, failed(0))]).toEqual(["AAA", "AAA"]);
    expect(codeOf(failed(0, T0, "A"), failed(0, T0, "B"))).toBe("B");
    expect(codeOf(failed(0, T0, "B"), failed(0, T0, "A"))).toBe("B");
  });

  it("forgets what stood in another bucket, and nothing where no bucket is known", () => {
    const inBucket = (file: number, bucket?: string): CellEvent => ({ ...stored(file), bucket });

    expect(play(inBucket(0), inBucket(1, "one"), inBucket(2)).files).toBe("SSS");
    expect(play(inBucket(0, "one"), inBucket(1, "two")).files).toBe("-S-");
  });

  it("is overdue until it is announced anew", () => {
    const overdue = play(announced(), { kind: "overdue", at: T0 + 5_000 });

    expect(toCoverageCell(overdue)).toMatchObject({ status: "overdue", at: new Date(T0 + 5_000).toISOString() });
    expect(statusOf(reduceCell(overdue, announced(T0 + 6_000)))).toBe("announced");
  });

  it("takes what was seen: what is there has come, what is not is missing again", () => {
    const cell = play(stored(0), failed(1), { kind: "seen", at: T0 + 9_000, matching: [1, 2], lost: [0] });

    expect([cell.files, cell.failures]).toEqual(["-PP", {}]);
  });

  it("is verified when every digest was compared, whatever other receipts say", () => {
    const unverified: CellEvent = { kind: "present", at: T0, file: 2, verified: false };

    expect(toCoverageCell(play(stored(0), stored(1), unverified)).verified).toBe(false);
    expect(toCoverageCell(play(stored(0), stored(1), unverified, stored(2))).verified).toBe(true);
  });

  it("forgets what it knew of another bucket, whatever tells of the new one", () => {
    const before = play(announced(), { ...stored(0), bucket: "old" }, { ...failed(1), bucket: "old" });
    const moved = { bucket: "new", heardAt: null, failures: {} };
    const seen: CellEvent = { kind: "seen", at: T0 + 9_000, matching: [], lost: [2], bucket: "new" };

    expect(before).toMatchObject({ bucket: "old", files: "S--" });
    expect(reduceCell(before, { ...stored(2), bucket: "new" })).toMatchObject({
      bucket: "new",
      files: "--S",
      failures: {},
    });
    expect(reduceCell(before, { ...announced(T0 + 9_000), bucket: "new" })).toMatchObject({ ...moved, files: "---" });
    expect(reduceCell(before, seen)).toMatchObject({ bucket: "new", files: "---", failures: {} });
    expect(reduceCell(before, { ...stored(1), bucket: "old" })).toMatchObject({ bucket: "old", files: "SS-" });
  });

  it("ignores files that the manifest has not", () => {
    expect(play(stored(3), failed(4), { kind: "seen", at: T0, matching: [9], lost: [10] }).files).toBe("---");
  });
});

describe("a cell of a thousand files that all failed", () => {
  it("fits into a record", () => {
    const thousand = aCell({ files: "-".repeat(1_000) });
    const events = Array.from({ length: 1_000 }, (_, index) => failed(index, T0 + index, "X".repeat(64)));

    const cell = events.reduce(reduceCell, thousand);

    expect(Buffer.byteLength(JSON.stringify(cell))).toBeLessThan(200_000);
    expect(parseCell(cell)).toEqual(cell);
  });
});
