import fc from "fast-check";
import { describe, expect, it } from "vitest";
import type { Sender } from "../access/sender.ts";
import { type Bulk, type BulkChunk, type BulkResult, chunkOf, nextBulkStep, toBulkEventId, toChunks } from "./bulk.ts";

const ada: Sender = { kind: "person", id: "ada", name: "ada", groups: [] };

function aBulk(input: Partial<Bulk> = {}): Bulk {
  return {
    id: "B",
    operation: "retry",
    filter: {},
    message: { event: "RETRY_FAILED_TASKS" },
    sender: ada,
    status: "running",
    createdAt: 0,
    total: 2,
    done: 0,
    counts: {},
    ...input,
  };
}

const items = [
  { n: 1, id: "a" },
  { n: 2, id: "b" },
];
const none = new Map<number, BulkResult>();
const applied: BulkResult = { outcome: "applied" };

describe("what a bulk does next", () => {
  it("is to write that a chunk is sent, then to send it", () => {
    const step = nextBulkStep(aBulk(), { chunk: { items }, decided: none, now: 5 });

    expect(step).toEqual({ kind: "send", chunk: { items, sentAt: 5 }, items });
  });

  it("is to send what is not decided when another process has died in the middle", () => {
    const chunk = { items, sentAt: 5 };

    expect(nextBulkStep(aBulk(), { chunk, decided: new Map([[1, applied]]), now: 9 })).toEqual({
      kind: "send",
      chunk,
      items: [items[1]],
    });
  });

  it("is to wait while items are not decided", () => {
    const progress = { chunk: { items, sentAt: 5 }, decided: new Map([[1, applied]]), sentAt: 9 };

    expect(nextBulkStep(aBulk(), { ...progress, now: 60_008 })).toEqual({ kind: "wait", items: [items[1]] });
    expect(nextBulkStep(aBulk(), { ...progress, now: 60_009 })).toMatchObject({
      kind: "record",
      bulk: { done: 2, counts: { applied: 1, waiting: 1 } },
    });
  });

  it("is to wait without an end where nothing at all is decided, because no engine works", () => {
    const progress = { chunk: { items, sentAt: 5 }, decided: none, sentAt: 9, now: 1e9 };

    expect(nextBulkStep(aBulk(), progress)).toEqual({ kind: "wait", items });
  });

  it("is to write the outcomes, and to end after the last chunk", () => {
    const decided = new Map<number, BulkResult>([
      [1, applied],
      [2, { outcome: "refused", code: "TASK_NOT_RUNNING", reason: "x".repeat(900) }],
    ]);
    const step = nextBulkStep(aBulk(), { chunk: { items, sentAt: 5 }, decided, sentAt: 5, now: 6 });

    expect(step).toMatchObject({
      kind: "record",
      chunk: {
        sentAt: 5,
        items: [
          { n: 1, id: "a", outcome: "applied" },
          { n: 2, code: "TASK_NOT_RUNNING" },
        ],
      },
      bulk: { status: "running", done: 2, counts: { applied: 1, refused: 1 } },
    });
    const bulk = step.kind === "record" ? step.bulk : aBulk();
    expect(nextBulkStep(bulk, { chunk: undefined, decided: none, now: 7 })).toMatchObject({
      kind: "end",
      bulk: { status: "done", endedAt: 7 },
    });
  });

  it("is to end when it is cancelled, but not before what was sent is counted", () => {
    const bulk = aBulk({ cancel: { at: 3, by: "ben" } });

    expect(nextBulkStep(bulk, { chunk: { items, sentAt: 2 }, decided: none, sentAt: 2, now: 4 }).kind).toBe("wait");
    expect(nextBulkStep(bulk, { chunk: { items }, decided: none, now: 4 })).toMatchObject({
      kind: "end",
      bulk: { status: "cancelled", endedAt: 4, counts: { skipped: 2 }, cancel: { by: "ben" } },
    });
  });

  it("is to end when its items are not kept any more, and nothing when it is over", () => {
    expect(nextBulkStep(aBulk(), { chunk: undefined, decided: none, now: 4 })).toMatchObject({
      kind: "end",
      bulk: { status: "cancelled", cancel: { by: "stackyard" } },
    });
    expect(nextBulkStep(aBulk({ status: "done" }), { chunk: undefined, decided: none, now: 4 })).toEqual({
      kind: "over",
    });
  });

  it("sends each item once and counts it once, whatever process dies between its steps", () => {
    fc.assert(
      fc.property(fc.nat(260), fc.array(fc.boolean(), { maxLength: 60 }), (total, crashes) => {
        const { bulk, queued } = play(total, crashes);

        expect(bulk).toMatchObject({ status: "done", done: total, counts: total === 0 ? {} : { applied: total } });
        expect(queued).toHaveLength(total);
        expect(new Set(queued).size).toBe(total);
      }),
      { numRuns: 50 },
    );
  });
});

/** Plays a bulk to its end with processes that die in the middle of these turns. The queue knows each id once. */
function play(total: number, crashes: readonly boolean[]) {
  const world = {
    chunks: [...toChunks(Array.from({ length: total }, (_, n) => `s${n}`))],
    queued: [] as string[],
    bulk: aBulk({ total }),
    sentAt: undefined as number | undefined,
  };
  for (let turn = 0; turn < 200 && world.bulk.status === "running"; turn += 1) {
    playTurn(world, turn, crashes[turn] === true);
  }
  return world;
}

function playTurn(world: ReturnType<typeof play>, turn: number, dies: boolean): void {
  const { chunks, queued, bulk, sentAt } = world;
  const n = chunkOf(bulk);
  const isQueued = (item: { readonly n: number }) => queued.includes(toBulkEventId("B", item));
  const decided = new Map((chunks[n]?.items ?? []).filter(isQueued).map((item) => [item.n, applied]));
  const step = nextBulkStep(bulk, { chunk: chunks[n], decided, sentAt, now: turn });
  if (step.kind === "send" || step.kind === "record") chunks[n] = step.chunk;
  const sent = step.kind === "send" ? step.items.slice(0, dies ? turn % 7 : 50) : [];
  queued.push(...sent.map((item) => toBulkEventId("B", item)));
  if ((step.kind === "record" && !dies) || step.kind === "end") world.bulk = step.bulk;
  // A new process knows nothing but the records.
  world.sentAt = step.kind === "send" && !dies ? turn : undefined;
}

describe("the items of a bulk", () => {
  it("are numbered from 1, 50 a chunk", () => {
    const chunks: readonly BulkChunk[] = toChunks(Array.from({ length: 101 }, (_, n) => `s${n}`));

    expect(chunks.map((chunk) => chunk.items.length)).toEqual([50, 50, 1]);
    expect(chunks[2]?.items).toEqual([{ n: 101, id: "s100" }]);
  });
});
