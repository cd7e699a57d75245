import assert from "node:assert/strict";
import { isStackyardError } from "../errors/stackyard-error.ts";
import { listPages, type PageStart } from "../list-pages.ts";
import type { PutRecordInput, Records } from "../ports/records.ts";
import { type ConformanceCase, portCase } from "./conformance-case.ts";

const NOW = Date.UTC(2026, 0, 1);
const MAX_BYTES = 256 * 1024;

const recordsCase = portCase<Records>;

/** Writes, which must succeed. Returns the version. */
async function putNow(records: Records, key: string, overrides: Partial<PutRecordInput> = {}): Promise<number> {
  const current = await records.get(key, overrides.now ?? NOW);
  const expected = current?.version ?? "absent";
  const result = await records.put({ key, value: {}, expected, now: NOW, ...overrides });
  if (result.kind === "conflict") return assert.fail(`The write of "${key}" met ${JSON.stringify(result.current)}.`);
  return result.record.version;
}

async function listKeys(records: Records, prefix: string, now = NOW): Promise<string[]> {
  return (await records.list(prefix, { limit: 100, now })).items.map(({ key }) => key);
}

/** Holds when the call fails with an error of ours under that code. */
async function assertRefused(call: () => Promise<unknown>, code: string): Promise<void> {
  await assert.rejects(call, (error) => {
    assert.ok(isStackyardError(error), String(error));
    assert.equal(error.code, code);
    return true;
  });
}

/** Every promise of the `Records` port. Cases leave the port open: its creator closes it. */
export const recordsConformance: readonly ConformanceCase<Records>[] = [
  recordsCase("gives a record back as it was written", async (records) => {
    const value = { text: "né ✓ \u0000", zero: 0, no: false, nothing: null, list: [1, [2, { a: "" }]] };

    const written = await records.put({ key: "a/b", value, expected: "absent", now: NOW });

    assert.equal(written.kind, "written");
    const found = await records.get("a/b", NOW);
    assert.deepEqual(found, { key: "a/b", version: found?.version, value });
    assert.deepEqual(written, { kind: "written", record: found });
    assert.equal(await records.get("a", NOW), undefined);
  }),

  recordsCase("keeps values that are not objects", async (records) => {
    for (const value of ["text", 0, false, null, []]) {
      await putNow(records, "a", { value });
      assert.deepEqual((await records.get("a", NOW))?.value, value);
    }
  }),

  recordsCase("overwrites the present version, and returns a higher one", async (records) => {
    const first = await putNow(records, "a", { value: 1 });

    const result = await records.put({ key: "a", value: 2, expected: first, now: NOW });

    assert.ok(result.kind === "written" && result.record.version > first);
    assert.equal((await records.get("a", NOW))?.value, 2);
  }),

  recordsCase("answers a write over another version with the stored record", async (records) => {
    const first = await putNow(records, "a", { value: 1 });
    await putNow(records, "a", { value: 2 });
    const current = await records.get("a", NOW);

    for (const expected of [first, "absent"] as const) {
      assert.deepEqual(await records.put({ key: "a", value: 3, expected, now: NOW }), { kind: "conflict", current });
    }
    assert.deepEqual(await records.get("a", NOW), current);
  }),

  recordsCase("answers a write over a version with nothing where nothing stands", async (records) => {
    assert.deepEqual(await records.put({ key: "a", value: 1, expected: 1, now: NOW }), {
      kind: "conflict",
      current: undefined,
    });
  }),

  recordsCase("lets one of several writers win", async (records) => {
    const writes = [1, 2, 3, 4].map((value) => records.put({ key: "a", value, expected: "absent", now: NOW }));

    const won = (await Promise.all(writes)).filter(({ kind }) => kind === "written");

    assert.equal(won.length, 1);
  }),

  recordsCase("removes the present version only", async (records) => {
    const first = await putNow(records, "a");
    const second = await putNow(records, "a");

    assert.equal(await records.remove("a", first), false);
    assert.equal(await records.remove("a", second), true);
    assert.equal(await records.get("a", NOW), undefined);
    assert.equal(await records.remove("a", second), true);
    assert.equal(await records.remove("never", 1), true);
  }),

  recordsCase("never uses a version of a key again after a removal", async (records) => {
    const first = await putNow(records, "a");
    const second = await putNow(records, "a");
    await records.remove("a", second);

    const third = await putNow(records, "a");

    assert.ok(third > second && second > first);
  }),

  recordsCase("has an expired record no more from its instant on", async (records) => {
    const first = await putNow(records, "a", { expiresAt: NOW + 10 });

    assert.equal((await records.get("a", NOW + 9))?.expiresAt, NOW + 10);
    assert.equal(await records.get("a", NOW + 10), undefined);
    assert.deepEqual(await listKeys(records, "a", NOW + 9), ["a"]);
    assert.deepEqual(await listKeys(records, "a", NOW + 10), []);
    const over = await records.put({ key: "a", value: 2, expected: first, now: NOW + 10 });
    assert.deepEqual(over, { kind: "conflict", current: undefined });
    const again = await records.put({ key: "a", value: 2, expected: "absent", now: NOW + 10 });
    assert.ok(again.kind === "written" && again.record.version > first);
    assert.equal((await records.get("a", NOW + 99))?.expiresAt, undefined);
  }),

  recordsCase("ends at the instant of its last write: later, earlier, or never", async (records) => {
    const first = await putNow(records, "a", { expiresAt: NOW + 10 });
    const second = await putNow(records, "a", { expected: first, expiresAt: NOW + 20 });
    const isKept = await records.get("a", NOW + 15);
    const third = await putNow(records, "a", { expected: second, expiresAt: NOW + 5 });
    const isEnded = await records.get("a", NOW + 5);
    await putNow(records, "a", { expected: third });

    assert.equal(isKept?.expiresAt, NOW + 20);
    assert.equal(isEnded, undefined);
    assert.deepEqual(await listKeys(records, "a", NOW + 99), ["a"]);
    assert.equal((await records.get("a", NOW + 99))?.expiresAt, undefined);
  }),

  recordsCase("lists in order of keys over pages, by the beginning of the key", async (records) => {
    for (const key of ["b/2", "a/1", "b/1", "b", "b_1", "b/3", "c", "B/1"]) await putNow(records, key);

    assert.deepEqual(await listKeys(records, "b/"), ["b/1", "b/2", "b/3"]);
    assert.deepEqual(await listKeys(records, "b_"), ["b_1"]);
    assert.deepEqual(await listKeys(records, ""), ["B/1", "a/1", "b", "b/1", "b/2", "b/3", "b_1", "c"]);
    const first = await records.list("b/", { limit: 2, now: NOW });
    const second = await records.list("b/", { limit: 2, now: NOW, cursor: first.cursor ?? "" });
    assert.deepEqual(
      [...first.items, ...second.items].map(({ key }) => key),
      ["b/1", "b/2", "b/3"],
    );
    assert.equal(second.cursor, undefined);
  }),

  recordsCase("continues after a cursor while records come and go", async (records) => {
    for (const key of ["a/1", "a/3", "a/5"]) await putNow(records, key);
    const first = await records.list("a/", { limit: 2, now: NOW });

    await records.remove("a/3", (await records.get("a/3", NOW))?.version ?? 0);
    for (const key of ["a/2", "a/4"]) await putNow(records, key);

    const second = await records.list("a/", { limit: 9, now: NOW, cursor: first.cursor ?? "" });
    assert.deepEqual(
      second.items.map(({ key }) => key),
      ["a/4", "a/5"],
    );
  }),

  recordsCase("refuses the cursor of another list", async (records) => {
    await putNow(records, "b/1");

    for (const cursor of ["a/1", "b", "z"]) {
      await assertRefused(() => records.list("b/", { limit: 9, now: NOW, cursor }), "USAGE");
    }
  }),

  recordsCase("ends a page with the record that reaches a mebibyte, or fewer bytes when asked", async (records) => {
    const keys = ["a", "b", "c", "d", "e", "f"];
    for (const key of keys) await putNow(records, key, { value: "x".repeat(MAX_BYTES - 1_024) });

    for (const [input, perPage] of [
      [{}, 5],
      [{ maxBytes: MAX_BYTES }, 2],
      [{ maxBytes: 1 }, 1],
    ] as const) {
      const found: string[] = [];
      const list = (start: PageStart) => records.list("", { limit: 1_000, now: NOW, ...input, ...start });
      for await (const { items } of listPages(list)) {
        assert.ok(items.length <= perPage);
        found.push(...items.map(({ key }) => key));
      }
      assert.deepEqual(found, keys);
    }
  }),

  recordsCase("takes 256 KiB and no byte more", async (records) => {
    // The quotes count, and the letter takes two bytes.
    const fits = `${"é".repeat(MAX_BYTES / 2 - 1)}`;
    await putNow(records, "a", { value: fits });

    await assertRefused(() => putNow(records, "a", { value: `${fits}a` }), "PAYLOAD_TOO_LARGE");

    assert.equal((await records.get("a", NOW))?.value, fits);
  }),

  recordsCase(
    "refuses keys that are empty, too long or contain control characters or unpaired surrogates",
    async (records) => {
      await putNow(records, "k".repeat(512));

      for (const key of ["", "k".repeat(513), "a\u0000b", "a\nb", "a\u007f", "a\u0085b", "a\ud800"]) {
        const put = () => records.put({ key, value: {}, expected: "absent", now: NOW });
        for (const call of [put, () => records.get(key, NOW), () => records.remove(key, 1)]) {
          await assertRefused(call, "USAGE");
        }
      }
    },
  ),

  recordsCase("keeps its own copy of what it is given and gives", async (records) => {
    const value = { list: [1] };
    await putNow(records, "a", { value });

    value.list.push(2);
    const given = await records.get("a", NOW);
    // A frozen value is as good as a copy.
    if (typeof given?.value === "object" && given.value !== null) Reflect.set(given.value, "list", "other");

    assert.deepEqual((await records.get("a", NOW))?.value, { list: [1] });
  }),
];
