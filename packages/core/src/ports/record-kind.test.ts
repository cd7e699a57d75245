import { Type } from "typebox";
import { expect, it } from "vitest";
import { createMemoryRecords } from "../memory/memory-records.ts";
import { createFakeClock } from "../testing/fake-clock.ts";
import { defineRecordKind, keepAlive } from "./record-kind.ts";

const Cup = Type.Object({ tea: Type.String() });
const spec = { prefix: "cups/", value: Cup, holds: "cups", kept: "until they are empty" } as const;
const cups = defineRecordKind(spec);
const guesses = defineRecordKind({ ...spec, damaged: "missing" });

function createBench() {
  const clock = createFakeClock();
  const records = createMemoryRecords();
  const damage = (name: string) =>
    records.put({ key: `cups/${name}`, value: { coffee: 1 }, expected: "absent", now: clock.now() });
  return { clock, records, damage, deps: { clock, records } };
}

const green = { value: { tea: "green" } };
async function collect(values: AsyncIterable<unknown>): Promise<readonly unknown[]> {
  const found: unknown[] = [];
  for await (const value of values) found.push(value);
  return found;
}

it("adds a value once, finds it, and removes it", async () => {
  const { deps } = createBench();

  expect([await cups.add(deps, "a", green), await cups.add(deps, "a", green)]).toEqual([true, false]);
  expect(await cups.find(deps, "a")).toEqual(green.value);
  expect([await cups.remove(deps, "a"), await cups.remove(deps, "a")]).toEqual([green.value, undefined]);
});

it("a list shows a damaged record, and all values are refused with its name", async () => {
  const { deps, damage } = createBench();
  await cups.add(deps, "a", green);
  await damage("b");

  const page = await cups.listNamed(deps, { limit: 10 });

  expect(page.items).toEqual([{ name: "a", version: expect.any(Number), ...green }]);
  expect(page.unreadable).toMatchObject([{ id: "cups/b" }]);
  await expect(collect(cups.all(deps))).rejects.toThrow('The record "cups/b" cannot be read.');
  expect(await collect(cups.all(deps, "a"))).toEqual([green.value]);
  expect(await cups.listReadable(deps)).toEqual([green.value]);
});

it("a damaged record is refused by its name, and can still be removed", async () => {
  const { deps, damage } = createBench();
  await damage("b");

  await expect(cups.find(deps, "b")).rejects.toThrow('The record "cups/b" cannot be read.');
  await expect(cups.change(deps, "b", () => ({ write: green }))).rejects.toThrow("cannot be read");
  await expect(cups.remove(deps, "b")).rejects.toThrow("cannot be read");
  expect(await cups.find(deps, "b")).toBeUndefined();
});

it("a damaged record of what is observed again counts as missing, and is written again", async () => {
  const { deps, damage } = createBench();
  await damage("b");

  expect(await guesses.find(deps, "b")).toBeUndefined();
  await guesses.change(deps, "b", (found) => (found === undefined ? { write: green } : {}));
  expect(await guesses.find(deps, "b")).toEqual(green.value);
});

it("a change decides again after another writer, and keeps the end of the record", async () => {
  const { deps, clock, records } = createBench();
  const expiresAt = clock.now() + 1_000;
  await cups.add(deps, "a", { ...green, expiresAt });
  const seen: unknown[] = [];

  await cups.change(deps, "a", async (found, now) => {
    seen.push(found?.value);
    if (seen.length === 1) {
      const value = { tea: "black" };
      await records.put({ key: "cups/a", value, expected: 1, now, expiresAt });
    }
    return { write: { value: { tea: "white" } } };
  });

  expect(seen).toEqual([green.value, { tea: "black" }]);
  expect(await records.get("cups/a", clock.now())).toMatchObject({ value: { tea: "white" }, expiresAt });
});

it("a change writes also what is the same, which a new seal key then seals", async () => {
  const { deps } = createBench();
  await cups.add(deps, "a", green);
  const { version } = await cups.load(deps, "a");

  await cups.change(deps, "a", () => ({ write: { value: { tea: "green" } } }));

  expect((await cups.load(deps, "a")).version).not.toBe(version);
});

it("a lost try waits with what the caller has given", async () => {
  const { deps, records } = createBench();
  const waits: number[] = [];
  const pause = async ({ wait }: typeof deps & { readonly wait: number }, failed: number) => {
    waits.push(failed * wait);
  };
  const shared = defineRecordKind({ ...spec, tries: 3, pause });
  await shared.add(deps, "a", green);
  const conflicting = { ...records, put: async () => ({ kind: "conflict" as const, current: undefined }) };

  const lost = shared.change({ ...deps, records: conflicting, wait: 10 }, "a", () => ({
    write: { value: { tea: "x" } },
  }));

  await expect(lost).rejects.toMatchObject({ code: "RECORD_CONFLICT" });
  expect(waits).toEqual([10, 20]);
});

it("what was loaded is replaced or removed only while nobody else has written", async () => {
  const { deps, damage } = createBench();
  const absent = await guesses.load(deps, "a");
  await damage("b");
  const damaged = await guesses.load(deps, "b");
  const version = await guesses.replace(deps, { name: "b", ...damaged }, green);

  expect(absent).toEqual({ value: undefined, version: "absent" });
  expect(await guesses.replace(deps, { name: "a", ...absent }, green)).toEqual(expect.any(Number));
  expect(await guesses.replace(deps, { name: "a", ...absent }, green)).toBeUndefined();
  expect(damaged).toEqual({ value: undefined, version: expect.any(Number) });
  expect(version).toBeGreaterThan(Number(damaged.version));
  expect(await guesses.replace(deps, { name: "b", ...damaged }, "remove")).toBeUndefined();
  expect(await guesses.replace(deps, { name: "b", version: version ?? 0 }, "remove")).toBe("absent");
  expect(await guesses.find(deps, "b")).toBeUndefined();
});

it("a value that is kept alive is written again after half of its time, or when it is another one", () => {
  const keep = (left: number, tea = "green") =>
    keepAlive({ ...green, expiresAt: left }, { value: { tea }, keepMs: 100, now: 0 });

  expect(keep(60)).toEqual({});
  expect(keep(50)).toEqual({ write: { ...green, expiresAt: 100 } });
  expect(keep(60, "black")).toEqual({ write: { value: { tea: "black" }, expiresAt: 100 } });
});
