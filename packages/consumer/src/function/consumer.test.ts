import fc from "fast-check";
import { describe, expect, it } from "vitest";
import type { CopyOutcome } from "../copy/copier.ts";
import { aDelivery, createConsumerWorld } from "../testing/a-consumer.ts";
import { aRecord, NOW } from "../testing/a-message.ts";
import { planLanes } from "./consumer.ts";

const SMALL = 1_000;
const LARGE = 100 * 1_024 ** 2;

function plan(...sizes: readonly (readonly [key: string, size?: number | undefined])[]) {
  const records = sizes.map(([ArtifactKey, size], index) => {
    const body = size === undefined ? { ArtifactKey } : { v: 2, ArtifactKey, artifact: { size } };
    return { messageId: `${ArtifactKey}${index}`, body: JSON.stringify(body) };
  });
  return planLanes(records, "topic").map((lane) => lane.map(({ messageId }) => messageId));
}

describe("planLanes", () => {
  it("serves small files three at a time", () => {
    expect(plan(["a", SMALL], ["b", SMALL], ["c", SMALL], ["d", SMALL])).toEqual([["a0", "d3"], ["b1"], ["c2"]]);
  });

  it("serves large files and those of unknown size one at a time, while small ones run in parallel", () => {
    expect(plan(["a", LARGE], ["b"], ["c", SMALL])).toEqual([["a0", "b1"], ["c2"]]);
  });

  it("serves those of one key in their order", () => {
    expect(plan(["a", SMALL], ["b", SMALL], ["a", LARGE])).toEqual([["a0", "a2"], ["b1"]]);
  });

  it("returns no lanes for no records, and one for an unreadable record", () => {
    expect(planLanes([], "topic")).toEqual([]);
    expect(planLanes([{ messageId: "m", body: "{" }], "topic")).toEqual([[{ messageId: "m", body: "{" }]]);
  });

  it("loses no record and doubles none", () => {
    const one = fc.tuple(fc.constantFrom("a", "b", "c"), fc.option(fc.nat(2 * LARGE), { nil: undefined }));
    fc.assert(
      fc.property(fc.array(one, { maxLength: 10 }), (sizes) => {
        const ids = sizes.map(([key], index) => `${key}${index}`);

        expect(
          plan(...sizes)
            .flat()
            .sort(),
        ).toEqual(ids.sort());
      }),
    );
  });
});

async function postponed(outcome: CopyOutcome, attempt: number, deadlineAt = NOW + 300_000) {
  const { start, sim } = createConsumerWorld({ copy: () => outcome });
  const record = { ...aDelivery(aRecord(), "m-1", attempt), receiptHandle: "handle" };
  const { batchItemFailures } = await start().consumer.onMessages({ Records: [record] }, { deadlineAt });
  const changes = sim.calls.filter(({ operation }) => operation === "SQS.ChangeMessageVisibility");
  return { failures: batchItemFailures.length, seconds: changes.map(({ input }) => input["VisibilityTimeout"]) };
}

describe("a message that comes again", () => {
  const failed = { kind: "retry", code: "SOURCE_UNAVAILABLE", reason: "503", stalls: 1 } as const;

  it.each([
    [1, 15],
    [2, 30],
    [6, 480],
    [7, 900],
    [50, 900],
  ])("for the %i. time comes after %i s", async (attempt, seconds) => {
    expect(await postponed(failed, attempt)).toEqual({ failures: 1, seconds: [seconds] });
  });

  it("since its time was over comes at once", async () => {
    expect(
      await postponed({ kind: "suspended", newBytes: 1, stalls: 0, reason: "The invocation ran out of time." }, 9),
    ).toEqual({ failures: 1, seconds: [1] });
  });

  it("that was not started comes after those before it", async () => {
    expect(await postponed(failed, 1, NOW)).toEqual({ failures: 1, seconds: [60] });
  });

  it("is still reported when the queue cannot be reached", async () => {
    const { start } = createConsumerWorld({ copy: () => failed, allow: ["s3:*"] });
    const record = { ...aDelivery(aRecord()), receiptHandle: "handle" };

    const { batchItemFailures } = await start().consumer.onMessages({ Records: [record] });

    expect(batchItemFailures).toEqual([{ itemIdentifier: "m-1" }]);
  });
});

describe("an event", () => {
  it.each([
    ...[undefined, null, "x", [], {}, { Records: null }, { Records: [null] }, { Records: [{ body: "{}" }, "x"] }],
    ...[{ source: "aws.events", "detail-type": "Scheduled Event" }, { Records: [{ eventSource: "aws:s3", s3: {} }] }],
  ])("that is not a batch of a queue is rejected as a whole: %j", async (event) => {
    const { start, everything } = createConsumerWorld();
    const before = everything();

    await expect(start().consumer.onMessages(event as never)).rejects.toMatchObject({ code: "EVENT_INVALID" });

    expect(everything()).toBe(before);
  });

  it("without records has nothing that failed", async () => {
    const { consumer } = createConsumerWorld().start();

    expect(await consumer.onMessages({ Records: [] })).toEqual({ batchItemFailures: [] });
  });
});
