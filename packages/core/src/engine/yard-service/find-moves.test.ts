import { describe, expect, it } from "vitest";
import { createMemoryStore } from "../../memory/memory-store.ts";
import type { HistoryEntry } from "../../ports/stack-store.ts";
import { aChange, aHistoryEntry, commitNow, T0 } from "../../testing/store-conformance/store-builders.ts";
import { findMoves } from "./find-moves.ts";

const STACK = { id: "pr-1", incarnation: "i2" };

async function createBench(lines: readonly Partial<HistoryEntry>[]) {
  const store = createMemoryStore();
  const history = lines.map((line, n) =>
    aHistoryEntry(`e${n}`, { stackId: "pr-1", incarnation: "i2", outcome: "applied", at: T0 + n, ...line }),
  );
  await commitNow(store, aChange({ stackId: "pr-1", history }));
  return store;
}

describe("findMoves", () => {
  it("returns what the incarnation has entered after an instant, oldest first, over all pages", async () => {
    const notes = Array.from({ length: 250 }, () => ({ event: "NOTE", outcome: "ignored" }) as const);
    const store = await createBench([
      { event: "OLD", from: "A", to: "B", incarnation: "i1" },
      { event: "GO", from: "A", to: "B" },
      { event: "TASK_COMPLETED", from: "B", to: "C" },
      ...notes,
      { event: "BACK", from: "C", to: "B" },
      { event: "NO", outcome: "refused", from: "B", to: "B" },
    ]);

    expect(await findMoves(store, STACK, T0 + 1)).toEqual([
      { from: "B", to: "C", at: T0 + 2, isSuccess: true },
      { from: "C", to: "B", at: T0 + 253, isSuccess: false },
    ]);
    expect((await findMoves(store, STACK, T0 - 1)).map(({ at }) => at - T0)).toEqual([1, 2, 253]);
  });

  it("throws for a line that cannot be read, since it may be a move", async () => {
    const { queries } = await createBench([]);
    const listHistory = async () => ({ items: [], unreadable: [{ id: "7", reason: "damaged" }] });

    await expect(findMoves({ queries: { ...queries, listHistory } }, STACK, T0)).rejects.toMatchObject({
      code: "STORE_CORRUPT",
    });
  });
});
