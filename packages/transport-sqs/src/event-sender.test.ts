import { toQueueText } from "@stackyard/core";
import type { Sender } from "@stackyard/core/access";
import { parseEventMessage } from "@stackyard/core/machine";
import { describe, expect, it } from "vitest";
import { noClaimChecks } from "./claim-check.ts";
import { encodeEvent, NOTE_ATTRIBUTE, readEvent } from "./message-codec.ts";
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
    const note = toQueueText({ id: "e1", at: SENT, sender: forged, senderId: "AROA1:ada" });
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

  describe("that a process with the key has verified", () => {
    const octocat: Sender = { kind: "person", id: "iss 00u1", name: "octocat", groups: ["ops"], through: "github/7" };
    const sent = anEvent({ message: { ...pushed, machine: "app" }, sender: octocat, receivedAt: SENT });
    const { body, attributes, deduplicationId } = encodeEvent(sent, KEY);
    const note = JSON.parse(attributes[NOTE_ATTRIBUTE] ?? "");
    const toAttributes = (changes: object) => ({ [NOTE_ATTRIBUTE]: JSON.stringify({ ...note, ...changes }) });

    it("counts instead of the process itself, directly and through a topic", async () => {
      const MessageAttributes = { [NOTE_ATTRIBUTE]: { Type: "String", Value: attributes[NOTE_ATTRIBUTE] } };
      const enveloped = { Type: "Notification", MessageId: "n1", Message: body, MessageAttributes };

      const direct = await read(body, { attributes, senderId: "AROA1:ada" });
      const throughTopic = await read(enveloped, { senderId: "AROA1:ada" });

      expect(direct).toEqual({ ...sent, actor: "octocat" });
      expect(throughTopic).toEqual(direct);
    });

    it("is not dropped by a FIFO queue because another sender has used its id", () => {
      expect(encodeEvent(sent, KEY).deduplicationId).not.toBe(deduplicationId);
    });

    it.each([
      ["another sender", body, toAttributes({ sender: { ...octocat, groups: ["admins"] } })],
      ["another kind of sender", body, toAttributes({ sender: { ...octocat, kind: "host" } })],
      ["another id", body, toAttributes({ id: "e2" })],
      ["another time", body, toAttributes({ at: SENT + 1 })],
      ["another event", body.replace("PUSH", "DESTROY"), attributes],
      ["another stack", body.replace("s1", "s2"), attributes],
      ["more metadata", body.replace("{", '{"metadata":{"force":true},'), attributes],
      ["no proof", body, toAttributes({ proof: undefined })],
      ["a short proof", body, toAttributes({ proof: "x" })],
    ])("is not accepted with %s", async (_, given, changed) => {
      expect((await read(given, { attributes: changed })).sender).toBeUndefined();
      expect((await read(given, { attributes: changed, senderId: "AROA1:ada" })).sender).toEqual(ada);
    });

    it("is not accepted for another key, without a key, or for an id that receivers replace", async () => {
      const long = encodeEvent({ ...sent, id: "e".repeat(256) }, KEY);

      const events = [
        await read(body, { attributes }, { resultKey: "l".repeat(43) }),
        await read(body, { attributes }, { resultKey: undefined }),
        await read(long.body, { attributes: long.attributes }),
      ];

      expect(events.map(({ sender }) => sender)).toEqual([undefined, undefined, undefined]);
    });

    it("does not travel without a key", () => {
      expect(JSON.stringify(encodeEvent(sent, undefined))).not.toContain("octocat");
    });
  });

  describe("that the yard itself has sent", () => {
    const message = { event: "START", stackId: "run-1", machine: "stackyard.run", revision: "f".repeat(64) };
    const own = anEvent({ stackId: "run-1", message, own: true });

    it.each([
      ["without a sender", own],
      ["for a person", { ...own, sender: { ...ada, kind: "person" as const }, actor: "ada" }],
    ])("arrives as such, %s", async (_, event) => {
      const { body, attributes } = encodeEvent(event, KEY);

      expect(await read(body, { attributes })).toEqual(event);
    });

    it("is not believed in a message that anyone may write", async () => {
      const { body } = encodeEvent(own, undefined);
      const proven = encodeEvent(anEvent({ stackId: "run-1", message, sender: ada }), KEY);
      const note = JSON.parse(proven.attributes[NOTE_ATTRIBUTE] ?? "");
      const notes = [
        { id: "e1", at: SENT, own: true },
        { id: "e1", at: SENT, own: true, proof: "x".repeat(43) },
        { ...note, own: true },
        { ...note, own: true, sender: undefined },
      ];

      for (const each of notes) {
        const attributes = { [NOTE_ATTRIBUTE]: toQueueText(each) };
        expect(await read(body, { attributes })).not.toHaveProperty("own");
      }
      expect(await read({ ...message, own: true }, { senderId: "AROA1:ada" })).not.toHaveProperty("own");
      expect(encodeEvent(own, undefined).attributes[NOTE_ATTRIBUTE]).not.toContain("own");
    });
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
