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
  const page = { isVisible: true };
  const client = { invalidateQueries: async (filters?: { queryKey?: unknown }) => void keys.push(filters?.queryKey) };
  const refetch = createRefetch(client, () => page.isVisible);
  return { refetch, keys, page };
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

  it.each([
    ["no stream comes, as behind a proxy that holds it back", { kind: "connecting" }, 5_000],
    ["the stream is lost", { kind: "reconnecting", sinceMs: 0 }, 1_000],
  ] as const)("fetches by age while %s, until it comes [argo-cd#9247, kestra#2076]", (_, state, firstMs) => {
    const { refetch, keys } = create();

    refetch.onState(state);
    refetch.onState({ kind: "reconnecting", sinceMs: 0 });
    vi.advanceTimersByTime(firstMs);
    expect(keys).toEqual([[]]);
    vi.advanceTimersByTime(10_000);
    expect(keys).toEqual([[], [], []]);
    refetch.onState({ kind: "live" });
    vi.advanceTimersByTime(60_000);

    expect(keys).toHaveLength(3);
  });

  it.each([
    ["of a page in the background", { kind: "connecting" }, false],
    ["after the session has ended", { kind: "signed-out" }, true],
  ] as const)("fetches nothing by age %s", (_, state, isVisible) => {
    const { refetch, keys, page } = create();
    page.isVisible = isVisible;

    refetch.onState(state);
    vi.advanceTimersByTime(60_000);

    expect(keys).toEqual([]);
  });

  it("fetches nothing after its end", () => {
    const { refetch, keys } = create();
    refetch.onState({ kind: "connecting" });
    refetch.onBatch(missed);

    refetch.stop();
    vi.advanceTimersByTime(15_000);

    expect(keys).toEqual([]);
  });
});
