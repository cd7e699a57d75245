import type { Manifest, ReceivedReceipt } from "@stackyard/sdk/artifacts";
import fc from "fast-check";
import { Check } from "typebox/value";
import { describe, expect, it } from "vitest";
import { Cell } from "./cell.ts";
import { statusOf, toCoverageCell } from "./cell-status.ts";
import { decideSweep } from "./decide-sweep.ts";
import { parseReceipt } from "./events.ts";
import { type CellEvent, type FileArrived, type FileFailed, reduceCell, toCellEvent } from "./reduce-cell.ts";
import { aCell, digestOf, PLACE, T0 } from "./testing/a-cell.ts";

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

        expect(Check(Cell, JSON.parse(JSON.stringify(cell)))).toBe(true);
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

  it("ignores an announcement that is not newer, and overdue alarms that were already sent", () => {
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

  it("deletes the records of another bucket, and nothing when the bucket is unknown", () => {
    const inBucket = (file: number, bucket?: string): CellEvent => ({ ...stored(file), bucket });

    expect(play(inBucket(0), inBucket(1, "one"), inBucket(2)).files).toBe("SSS");
    expect(play(inBucket(0, "one"), inBucket(1, "two")).files).toBe("-S-");
  });

  it("is overdue until it is announced anew", () => {
    const overdue = play(announced(), { kind: "overdue", at: T0 + 5_000 });

    expect(toCoverageCell(overdue)).toMatchObject({ status: "overdue", at: new Date(T0 + 5_000).toISOString() });
    expect(statusOf(reduceCell(overdue, announced(T0 + 6_000)))).toBe("announced");
  });

  it("accepts a check of the bucket: found files are present, the others are missing again", () => {
    const cell = play(stored(0), failed(1), { kind: "seen", at: T0 + 9_000, matching: [1, 2], lost: [0] });

    expect([cell.files, cell.failures]).toEqual(["-PP", {}]);
  });

  it("knows of each file what was observed last, in every order of receipts and checks", () => {
    const observed = fc.uniqueArray(
      fc.record({ at: fc.integer({ min: T0 + 1, max: T0 + 60 }), what: fc.constantFrom("stored", "lost", "found") }),
      { selector: ({ at }) => at, minLength: 1, maxLength: 6 },
    );
    const toEvent = ({ at, what }: { readonly at: number; readonly what: string }): CellEvent => {
      if (what === "stored") return stored(0, at);
      return { kind: "seen", at, matching: what === "found" ? [0] : [], lost: what === "lost" ? [0] : [] };
    };
    fc.assert(
      fc.property(
        observed.chain((all) => fc.shuffledSubarray(all, { minLength: all.length })),
        (all) => {
          const last = all.toSorted((one, other) => other.at - one.at)[0];

          expect(play(...all.map(toEvent)).files[0] === "-").toBe(last?.what === "lost");
        },
      ),
    );
  });

  it("knows nothing of a file that is back from a receipt that was sent before it was lost (minio#18272, data-store#1410)", () => {
    const lost: CellEvent = { kind: "seen", at: T0 + 5_000, matching: [], lost: [0] };
    const back: CellEvent = { kind: "present", at: T0 + 6_000, file: 0, verified: false };
    const old: CellEvent = { ...stored(0), rewrittenSha256: digestOf("1") };
    const cell = play(stored(1), stored(2), old, lost, back);

    expect(reduceCell(cell, old)).toEqual(cell);
    expect(toCoverageCell(reduceCell(cell, old)).verified).toBe(false);
    expect(play(stored(1), stored(2), lost, back, old).files).toBe("pSS");
  });

  it("stays stored when a second copy of the same file fails later (backbeat#698)", () => {
    const again: CellEvent = { kind: "rejected", at: T0 + 9_000, file: 0, code: "SOURCE_MISSING" };

    expect(play(announced(), stored(0), stored(1), stored(2), again)).toMatchObject({ files: "SSS", failures: {} });
  });

  it("waits for no one because of a failure from before a file was seen missing", () => {
    const lost: CellEvent = { kind: "seen", at: T0 + 9_000, matching: [], lost: [0] };
    const cell = play(announced(), stored(0), lost, failed(0));

    expect([cell.files, cell.failures]).toEqual(["---", {}]);
    expect(decideSweep([cell], T0 + 900_000)).toMatchObject([{ kind: "announce", files: [0, 1, 2] }]);
  });

  it("is verified when every digest was compared, whatever other receipts say", () => {
    const unverified: CellEvent = { kind: "present", at: T0, file: 2, verified: false };

    expect(toCoverageCell(play(stored(0), stored(1), unverified)).verified).toBe(false);
    expect(toCoverageCell(play(stored(0), stored(1), unverified, stored(2))).verified).toBe(true);
  });

  it("ignores what is said about another bucket that is older than what is known of its own", () => {
    const cell = play(announced(), { ...stored(0, T0 + 5_000), bucket: "new" });
    const seen = { kind: "seen", at: T0 + 4_000, matching: [1], lost: [0], bucket: "old" } as const;

    expect(reduceCell(cell, { ...stored(1, T0 + 4_000), bucket: "old" })).toBe(cell);
    expect(reduceCell(cell, seen)).toBe(cell);
  });

  it("deletes the records of another bucket, whichever message reports the new one", () => {
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
    expect(Check(Cell, cell)).toBe(true);
  });
});

const manifest: Manifest = {
  v: 1,
  name: "billing-api",
  version: "1.4.2",
  createdAt: "2026-11-20T06:00:00Z",
  files: [
    { key: "billing-api/1.4.2/a", size: 1, sha256: digestOf("1") },
    { key: "billing-api/1.4.2/b", size: 2, sha256: digestOf("2") },
  ],
};

function aReceipt(changes: Partial<ReceivedReceipt> = {}): ReceivedReceipt {
  return {
    v: 1,
    artifact: { name: "billing-api", version: "1.4.2", key: "billing-api/1.4.2/b" },
    ...PLACE,
    bucket: "stackyard-artifacts",
    status: "stored",
    code: null,
    verified: true,
    sourceSha256: digestOf("2"),
    storedSha256: digestOf("2"),
    at: "2026-11-20T06:00:10.000Z",
    ...changes,
  };
}

describe("toCellEvent", () => {
  it("finds the file by its key", () => {
    expect(toCellEvent(aReceipt(), manifest)).toEqual({
      kind: "stored",
      file: 1,
      verified: true,
      at: Date.UTC(2026, 10, 20, 6, 0, 10),
    });
  });

  it.each([
    ["of another digest", { sourceSha256: digestOf("9") }],
    ["without a digest", { sourceSha256: null }],
    ["of another file", { artifact: { name: "billing-api", version: "1.4.2", key: "billing-api/1.4.2/c" } }],
    ["of a retirement", { status: "present", code: "RETIRED" }],
    ["of a failure with another digest", { status: "failed", code: "SOURCE_DENIED", sourceSha256: digestOf("9") }],
  ] as const)("does not count one %s", (_, changes) => {
    expect(toCellEvent(aReceipt(changes), manifest)).toBeUndefined();
  });

  it("keeps what a rewritten template has become", () => {
    expect(toCellEvent(aReceipt({ storedSha256: digestOf("7") }), manifest)).toMatchObject({
      rewrittenSha256: digestOf("7"),
    });
  });

  it("reports a failure by its code", () => {
    const receipt = aReceipt({ status: "rejected", code: "URL_HOST", sourceSha256: null, storedSha256: null });

    expect(toCellEvent(receipt, manifest)).toMatchObject({ kind: "rejected", file: 1, code: "URL_HOST" });
  });
});

describe("parseReceipt", () => {
  it("reads what a consumer sends, further fields too", () => {
    const sent = { ...aReceipt(), distributionId: "d-1", messageId: "m-1", attempt: 1, durationMs: 5, size: 2 };

    expect(parseReceipt(sent)).toEqual(sent);
  });

  it.each([
    null,
    "receipt",
    [],
    { ...aReceipt(), v: 2 },
    { ...aReceipt(), account: "1" },
    { ...aReceipt(), region: "../../x" },
    { ...aReceipt(), status: "overdue" },
    { ...aReceipt(), code: "https://bucket.s3.amazonaws.com/key?X-Amz-Signature=1" },
    { ...aReceipt(), at: "2026-13-45T99:00:00Z" },
    { ...aReceipt(), artifact: { name: "../artifact", version: "1", key: "a" } },
    { ...aReceipt(), artifact: { name: "a\u0000", version: "1", key: "a" } },
    { ...aReceipt(), sourceSha256: "ABC" },
  ])("rejects %j", (detail) => {
    expect(parseReceipt(detail)).toBeUndefined();
  });
});

const MINUTE = 60_000;
const anAnnounced = aCell({ announcedAt: T0, resetAt: T0, announcements: 1 });

/** Lets the sweep look every five minutes for so long, and does what it says. */
function sweepFor(minutes: number, first = anAnnounced) {
  const done: string[] = [];
  let cell = first;
  for (let minute = 5; minute <= minutes; minute += 5) {
    const now = T0 + minute * MINUTE;
    for (const { kind } of decideSweep([cell], now)) {
      done.push(`${kind} ${minute}`);
      const events: readonly CellEvent[] =
        kind === "alarm"
          ? [{ kind: "alarmed", at: now }]
          : [
              { kind: "overdue", at: now },
              { kind: "announced", at: now, scope: "missing" },
            ];
      cell = events.reduce(reduceCell, cell);
    }
  }
  return { done, cell };
}

/** Lets the sweep look after each of these pauses. */
function lookAfter(pauses: readonly number[]) {
  let now = T0;
  return pauses.reduce((before, pause) => {
    now += pause;
    const [action] = decideSweep([before], now);
    if (action === undefined) return before;
    const again = { kind: "announced", at: now, scope: "missing" } as const;
    return reduceCell(before, action.kind === "alarm" ? { kind: "alarmed", at: now } : again);
  }, anAnnounced);
}

describe("decideSweep", () => {
  it("announces three times more with growing pauses, and then there is an alarm, once", () => {
    expect(sweepFor(600).done).toEqual(["announce 15", "announce 45", "announce 105", "alarm 225"]);
  });

  it("leaves a cell alone until it is overdue", () => {
    expect(decideSweep([anAnnounced], T0 + 15 * MINUTE - 1)).toEqual([]);
    expect(decideSweep([anAnnounced], T0 + 15 * MINUTE)).toEqual([
      { kind: "announce", cell: anAnnounced, files: [0, 1, 2] },
    ]);
    expect(decideSweep([anAnnounced], T0 + 60_000, { overdueMs: 60_000 })).toHaveLength(1);
  });

  it("announces only what nothing was heard of", () => {
    const failures = { 2: { kind: "failed", code: "SOURCE_DENIED", at: T0 } } as const;
    const cell = { ...anAnnounced, files: "S--", failures };

    expect(decideSweep([cell], T0 + 15 * MINUTE)).toEqual([{ kind: "announce", cell, files: [1] }]);
  });

  it("leaves alone what is full and what has failed for good", () => {
    const failure = { kind: "rejected", code: "URL_HOST", at: T0 } as const;
    const cells = [
      { ...anAnnounced, files: "SpP" },
      { ...anAnnounced, failures: { 0: failure, 1: failure, 2: failure } },
    ];

    expect(decideSweep(cells, T0 + 999 * MINUTE)).toEqual([]);
  });

  it("announces what a crash has left expected", () => {
    expect(decideSweep([aCell()], T0 + 15 * MINUTE)).toHaveLength(1);
  });

  it("never announces more than three times whenever it looks", () => {
    const looks = fc.array(fc.integer({ min: 0, max: 120 * MINUTE }), { maxLength: 40 });
    fc.assert(
      fc.property(looks, (pauses) => {
        const cell = lookAfter(pauses);

        expect(cell.sweeps).toBeLessThanOrEqual(3);
        expect(cell.alarmedAt === null || cell.sweeps === 3).toBe(true);
      }),
    );
  });
});
