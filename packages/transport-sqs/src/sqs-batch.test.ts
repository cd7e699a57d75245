import { describe, expect, it } from "vitest";
import { parseSqsBatch } from "./sqs-batch.ts";
import { anSqsEvent } from "./testing/an-sqs-event.ts";

describe("parseSqsBatch", () => {
  it("reads the records that Lambda gives", () => {
    const event = anSqsEvent([{ body: "{}", deliveries: 3, group: "s1", attributes: { traceparent: "00" } }], "q.fifo");

    expect(parseSqsBatch(event)).toEqual({
      queueArn: "arn:aws:sqs:eu-west-1:111122223333:q.fifo",
      messages: [
        {
          messageId: "m-1",
          receiptHandle: "r-1",
          body: "{}",
          attributes: { traceparent: "00" },
          deliveries: 3,
          sentAt: 1_767_225_600_000,
          groupId: "s1",
        },
      ],
    });
  });

  it("reads a batch that names no queue, as people write them to try a function", () => {
    const Records = [{ messageId: "m-1", body: "{}" }];

    expect(parseSqsBatch({ Records })).toMatchObject({ queueArn: "", messages: [{ messageId: "m-1", deliveries: 1 }] });
  });

  it("gives a message without an id one of its own, and the same when the batch is read again", () => {
    const event = { Records: [{ body: "{}" }, { body: "{}" }] };
    const idsOf = (given: unknown) => parseSqsBatch(given).messages.map(({ messageId }) => messageId);

    const ids = idsOf(event);

    expect(ids).toEqual([expect.stringMatching(/./), expect.stringMatching(/./)]);
    expect(new Set([...ids, ...idsOf(structuredClone(event))]).size).toBe(4);
    expect(idsOf(event)).toEqual(ids);
  });

  it.each([
    [undefined],
    [null],
    ["x"],
    [{}],
    [{ Records: [] }],
    [{ Records: [{ Sns: {} }] }],
    [{ stackId: "s", event: "GO" }],
  ])("refuses to be called with %j, and says how it is called", (event) => {
    expect(() => parseSqsBatch(event)).toThrow(
      expect.objectContaining({ code: "EVENT_INVALID", message: expect.stringContaining("event source mapping") }),
    );
  });
});
