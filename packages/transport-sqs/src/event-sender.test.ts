import type { Sender } from "@stackyard/core/access";
import { parseEventMessage } from "@stackyard/core/machine";
import { describe, expect, it } from "vitest";
import { noClaimChecks } from "./claim-check.ts";
import { encodeEvent, NOTE_ATTRIBUTE, readEvent, toNoteText } from "./message-codec.ts";
import type { IncomingMessage } from "./messages.ts";
import { anEvent, anIncoming } from "./testing/builders.ts";

describe("the sender of an event", () => {
  const ada: Sender = { kind: "aws", id: "AROA1:ada", name: "ada", groups: ["release-managers"] };
  const forged = { kind: "person", id: "AROA1:ada", name: "mallory", groups: ["release-managers"] };
  const pushed = { event: "PUSH", stackId: "s1" };
  const findSender = (id: string) => (id === ada.id ? ada : undefined);
  const SENT = Date.UTC(2026, 0, 1);
  const KEY = "k".repeat(43);
  const read = async (
    body: unknown,
    overrides: Partial<IncomingMessage>,
    deps: Partial<Parameters<typeof readEvent>[1]> = {},
  ) => {
    const incoming = anIncoming(typeof body === "string" ? body : JSON.stringify(body), overrides);
    const { event } = await readEvent(incoming, {
      claimChecks: noClaimChecks,
      resultKey: KEY,
      now: SENT,
      findSender,
      ...deps,
    });
    return event;
  };

  it("is the one of the SenderId of SQS, regardless of the note", async () => {
    const { body, attributes } = encodeEvent(anEvent({ actor: "mallory" }), KEY);

    expect(await read(body, { attributes, senderId: "AROA1:ada" })).toMatchObject({
      sender: ada,
      actor: "ada",
      id: "e1",
    });
    expect(await read(body, { attributes, senderId: "AROA1:bob" })).toEqual(anEvent({ actor: "mallory" }));
    expect(await read(body, { attributes, senderId: "AROA1:ada" }, { findSender: undefined })).toEqual(
      anEvent({ actor: "mallory" }),
    );
  });

  it("is not taken from the body or the attributes", async () => {
    const note = toNoteText({ id: "e1", at: SENT, sender: forged, senderId: "AROA1:ada" } as never);
    const attributes = { [NOTE_ATTRIBUTE]: note, sender: JSON.stringify(forged), SenderId: "AROA1:ada" };
    const body = { ...pushed, sender: forged, senderId: "AROA1:ada", SenderId: "AROA1:ada", attributes };

    for (const senderId of [undefined, "AROA1:bob"]) {
      const event = await read(body, { attributes, ...(senderId === undefined ? {} : { senderId }) });

      expect(event).not.toHaveProperty("sender");
      const parsed = parseEventMessage(event.message, { at: SENT, messageId: event.id });
      expect(parsed).toMatchObject({ kind: "event", event: { stackId: "s1" } });
      expect(parsed).not.toHaveProperty("event.sender");
    }
  });

  it.each([
    ["a topic", { Type: "Notification", MessageId: "n", Message: JSON.stringify(pushed) }],
    [
      "a topic, with attributes",
      {
        Type: "Notification",
        Message: JSON.stringify({ ...pushed, sender: forged }),
        MessageAttributes: { SenderId: { Type: "String", Value: "AROA1:ada" } },
      },
    ],
    ["a bus", { id: "b", source: "ci", "detail-type": "push", detail: pushed }],
    ["a bus and a topic", { Type: "Notification", Message: JSON.stringify({ detail: pushed }) }],
  ])("is not known in the envelope of %s, not even one that a known sender has written", async (_, body) => {
    const event = await read(body, { senderId: "AROA1:ada" });

    expect([event.stackId, event.sender, event.actor]).toEqual(["s1", undefined, undefined]);
  });

  it("is not known in the envelope of a topic whose message lies in a bucket", async () => {
    const Message = JSON.stringify([
      "com.amazon.sqs.javamessaging.MessageS3Pointer",
      { s3BucketName: "b", s3Key: "k" },
    ]);
    const claimChecks = {
      redeem: async (incoming: IncomingMessage) => ({ ...incoming, body: JSON.stringify(pushed) }),
    };

    const inEnvelope = await read({ Type: "Notification", Message }, { senderId: "AROA1:ada" }, { claimChecks });
    const direct = await read(Message, { senderId: "AROA1:ada" }, { claimChecks });

    expect([inEnvelope.sender, direct.sender]).toEqual([undefined, ada]);
  });

  it("is stored for a message that is not an event, for the audit log", async () => {
    expect(await read("no JSON", { senderId: "AROA1:ada" })).toMatchObject({ stackId: "", sender: ada });
  });

  it("is not needed for a proven result of a runner", async () => {
    const dispatchId = "s1/created/1/plan/1";
    const result = anEvent({
      id: `result:${dispatchId}`,
      origin: "worker",
      message: { event: "TASK_COMPLETED", stackId: "s1", dispatchId },
    });
    const { body, attributes } = encodeEvent(result, KEY);

    const event = await read(body, { attributes, senderId: "AROA1:ada" });

    expect([event.origin, event.sender]).toEqual(["worker", undefined]);
  });
});
