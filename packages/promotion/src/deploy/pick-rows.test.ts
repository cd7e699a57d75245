import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { type PickedRows, pickRows, type RowsRequest } from "./pick-rows.ts";
import { PAGE_ROWS } from "./rows.ts";

interface TestRow {
  readonly id: number;
  readonly state: string;
  readonly message?: string;
}

/** Rows in stored pages; `failed` are the places of those that have failed. */
function toPages(count: number, failed: readonly number[], more: Partial<TestRow> = {}): readonly TestRow[][] {
  const rows = Array.from({ length: count }, (_, id): TestRow => {
    return { id, state: failed.includes(id) ? "failed" : "done", ...more };
  });
  return Array.from({ length: Math.ceil(count / PAGE_ROWS) }, (_, page) =>
    rows.slice(page * PAGE_ROWS, (page + 1) * PAGE_ROWS),
  );
}

const hasFailed = ({ state }: TestRow) => state === "failed";
const request = (more: Partial<RowsRequest<TestRow>> = {}): RowsRequest<TestRow> => ({
  limit: 100,
  list: "a1",
  isWanted: () => true,
  isFirst: hasFailed,
  ...more,
});
const toIds = ({ items }: PickedRows<TestRow>) => items.map(({ id }) => id);

/** Reads all pages; `loadPages` returns what is stored at each of them. */
function readAll(loadPages: (number: number) => readonly TestRow[][], more: Partial<RowsRequest<TestRow>> = {}) {
  const read: number[] = [];
  let cursor: string | undefined;
  let number = 0;
  do {
    const picked = pickRows(loadPages(number), request({ ...more, cursor }));
    read.push(...toIds(picked));
    cursor = picked.cursor;
    number += 1;
  } while (cursor !== undefined);
  return read;
}

describe("a page of rows", () => {
  it("begins with the failed rows of all stored pages (octopus#2548, octopus#8923)", () => {
    const ids = toIds(pickRows(toPages(400, [399, 7, 250]), request({ limit: 5 })));

    expect(ids).toEqual([7, 250, 399, 0, 1]);
  });

  it("contains each row once over all pages, in the order of the whole list (phpmyadmin#16143, superset#14844)", () => {
    const read = readAll(() => toPages(450, [399, 7, 250]), { limit: 70 });

    const others = Array.from({ length: 450 }, (_, id) => id).filter((id) => ![7, 250, 399].includes(id));
    expect(read).toEqual([7, 250, 399, ...others]);
  });

  it("contains rows that have failed since the page before, also of places that were passed, once", () => {
    const before = pickRows(toPages(400, [300]), request({ limit: 1 }));
    const next = pickRows(toPages(400, [3, 300]), request({ limit: 2, cursor: before.cursor }));
    const after = pickRows(toPages(400, [0, 3, 300]), request({ limit: 1, cursor: next.cursor }));

    expect([before, next, after].map(toIds)).toEqual([[300], [3, 0], [1]]);
  });

  it("of failed rows alone contains one that fails behind what was shown (phpmyadmin#16084)", () => {
    const part = { limit: 1, isWanted: hasFailed };
    const before = pickRows(toPages(400, [200, 390]), request(part));
    const next = pickRows(toPages(400, [5, 200, 390]), request({ ...part, cursor: before.cursor }));
    const last = pickRows(toPages(400, [5, 200, 390]), request({ ...part, cursor: next.cursor }));

    expect([before, next, last].map(toIds)).toEqual([[200], [5], [390]]);
    expect(last.cursor).toBeUndefined();
  });

  it("of wanted rows alone is full although stored pages before contain none (bubble-table#54)", () => {
    const picked = pickRows(toPages(600, [590, 591, 592]), request({ limit: 2, isWanted: hasFailed }));

    expect(toIds(picked)).toEqual([590, 591]);
    expect(picked.cursor).toBeDefined();
  });

  it("shows no row twice and loses none, whatever fails or is retried between pages", () => {
    const change = fc.array(fc.tuple(fc.nat(449), fc.boolean()), { maxLength: 40 });
    const limits = fc.integer({ min: 20, max: 220 });
    fc.assert(
      fc.property(fc.array(change, { minLength: 30, maxLength: 30 }), limits, (changes, limit) => {
        const failed = new Set<number>();
        const read = readAll(
          (number) => {
            for (const [place, isFailed] of changes[number] ?? []) isFailed ? failed.add(place) : failed.delete(place);
            return toPages(450, [...failed]);
          },
          { limit },
        );

        expect(read.toSorted((a, b) => a - b)).toEqual(Array.from({ length: 450 }, (_, id) => id));
      }),
      { numRuns: 60 },
    );
  });

  it("ends at the limit, and before it at about 1 MiB (argo-cd#21023)", () => {
    const large = toPages(1_000, [], { message: "x".repeat(20_000) });

    expect(pickRows(large, request({ limit: 10 })).items).toHaveLength(10);
    expect(pickRows(large, request({ limit: 1_000 })).items).toHaveLength(53);
    expect(readAll(() => large, { limit: 1_000 })).toHaveLength(1_000);
  });

  it("has a cursor that the route takes, with 10,000 rows of which every second one was shown", () => {
    const odd = Array.from({ length: 5_000 }, (_, index) => index * 2 + 1);
    const pages = toPages(10_000, []).map((rows) =>
      rows.map((row) => ({ ...row, state: row.id % 2 === 1 ? "failed" : "done" })),
    );
    let cursor: string | undefined;
    const read: number[] = [];
    for (let page = 0; page < 5; page += 1) {
      const picked = pickRows(pages, request({ limit: 1_000, cursor }));
      read.push(...toIds(picked));
      cursor = picked.cursor;
    }

    expect(read).toEqual(odd);
    expect(cursor?.length).toBeLessThan(1_700);
  });

  it("is refused for a cursor of other rows, or one that is not a cursor", () => {
    const { cursor = "" } = pickRows(toPages(400, []), request());
    const refusal = expect.objectContaining({ code: "USAGE" });

    expect(() => pickRows([], request({ cursor, list: "a2" }))).toThrow(refusal);
    for (const wrong of ["", "x", "3.17", "a1.-1.", "a1.5.!", "a1.5"]) {
      expect(() => pickRows([], request({ cursor: wrong }))).toThrow(refusal);
    }
  });

  it("is empty for a cursor behind all rows", () => {
    expect(pickRows(toPages(3, []), request({ cursor: "a1.999999._w" }))).toEqual({ items: [] });
  });
});
