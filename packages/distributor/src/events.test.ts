import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { parseBody, parseEvent } from "./events.ts";

const record = (key: string, versionId?: string) => ({
  eventSource: "aws:s3",
  eventName: "ObjectCreated:CompleteMultipartUpload",
  s3: { bucket: { name: "source" }, object: { key, versionId } },
});

const message = (messageId: string) => ({ eventSource: "aws:sqs", messageId, body: `{"id":${messageId}}` });
const notification = (Message: string) => ({ EventSource: "aws:sns", Sns: { Message } });
const created = (over: object) => ({
  source: "aws.s3",
  "detail-type": "Object Created",
  detail: { bucket: { name: "source" }, object: { key: "a" }, ...over },
});

describe("parseEvent", () => {
  it("reads keys as each medium writes them", () => {
    const detail = { bucket: { name: "source" }, object: { key: "a b+c%41", "version-id": "v1" } };

    expect(parseEvent({ source: "aws.s3", "detail-type": "Object Created", detail })).toEqual({
      kind: "objects",
      objects: [{ bucket: "source", key: "a b+c%41", versionId: "v1" }],
      faulty: 0,
    });
    expect(parseEvent({ Records: [record("a+b%2Bc%2541", "v1")] })).toEqual({
      kind: "objects",
      objects: [{ bucket: "source", key: "a b+c%41", versionId: "v1" }],
      faulty: 0,
    });
  });

  it("knows no version of an object in a bucket that keeps none", () => {
    const detail = { bucket: { name: "source" }, object: { key: "b", "version-id": "null" } };
    const objects = [{ bucket: "source", key: "b" }];

    expect(parseEvent({ source: "aws.s3", "detail-type": "Object Created", detail })).toEqual({
      kind: "objects",
      objects,
      faulty: 0,
    });
    expect(parseEvent({ Records: [record("b", "null")] })).toEqual({ kind: "objects", objects, faulty: 0 });
  });

  it("leaves out what was deleted", () => {
    const removed = { ...record("a"), eventName: "ObjectRemoved:Delete" };

    expect(parseEvent({ Records: [removed, record("b")] })).toMatchObject({ objects: [{ key: "b" }], faulty: 0 });
  });

  it.each([
    ["a key with an invalid encoding", record("%E0%A4%A")],
    ["no key", record("")],
    ["no object", { ...record("a"), s3: null }],
    ["no name", { ...record("a"), eventName: undefined }],
    ["nothing", null],
  ])("counts a record with %s, and takes the others", (_, faulty) => {
    expect(parseEvent({ Records: [faulty, record("b"), faulty] })).toEqual({
      kind: "objects",
      objects: [{ bucket: "source", key: "b" }],
      faulty: 2,
    });
  });

  it("ignores other S3 events", () => {
    const detail = { bucket: { name: "source" }, object: { key: "artifacts/a/1/manifest.json" } };

    for (const type of ["Object Deleted", "Object Restore Completed", "Object Tags Added"]) {
      expect(parseEvent({ source: "aws.s3", "detail-type": type, detail })).toEqual({ kind: "nothing" });
    }
    expect(parseEvent({ source: "aws.ecr", "detail-type": "Object Deleted", detail }).kind).toBe("unknown");
  });

  it("knows a schedule by either service that keeps them", () => {
    for (const source of ["aws.events", "aws.scheduler"]) {
      expect(parseEvent({ source, "detail-type": "Scheduled Event", detail: "{}" })).toEqual({ kind: "schedule" });
    }
  });

  it("takes messages of a queue and of a topic one by one", () => {
    expect(parseEvent({ Records: [message("1"), message("2")] })).toEqual({
      kind: "messages",
      messages: ["1", "2"].map((id) => ({ id, body: `{"id":${id}}` })),
    });
    expect(parseEvent({ Records: [notification("a"), notification("b")] })).toEqual({
      kind: "notifications",
      bodies: ["a", "b"],
    });
  });

  it.each([
    ["two sources", [message("1"), record("a")]],
    ["a queue and a topic", [message("1"), notification("a")]],
    ["a topic and an object", [notification("a"), record("a")]],
    ["a message without an id", [message("1"), { ...message("2"), messageId: undefined }]],
    ["a message without a body", [message("1"), { ...message("2"), body: {} }]],
    ["an invalid message", [message("1"), null]],
    ["a notification without a message", [notification("a"), { ...notification("b"), Sns: {} }]],
    ["a notification of nothing", [notification("a"), { ...notification("b"), Sns: null }]],
    ["nothing", []],
  ])("takes no batch of %s", (_what, Records) => {
    expect(parseEvent({ Records })).toEqual({ kind: "unknown" });
  });

  it("recognizes requests by their keyword, and passes on unknown ones", () => {
    expect(parseEvent({ op: "schedule" })).toEqual({ kind: "schedule" });
    expect(parseEvent({ op: "initial-set", input: 1 })).toEqual({ kind: "set", task: { op: "initial-set", input: 1 } });
    expect(parseEvent({ op: "list" })).toEqual({ kind: "call", request: { op: "list" } });
    expect(parseEvent({ op: 5 })).toEqual({ kind: "call", request: { op: 5 } });
    expect(parseEvent({ Event: "s3:TestEvent" })).toEqual({ kind: "nothing" });
    expect(parseEvent({ Event: "other" })).toEqual({ kind: "unknown" });
  });

  it.each([
    ["another word of a scheduler", { source: "aws.events", "detail-type": "Other", detail: {} }],
    ["a schedule of another application", { source: "own.app", "detail-type": "Scheduled Event", detail: {} }],
    ["no detail", { source: "aws.s3", "detail-type": "Object Created", detail: null }],
    ["no bucket", { source: "aws.s3", "detail-type": "Object Created", detail: { object: { key: "a" } } }],
    ["no object", { source: "aws.s3", "detail-type": "Object Created", detail: { bucket: { name: "source" } } }],
    ["a bucket without a name", created({ bucket: {} })],
    ["a key that is not a string", created({ object: { key: 5 } })],
  ])("does not know %s", (_what, event) => {
    expect(parseEvent(event)).toEqual({ kind: "unknown" });
  });

  it("opens the envelope of a topic, and no other", () => {
    const Message = JSON.stringify({ op: "list" });

    expect(parseBody(Message)).toEqual({ kind: "call", request: { op: "list" } });
    expect(parseBody(JSON.stringify({ Type: "Notification", Message }))).toEqual(parseBody(Message));
    expect(parseBody(JSON.stringify({ Type: "Notification", Message: "no JSON" }))).toEqual({ kind: "unknown" });
    expect(parseBody(JSON.stringify({ Type: "SubscriptionConfirmation", Message }))).toEqual({ kind: "unknown" });
    expect(parseBody(JSON.stringify({ Type: "Notification", Message: 5 }))).toEqual({ kind: "unknown" });
    expect(parseBody("no JSON")).toEqual({ kind: "unknown" });
  });

  it("takes nothing of an event's body for its sender", () => {
    const event = { source: "stackyard.consumer", "detail-type": "artifact.receipt", detail: { account: "1" } };

    expect(parseEvent(event).kind).toBe("unknown");
  });

  it("fails on nothing", () => {
    fc.assert(
      fc.property(fc.anything({ maxDepth: 5, withNullPrototype: true }), (event) => {
        expect(typeof parseEvent(event).kind).toBe("string");
        expect(typeof parseEvent({ Records: [event] }).kind).toBe("string");
      }),
    );
    fc.assert(
      fc.property(fc.oneof(fc.json(), fc.string()), (body) => {
        expect(typeof parseBody(body).kind).toBe("string");
      }),
    );
  });
});
