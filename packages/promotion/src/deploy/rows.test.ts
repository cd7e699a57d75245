import type { Records } from "@stackyard/core";
import { createMemoryStore } from "@stackyard/core/engine";
import { addItems } from "@stackyard/core/rollout";
import { describe, expect, it } from "vitest";
import { findPresent, mergeRows } from "./begin-deployment.ts";
import { type DeployRow, type DeployState, toRow } from "./deploy-row.ts";
import { findDeployState, listRowPages, openRows, PAGE_ROWS, type RowsOwner } from "./rows.ts";

const owner: RowsOwner = { stackId: "shop-1.42.0", incarnation: "e1", task: "tenants" };
const state: DeployState = {
  version: 1,
  release: owner,
  op: "send",
  entry: 3,
  attempt: 1,
  event: "RELEASED",
  metadata: { api: "1.42.0" },
  until: ["LIVE"],
  failed: [],
  waves: ["all"],
  sizes: [450],
  isRule: true,
  startedAt: 5,
  wave: 0,
  next: 1,
  sending: [],
  tallies: [],
};

async function collect<Item>(items: AsyncIterable<Item>): Promise<readonly Item[]> {
  const collected: Item[] = [];
  for await (const item of items) collected.push(item);
  return collected;
}

function toRows(count: number): readonly DeployRow[] {
  return Array.from({ length: count }, (_, at) => ({ stack: `t${at}`, wave: 0, try: 0, state: "waiting", at: 5 }));
}

describe("rows of a deployment", () => {
  it("are kept by 200 in a record, for the task of one release, and read page by page", async () => {
    const { records } = createMemoryStore();
    const input = { records, clock: { now: () => 1_000 }, owner };
    const rows = toRows(450);

    await openRows(input).save(addItems({ state, pages: new Map() }, rows, { pageRows: PAGE_ROWS, toRow }));

    expect((await collect(listRowPages(input))).map(({ length }) => length)).toEqual([200, 200, 50]);
    expect((await collect(listRowPages(input))).flat()).toEqual(rows);
    expect((await collect(listRowPages(input, 2))).flat()).toEqual(rows.slice(400));
    expect(await findDeployState(input)).toMatchObject({ metadata: { api: "1.42.0" }, sizes: [450] });
    const other = { ...input, owner: { ...owner, incarnation: "e2" } };
    expect(await findDeployState(other)).toBeUndefined();
    expect(await collect(listRowPages(other))).toEqual([]);
  });

  it("are not taken for none when a page of them is gone: a soak would pass them over", async () => {
    const { records } = createMemoryStore();
    const input = { records, clock: { now: () => 1_000 }, owner };
    const rows = toRows(450);
    await openRows(input).save(addItems({ state, pages: new Map() }, rows, { pageRows: PAGE_ROWS, toRow }));
    const lossy: Records = {
      ...records,
      get: async (key, now) => (key.endsWith("/rows/1") ? undefined : records.get(key, now)),
    };

    await expect(collect(listRowPages({ ...input, records: lossy }))).rejects.toMatchObject({ code: "STORE_CORRUPT" });
  });

  it("of an earlier entry are not taken for what a call that died was about to send", async () => {
    const { records } = createMemoryStore();
    const input = { records, clock: { now: () => 1_000 }, owner };
    const before: DeployRow = { stack: "t9", wave: 0, try: 1, state: "sent", at: 5, sentAt: 5, batch: 1, from: {} };
    const rows = mergeRows(toRows(1), [before], 1_000);
    await openRows(input).save(addItems({ state, pages: new Map() }, rows, { pageRows: PAGE_ROWS, toRow }));

    expect(await findPresent({ rows: openRows(input), entry: 3 })).toMatchObject({
      present: { state: { next: 1 } },
    });
    expect(await findPresent({ rows: openRows(input), entry: 3 })).not.toHaveProperty("present.state.firstSentAt");
  });

  it("of an entry whose pages were written by half are taken once", () => {
    const left: DeployRow = { stack: "t9", wave: 0, try: 1, state: "skipped", at: 5, from: {} };

    const rows = mergeRows(toRows(1), [left, { ...left, state: "done" }], 1_000);

    expect(rows.map(({ stack }) => stack)).toEqual(["t0", "t9"]);
  });

  it("are kept for 90 days", async () => {
    const { records } = createMemoryStore();
    const input = { records, clock: { now: () => 1_000 }, owner };
    await openRows(input).save(addItems({ state, pages: new Map() }, toRows(1), { pageRows: PAGE_ROWS, toRow }));

    const at = (days: number) => ({ ...input, clock: { now: () => 1_000 + days * 86_400_000 } });

    expect(await findDeployState(at(89))).toBeDefined();
    expect(await findDeployState(at(91))).toBeUndefined();
  });
});
