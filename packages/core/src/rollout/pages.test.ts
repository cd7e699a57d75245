import { describe, expect, it } from "vitest";
import { createMemoryRecords } from "../memory/memory-records.ts";
import { createFakeClock } from "../testing/fake-clock.ts";
import type { RolloutState } from "./decide-rollout.ts";
import { addItems, listItems, type Paged, updateItems } from "./paged-items.ts";
import { createPages, type Pages } from "./pages.ts";
import { type Row as Counted, type RowState, tallyByWave } from "./tally.ts";

const DAY_MS = 86_400_000;
/** An item that is its own view. */
interface Row extends Counted {
  readonly id: string;
}

const toRow = (row: Row): Counted => row;

function rows(count: number, state: RowState = "waiting"): readonly Row[] {
  return Array.from({ length: count }, (_, at) => ({ id: `r${at}`, wave: 0, state }));
}

function aRollout(items: readonly Row[], given: Partial<RolloutState> = {}): Paged<Row> {
  const state: RolloutState = { wave: 0, sending: [], tallies: [], ...given };
  return addItems({ state, pages: new Map([[0, []]]) }, items, { pageRows: 2, toRow });
}

function aFixture() {
  const clock = createFakeClock();
  const records = createMemoryRecords();
  const writes: string[] = [];
  const open = (): Pages<Row, RolloutState> =>
    createPages<Row, RolloutState>({
      records: {
        ...records,
        put(input) {
          writes.push(input.key);
          return records.put(input);
        },
      },
      clock,
      key: { state: "state", page: (number) => `page/${number}` },
      keepMs: DAY_MS,
      toRow,
      page: {
        // Only this test writes the records.
        read: (value) => (value as { readonly items: readonly Row[] }).items,
        fit: (items, head) => ({ items, ...head }),
        toHead: (state) => ({ done: tallyByWave(state).reduce((sum, { done }) => sum + done, 0) }),
      },
    });
  const findValue = async (key: string) => (await records.get(key, clock.now()))?.value;
  return { clock, open, writes, findValue };
}

async function load(pages: Pages<Row, RolloutState>): Promise<Paged<Row>> {
  const rollout = await pages.load();
  if (rollout === undefined) throw new Error("nothing was saved");
  return rollout;
}

const toState = (id: string, state: RowState) => (row: Row) => (row.id === id ? { ...row, state } : row);

describe("the pages of a rollout", () => {
  it("are undefined before the first save, and are kept for a time", async () => {
    const { open, clock } = aFixture();
    const before = await open().load();
    await open().save(aRollout(rows(1)));
    await clock.advance(DAY_MS);

    expect([before, await open().load()]).toEqual([undefined, undefined]);
  });

  it("are not replaced by a worker that was paused before it began the same rollout", async () => {
    const { open, findValue } = aFixture();
    const paused = open();
    await paused.load();
    const sent = updateItems(aRollout(rows(2)), toRow, toState("r1", "sent"));
    await open().save(sent);
    const page = await findValue("page/0");

    await expect(paused.save(aRollout(rows(2)))).rejects.toThrow('"state" was written by another worker');

    expect(await findValue("page/0")).toEqual(page);
  });

  it("are loaded as far as they matter: the first, the last, and those with rows that are sent", async () => {
    const { open } = aFixture();
    const planned = updateItems(aRollout(rows(10)), toRow, toState("r5", "sent"));
    await open().save(planned);
    const pages = open();
    const loaded = await load(pages);

    expect([...loaded.pages.keys()].toSorted()).toEqual([0, 2, 4]);
    expect([...(await pages.loadWaiting(loaded, 3)).pages.keys()].toSorted()).toEqual([0, 1, 2, 4]);
    expect(listItems(await pages.loadAll(loaded)).map(({ id }) => id)).toEqual(rows(10).map(({ id }) => id));
  });

  it("are not taken for empty when one is gone, such as after its time: what followed would leave its rows out", async () => {
    const { open, clock } = aFixture();
    await open().save(aRollout(rows(6)));
    await clock.advance(DAY_MS / 2);
    const pages = open();
    await pages.save(updateItems(await load(pages), toRow, toState("r0", "done")));
    await clock.advance(DAY_MS / 2);
    const later = open();

    await expect(later.load()).rejects.toMatchObject({
      code: "STORE_CORRUPT",
      message: expect.stringMatching(/"page\/2" is gone.+2 rows/),
    });
  });

  it("are all loaded while a batch may have been sent", async () => {
    const { open } = aFixture();
    await open().save(aRollout(rows(10), { sending: [{ n: 1, ids: ["r3"] }] }));

    expect((await load(open())).pages.size).toBe(5);
  });

  it("are written when they change, before the state; the first one also when its head does", async () => {
    const { open, writes, findValue } = aFixture();
    await open().save(aRollout(rows(6)));
    const pages = open();
    const whole = await pages.loadAll(await load(pages));
    writes.length = 0;

    await pages.save(updateItems(whole, toRow, toState("r4", "done")));

    expect(writes.at(-1)).toBe("state");
    expect(writes.toSorted()).toEqual(["page/0", "page/2", "state"]);
    expect(await findValue("page/0")).toMatchObject({ done: 1 });
    expect(await findValue("page/2")).not.toHaveProperty("done");
  });

  it("count more than the state, which may not have been written after them", async () => {
    const { open } = aFixture();
    await open().save(aRollout(rows(2)));
    const pages = open();
    const loaded = await load(pages);
    await pages.save({ ...updateItems(loaded, toRow, toState("r1", "failed")), state: loaded.state });

    const [tally] = tallyByWave((await load(open())).state);

    expect(tally).toMatchObject({ waiting: 1, failed: 1 });
  });

  it("are not written over those of another worker", async () => {
    const { open } = aFixture();
    await open().save(aRollout(rows(2)));
    const [mine, other] = [open(), open()];
    const [late, first] = [await load(mine), await load(other)];
    await other.save(updateItems(first, toRow, toState("r0", "sent")));

    const save = mine.save(updateItems(late, toRow, toState("r0", "sent")));

    await expect(save).rejects.toThrow('The record "page/0" was written by another worker.');
  });
});
