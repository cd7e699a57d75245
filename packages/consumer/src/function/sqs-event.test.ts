import { describe, expect, it } from "vitest";
import { createConsumerWorld } from "../testing/a-consumer.ts";

describe("an event", () => {
  it.each([
    ...[undefined, null, "x", [], {}, { Records: null }, { Records: [null] }, { Records: [{ body: "{}" }, "x"] }],
    ...[{ source: "aws.events", "detail-type": "Scheduled Event" }, { Records: [{ eventSource: "aws:s3", s3: {} }] }],
  ])("that is no batch of a queue is refused as a whole: %j", async (event) => {
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
