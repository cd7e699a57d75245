import type { StreamMessage } from "@stackyard/sdk";
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { createRefetch } from "./refetch.ts";

beforeEach(() => void vi.useFakeTimers());
afterEach(() => void vi.useRealTimers());

const entry = { stackId: "pr-1" } as Extract<StreamMessage, { kind: "history" }>["entry"];
const change: StreamMessage = { kind: "history", id: "1", entry };
const missed = { kind: "batch", messages: [], restart: true } as const;

function create() {
  const keys: unknown[] = [];
  const refetch = createRefetch({
    invalidateQueries: async (filters) => void keys.push(filters?.queryKey),
  });
  return { refetch, keys };
}

describe("createRefetch", () => {
  it("fetches a changed stack at once, lists after 2 s and counts after 5 s, once for all changes until then", () => {
    const { refetch, keys } = create();

    refetch.onBatch({ kind: "batch", messages: [change, change] });
    refetch.onBatch({ kind: "batch", messages: [change] });
    expect(keys).toEqual([
      ["stack", "pr-1"],
      ["stack", "pr-1"],
    ]);
    vi.advanceTimersByTime(2_000);
    expect(keys.slice(2)).toEqual([["list"]]);
    vi.advanceTimersByTime(3_000);
    expect(keys.slice(3)).toEqual([["count"]]);
  });

  it("shows a new page before it fetches everything again", () => {
    const { refetch, keys } = create();

    refetch.onBatch(missed);
    vi.advanceTimersByTime(1_999);
    expect(keys).toEqual([]);
    vi.advanceTimersByTime(1);
    expect(keys).toEqual([[]]);
  });

  it.each([
    [
      "after a lost connection",
      (refetch: ReturnType<typeof createRefetch>) => refetch.onState({ kind: "reconnecting", sinceMs: 0 }),
    ],
    [
      "later on",
      (refetch: ReturnType<typeof createRefetch>) => {
        refetch.onBatch(missed);
        vi.advanceTimersByTime(2_000);
      },
    ],
  ])("fetches everything at once %s", (_, before) => {
    const { refetch, keys } = create();
    before(refetch);
    keys.length = 0;

    refetch.onBatch(missed);
    vi.advanceTimersByTime(0);

    expect(keys).toEqual([[]]);
  });

  it("fetches nothing after its end", () => {
    const { refetch, keys } = create();
    refetch.onBatch(missed);

    refetch.stop();
    vi.advanceTimersByTime(5_000);

    expect(keys).toEqual([]);
  });
});
