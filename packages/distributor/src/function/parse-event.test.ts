import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { parseBody, parseEvent } from "./parse-event.ts";

const record = (key: string, versionId?: string) => ({
  ...{ eventSource: "aws:s3", eventName: "ObjectCreated:CompleteMultipartUpload" },
  s3: { bucket: { name: "source" }, object: { key, versionId } },
});

describe("parseEvent", () => {
  it("reads keys as each medium writes them", () => {
    const detail = { bucket: { name: "source" }, object: { key: "a b+c%41", "version-id": "v1" } };

    expect(parseEvent({ source: "aws.s3", "detail-type": "Object Created", detail })).toEqual({
      ...{ kind: "objects", objects: [{ bucket: "source", key: "a b+c%41", versionId: "v1" }], faulty: 0 },
    });
    expect(parseEvent({ Records: [record("a+b%2Bc%2541", "v1")] })).toEqual({
      ...{ kind: "objects", objects: [{ bucket: "source", key: "a b+c%41", versionId: "v1" }], faulty: 0 },
    });
  });

  it("knows no version of an object in a bucket that keeps none", () => {
    const detail = { bucket: { name: "source" }, object: { key: "b", "version-id": "null" } };
    const objects = [{ bucket: "source", key: "b" }];

    expect(parseEvent({ source: "aws.s3", "detail-type": "Object Created", detail })).toEqual({
      ...{ kind: "objects", objects, faulty: 0 },
    });
    expect(parseEvent({ Records: [record("b", "null")] })).toEqual({ kind: "objects", objects, faulty: 0 });
  });

  it("leaves out what was deleted", () => {
    const removed = { ...record("a"), eventName: "ObjectRemoved:Delete" };

    expect(parseEvent({ Records: [removed, record("b")] })).toMatchObject({ objects: [{ key: "b" }], faulty: 0 });
  });

  it.each([
    ["a key that is no encoding", record("%E0%A4%A")],
    ["no key", record("")],
    ["no object", { ...record("a"), s3: null }],
    ["no name", { ...record("a"), eventName: undefined }],
    ["nothing", null],
  ])("counts a record with %s, and takes the others", (_, faulty) => {
    expect(parseEvent({ Records: [faulty, record("b"), faulty] })).toEqual({
      ...{ kind: "objects", objects: [{ bucket: "source", key: "b" }], faulty: 2 },
    });
  });

  it("does nothing of what else S3 tells of its objects", () => {
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

  it("does not mix sources in one batch", () => {
    const message = { eventSource: "aws:sqs", messageId: "m", body: "{}" };

    expect(parseEvent({ Records: [message, record("a")] }).kind).toBe("unknown");
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
