import { randomUUID } from "node:crypto";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { createTable } from "./database.ts";
import { createYardLog, findLogEntry, type LogEntry, readYardLog } from "./store-context.ts";
import { startTestTables, type TestTables } from "./testing/test-tables.ts";

let tables: TestTables;
beforeAll(async () => {
  tables = await startTestTables();
});
afterAll(() => tables.stop());

async function openWork() {
  const { tables: names } = await tables.open();
  return createTable(tables.client, names.work, randomUUID);
}

function anEntry(version: number, span = 1) {
  const sk = `history#${String(version).padStart(16, "0")}`;
  return { span, writtenAt: 1_000 + version, key: { pk: "stack#pr 1", sk } };
}

async function readAll(work: Parameters<typeof readYardLog>[0], after?: number, newestFirst = false) {
  const found: LogEntry[] = [];
  for await (const entry of readYardLog(work, { after, newestFirst })) found.push(entry);
  return found;
}

describe("the log of the yard", () => {
  it("gives each row a position above all before it, over pages and processes", async () => {
    const work = await openWork();
    const [one, other] = [createYardLog(work), createYardLog(work)];
    const given: number[] = [];

    for (let version = 2; version < 42; version += 1) {
      given.push(await (version % 3 === 0 ? other : one)(anEntry(version, (version % 2) + 1)));
    }

    expect(given).toEqual(given.toSorted((a, b) => a - b));
    const all = await readAll(work);
    expect(all.map(({ first }) => first)).toEqual(given);
    expect(all[3]).toEqual({ ...anEntry(5, 2), first: given[3] });
    expect(await readAll(work, undefined, true)).toEqual(all.toReversed());
    for (const { first, span } of all) {
      expect(await readAll(work, first + span - 1)).toEqual(all.filter((entry) => entry.first > first));
      expect(await readAll(work, first, true)).toEqual(all.filter((entry) => entry.first < first).toReversed());
      expect((await findLogEntry(work, first + span - 1))?.first).toBe(first);
    }
  });

  it("lists those together that come together", async () => {
    const work = await openWork();
    const log = createYardLog(work);

    const given = await Promise.all(Array.from({ length: 250 }, (_, index) => log(anEntry(index + 2))));

    expect(new Set(given).size).toBe(250);
    expect((await readAll(work)).map(({ first }) => first)).toEqual(given);
  });

  it("knows no row of a position that was not given", async () => {
    const work = await openWork();
    await createYardLog(work)(anEntry(2));

    expect([await findLogEntry(work, 2), await findLogEntry(work, 5_000_000)]).toEqual([undefined, undefined]);
  });
});
