import { describe, expect, it } from "vitest";
import type { CopyOutcome } from "../copy/copy-outcome.ts";
import { aDelivery, createConsumerWorld } from "../testing/a-consumer.ts";
import { aRecord, NOW } from "../testing/a-message.ts";

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
    expect(await postponed({ kind: "suspended", newBytes: 1, stalls: 0 }, 9)).toEqual({ failures: 1, seconds: [1] });
  });

  it("since nobody could begin it comes after those before it", async () => {
    expect(await postponed(failed, 1, NOW)).toEqual({ failures: 1, seconds: [60] });
  });

  it("although the queue cannot be asked is named all the same", async () => {
    const { start } = createConsumerWorld({ copy: () => failed, allow: ["s3:*"] });
    const record = { ...aDelivery(aRecord()), receiptHandle: "handle" };

    const { batchItemFailures } = await start().consumer.onMessages({ Records: [record] });

    expect(batchItemFailures).toEqual([{ itemIdentifier: "m-1" }]);
  });
});
