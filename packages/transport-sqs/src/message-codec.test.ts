import { StackyardError, type TaskMessage } from "@stackyard/core";
import type { QueuedEvent } from "@stackyard/core/engine";
import { parseEventMessage } from "@stackyard/core/machine";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { createClaimChecks, noClaimChecks } from "./claim-check.ts";
import {
  decodeEvent,
  encodeEvent,
  encodeTask,
  isResultProof,
  readEvent,
  readTask,
  toResultProof,
} from "./message-codec.ts";
import { findCarrier, type IncomingMessage, noTracing, toTraceAttributes } from "./messages.ts";
import { anIncoming } from "./testing/builders.ts";
import { toStackyardError } from "./to-stackyard-error.ts";

const traceparent = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01";
const event = {
  ...({ id: "result:a1", stackId: "pr-12", origin: "worker", receivedAt: 1_000 } as const),
  message: { event: "TASK_COMPLETED", stackId: "pr-12", dispatchId: "a1" },
} as const;

describe("encodeEvent", () => {
  it("sends trace context that was kept in the body in attributes", () => {
    const traced = { ...event, message: { ...event.message, traceparent, tracestate: "a=1" } };

    const { body, attributes } = encodeEvent(traced, "key");

    expect(body).toBe(encodeEvent(event, "key").body);
    expect(attributes).toMatchObject({ traceparent, tracestate: "a=1" });
  });

  it.each([["yes"], [5], [null]])("leaves an invalid value in the body: %j", (value) => {
    const withValue = { ...event, message: { ...event.message, traceparent: value } };

    const { body, attributes } = encodeEvent(withValue, "key");

    expect(JSON.parse(body)).toMatchObject({ traceparent: value });
    expect(attributes).not.toHaveProperty("traceparent");
  });

  it("gives a result a deduplication id that no sender can guess, and a sender's event always the same", () => {
    const ids = [event, event, { ...event, origin: "external" }, { ...event, origin: "external" }] as const;

    const [first, second, sent, again] = ids.map((each) => encodeEvent(each, "key").deduplicationId);

    expect(first).not.toBe(second);
    expect([sent === again, first === sent]).toEqual([true, false]);
  });
});

const message: TaskMessage = {
  task: { executor: "lambda", config: { name: "make-db" }, name: "db" },
  stack: {
    id: "pr-12",
    previousState: "INIT",
    machine: "review-app",
    _state: "BUILD",
    tasks: [{ name: "db", status: "PENDING" }],
    metadata: { sha: "9f1c" },
  },
  dispatch: { id: "pr-12/e1/1/db/1", attempt: 1, deadline: "2026-01-01T00:00:00.000Z" },
};

describe("encodeTask", () => {
  it("writes the predecessor's body, field by field, with the dispatch behind it", () => {
    expect(encodeTask(message).body).toBe(
      '{"task":{"executor":"lambda","config":{"name":"make-db"},"name":"db"},' +
        '"stack":{"id":"pr-12","previousState":"INIT","machine":"review-app","_state":"BUILD",' +
        '"tasks":[{"name":"db","status":"PENDING"}],"metadata":{"sha":"9f1c"}},' +
        '"dispatch":{"id":"pr-12/e1/1/db/1","attempt":1,"deadline":"2026-01-01T00:00:00.000Z"}}',
    );
  });

  it("makes a new message each time, in the group of its attempt", () => {
    const other = { ...message, dispatch: { ...message.dispatch, id: "pr-12/e1/1/db/2" } };
    const [first, again, second] = [message, message, other].map(encodeTask);

    expect(again?.groupId).toBe(first?.groupId);
    expect(again?.deduplicationId).not.toBe(first?.deduplicationId);
    expect(second?.groupId).not.toBe(first?.groupId);
  });

  it("sends the task's trace context in attributes, and omits an invalid one", () => {
    const traceparent = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01";
    const toTraced = (trace: { traceparent: string; tracestate?: string }) =>
      encodeTask({ ...message, dispatch: { ...message.dispatch, ...trace } });

    const traced = toTraced({ traceparent, tracestate: "a=1" });

    expect(traced.attributes).toEqual({ traceparent, tracestate: "a=1" });
    expect(traced.body).toBe(encodeTask(message).body);
    expect(toTraced({ traceparent: "yes" })).toMatchObject({ attributes: {}, body: encodeTask(message).body });
  });
});

const NOW = Date.UTC(2026, 0, 2);
const SENT = Date.UTC(2026, 0, 1);
const KEY = "k".repeat(43);
const ATTEMPT = "s1/created/1/plan/1";

function anEvent(overrides: Partial<QueuedEvent> = {}): QueuedEvent {
  return {
    id: "e1",
    stackId: "s1",
    origin: "external",
    message: { event: "PUSH", stackId: "s1", metadata: { sha: "9f1c" } },
    receivedAt: SENT,
    ...overrides,
  };
}

/** What comes out of a queue that an event was put into, directly or through a topic. */
function carry(event: QueuedEvent, how: "queue" | "raw" | "envelope" = "queue"): QueuedEvent {
  const { body, attributes } = encodeEvent(event, KEY);
  if (how !== "envelope") return decode(anIncoming(body, { attributes }));
  const values = Object.entries(attributes).map(([name, Value]) => [name, { Type: "String", Value }]);
  const MessageAttributes = Object.fromEntries(values);
  return decode(
    anIncoming(JSON.stringify({ Type: "Notification", MessageId: "sns-1", Message: body, MessageAttributes })),
  );
}

function decode(incoming: IncomingMessage): QueuedEvent {
  return decodeEvent(incoming, NOW, KEY);
}

describe("encodeEvent", () => {
  it("makes a body that the predecessor reads, with the id in it", () => {
    const { body } = encodeEvent(anEvent(), KEY);

    expect(JSON.parse(body)).toEqual({ event: "PUSH", stackId: "s1", metadata: { sha: "9f1c" }, id: "e1" });
  });

  it("keeps an id and a stack that the body names", () => {
    const message = { event: "PUSH", stackId: "s1", id: "body-id" };

    expect(JSON.parse(encodeEvent(anEvent({ message }), KEY).body)).toEqual(message);
    expect(carry(anEvent({ message }))).toEqual(anEvent({ message }));
  });

  it("leaves ids out of bodies that no sender may use", () => {
    const dispatchId = `s1/${"x".repeat(300)}/1/plan/1`;
    const message = { event: "TASK_COMPLETED", stackId: "s1", task: { name: "plan" }, dispatchId };
    const result = anEvent({ id: `result:${dispatchId}`, origin: "worker", message });

    expect(JSON.parse(encodeEvent(result, KEY).body)).not.toHaveProperty("id");
    expect(carry(result)).toEqual(result);
  });

  it("orders by stack and drops repeats by event", () => {
    const [first, repeat, other] = [anEvent(), anEvent({ receivedAt: NOW }), anEvent({ id: "e2" })].map((event) =>
      encodeEvent(event, KEY),
    );

    expect(first?.groupId).toBe("s1");
    expect(repeat?.deduplicationId).toBe(first?.deduplicationId);
    expect(other?.deduplicationId).not.toBe(first?.deduplicationId);
  });
});

describe("decodeEvent", () => {
  it.each(["queue", "raw", "envelope"] as const)("gives an event as it was published, through a %s", (how) => {
    const event = anEvent({ actor: "ada" });

    expect(carry(event, how)).toEqual(event);
  });

  it("gives any event as it was published", () => {
    const text = fc.string({ unit: "grapheme", minLength: 1, maxLength: 40 }).filter((id) => !/\p{Cc}/u.test(id));
    const arbitrary = fc.record({ id: text, stackId: text, name: fc.string(), value: fc.jsonValue() });
    fc.assert(
      fc.property(arbitrary, ({ id, stackId, name, value }) => {
        fc.pre(!JSON.stringify(value).includes("__proto__"));
        const message: QueuedEvent["message"] = JSON.parse(
          JSON.stringify({ event: name, stackId, metadata: { value } }),
        );
        const event = anEvent({ id, stackId, message });
        expect(carry(event)).toEqual(event);
      }),
    );
  });

  it("reads the predecessor's message, under the queue's id", () => {
    const body = '{"stackId":"pr-12","action":"LAUNCH","machine":"review-app","metadata":{"n":1}}';

    expect(decode(anIncoming(body, { sentAt: SENT }))).toEqual({
      id: "m-1",
      stackId: "pr-12",
      origin: "external",
      receivedAt: SENT,
      message: { stackId: "pr-12", action: "LAUNCH", machine: "review-app", metadata: { n: 1 } },
    });
  });

  it("takes the sender's id before all others", () => {
    expect(decode(anIncoming('{"stackId":"s1","event":"GO","id":"mine"}')).id).toBe("mine");
  });

  it("takes the id of the topic or the bus before the queue's: it is the same when they deliver twice", () => {
    const notification = { Type: "Notification", MessageId: "sns-1", Message: '{"stackId":"s1","event":"GO"}' };
    const fromBus = { id: "bus-1", "detail-type": "Release", detail: { stackId: "s1", event: "GO" } };

    const ids = [notification, fromBus].map((body) => decode(anIncoming(JSON.stringify(body))).id);

    expect(ids).toEqual(["sns-1", "bus-1"]);
  });

  describe("of a result", () => {
    const message = {
      event: "TASK_COMPLETED",
      stackId: "s1",
      task: { name: "plan" },
      dispatchId: ATTEMPT,
      outputs: {},
    };
    const result = anEvent({ id: `result:${ATTEMPT}`, origin: "worker", message });

    it.each(["queue", "raw", "envelope"] as const)("believes the origin that is proven, through a %s", (how) => {
      const odd = { ...message, outputs: { "\ud83d\ude00": "\uffff", n: 1e21, 2: "b", 1: "a" } };

      expect(carry(result, how)).toEqual(result);
      expect(carry({ ...result, message: odd }, how)).toEqual({ ...result, message: odd });
    });

    it("believes no origin that any sender may write, nor the id as a result's", () => {
      const attributes = { stackyard: JSON.stringify({ id: result.id, at: SENT, origin: "worker" }) };

      expect(decode(anIncoming(JSON.stringify(message), { attributes }))).toEqual({ ...result, origin: "external" });
    });

    it.each([["x"], ["x".repeat(43)], [toResultProof("another key", result)]])("believes no proof %j", (proof) => {
      const attributes = { stackyard: JSON.stringify({ id: result.id, at: SENT, origin: "worker", proof }) };

      expect(decode(anIncoming(JSON.stringify(message), { attributes })).origin).toBe("external");
    });

    it("believes no proof of another result", () => {
      const { body, attributes } = encodeEvent(result, KEY);
      const forged = body.replace('"outputs":{}', '"outputs":{"url":"http://elsewhere"}');

      expect(decode(anIncoming(forged, { attributes }))).toMatchObject({
        origin: "external",
        message: { outputs: { url: "http://elsewhere" } },
      });
    });

    it("proves and believes nothing without a key", () => {
      const proven = encodeEvent(result, KEY);
      const unproven = encodeEvent(result, undefined);

      expect(unproven.attributes["stackyard"]).not.toContain("proof");
      expect(encodeEvent(anEvent(), KEY).attributes["stackyard"]).not.toContain("proof");
      expect(decodeEvent(anIncoming(proven.body, proven), NOW, undefined).origin).toBe("external");
      expect(decode(anIncoming(unproven.body, unproven)).origin).toBe("external");
    });
  });

  it("believes a worker only what a worker may say", () => {
    const result = { event: "TASK_COMPLETED", stackId: "s1", task: { name: "plan" }, dispatchId: ATTEMPT };
    const originOf = (message: QueuedEvent["message"]) => {
      return carry(anEvent({ id: `result:${message["dispatchId"]}`, origin: "worker", message })).origin;
    };

    expect(originOf(result)).toBe("worker");
    expect(originOf({ ...result, event: "TASK_CANCELLED" })).toBe("worker");
    expect(originOf({ ...result, event: "TASK_TIMED_OUT" })).toBe("external");
    expect(originOf({ ...result, stackId: "s2" })).toBe("external");
    expect(originOf({ ...result, dispatchId: "s1" })).toBe("external");
    expect(originOf({ ...result, event: "DESTROY" })).toBe("external");
  });

  describe("with a note that names an id", () => {
    const decodeNoted = (id: string, body: QueuedEvent["message"], origin?: "worker") => {
      const proof = toResultProof(KEY, { id, stackId: String(body["stackId"]), message: body });
      const proven = origin === undefined ? {} : { origin, proof };
      const attributes = { stackyard: JSON.stringify({ id, at: SENT, ...proven }) };
      return decode(anIncoming(JSON.stringify(body), { attributes }));
    };
    const go = { event: "GO", stackId: "s1" };
    const toResult = (dispatchId: string) => ({ event: "TASK_COMPLETED", stackId: "s1", dispatchId });

    it.each([["x".repeat(256)], ["a\u0000b"], ["\ud800"]])("takes no id that no sender may use: %j", (id) => {
      expect(decodeNoted(id, { ...go, id: "short" }).id).toBe("short");
      expect(decodeNoted(id, go).id).toBe("m-1");
      expect(decodeNoted(id, go, "worker").id).toBe("m-1");
      expect(decodeNoted(id, toResult(ATTEMPT), "worker")).toMatchObject({ id: "m-1", origin: "external" });
    });

    it("believes a worker only the id of its attempt's end", () => {
      const long = `s1/${"x".repeat(8_000)}/1/plan/1`;

      expect(decodeNoted(`result:${long}`, toResult(long), "worker")).toMatchObject({
        id: `result:${long}`,
        origin: "worker",
      });
      expect(decodeNoted(`cancelled:${long}`, toResult(long), "worker").origin).toBe("worker");
      expect(decodeNoted("e1", toResult(long), "worker")).toMatchObject({ id: "e1", origin: "external" });
      expect(decodeNoted(`result:${long}`, toResult(long)).id).toBe("m-1");
    });

    it("believes no attempt whose id is longer than any is", () => {
      const tooLong = `s1/${"x".repeat(8_192)}/1/plan/1`;

      expect(decodeNoted(`result:${tooLong}`, toResult(tooLong), "worker")).toMatchObject({
        id: "m-1",
        origin: "external",
      });
    });
  });

  it.each([
    ["no JSON", "{oops", "not JSON"],
    ["a list", "[1]", "not a JSON object"],
    ["a forbidden key", '{"stackId":"s1","__proto__":{}}', "__proto__"],
  ])("decodes %s as an event without a stack that names the reason", (_, body, reason) => {
    const event = decode(anIncoming(body));

    expect(event).toMatchObject({ id: "m-1", stackId: "", origin: "external", message: { body } });
    expect(event.message["unreadable"]).toContain(reason);
    expect(parseEventMessage(event.message, { at: NOW, messageId: "m-1" })).toMatchObject({ code: "EVENT_INVALID" });
  });

  it("keeps only the beginning of a large body that is not an event", () => {
    expect(String(decode(anIncoming("x".repeat(100_000))).message["body"])).toHaveLength(4_096);
  });

  it.each([[7], [""], ["x".repeat(256)], ["a\u0000b"], ["\ud800"]])(
    "puts events of the stack %j under no stack",
    (stackId) => {
      expect(decode(anIncoming(JSON.stringify({ stackId, event: "GO" }))).stackId).toBe("");
    },
  );

  it.each([["{"], ["[]"], ['{"id":7,"at":1}'], ['{"id":"e","at":-1}'], [`{"id":"${"x".repeat(20_000)}","at":1}`]])(
    "ignores the note %s",
    (note) => {
      const attributes = { stackyard: note };

      expect(decode(anIncoming('{"stackId":"s1","event":"GO"}', { attributes })).id).toBe("m-1");
    },
  );

  it("never throws", () => {
    fc.assert(
      fc.property(fc.oneof(fc.string(), fc.json()), fc.string(), (body, note) => {
        expect(decode(anIncoming(body, { attributes: { stackyard: note } })).origin).toBe("external");
      }),
    );
  });
});

const pointerTo = (s3BucketName: string, s3Key = "stackyard/messages/a") =>
  JSON.stringify(["software.amazon.payloadoffloading.PayloadS3Pointer", { s3BucketName, s3Key }]);

/** Reads a message with a pointer, whose body S3 does not give. */
function readBoth(error: unknown) {
  const claimChecks = { redeem: () => Promise.reject(error) };
  const incoming = anIncoming(pointerTo("bodies"));
  return [
    readEvent(incoming, { claimChecks, resultKey: undefined, now: NOW }),
    readTask(incoming, { claimChecks, now: NOW }),
  ] as const;
}

const s3Error = (name: string) =>
  toStackyardError(Object.assign(new Error("No."), { name, $metadata: { httpStatusCode: 403 } }), "Fetching");

describe("reading a message whose body lies elsewhere", () => {
  it.each(["AccessDenied", "KmsAccessDenied", "ExpiredToken", "NoSuchBucket", "SlowDown"])(
    "leaves it in its queue when S3 answers %s, because that can be repaired",
    async (name) => {
      for (const reading of readBoth(s3Error(name))) await expect(reading).rejects.toThrow(name);
    },
  );

  it("leaves it in its queue where no bucket is configured", async () => {
    const reading = readEvent(anIncoming(pointerTo("bodies")), {
      claimChecks: noClaimChecks,
      resultKey: undefined,
      now: NOW,
    });

    await expect(reading).rejects.toMatchObject({ code: "CONFIG_INVALID" });
    await expect(readTask(anIncoming(pointerTo("bodies")), { claimChecks: noClaimChecks, now: NOW })).rejects.toThrow(
      "claimChecks",
    );
  });

  it.each([
    ["the object is gone", s3Error("NoSuchKey")],
    ["the object is too large", new StackyardError("PAYLOAD_TOO_LARGE", "It has 9 bytes.")],
  ])("takes the message for none where %s", async (_, error) => {
    const [event, task] = readBoth(error);

    expect((await event).event.message["unreadable"]).toBe(error.message);
    expect(await task).toEqual({ kind: "invalid", reason: error.message });
  });

  it("takes the message for none where it leads elsewhere", async () => {
    const { S3Client } = await import("@aws-sdk/client-s3");
    const claimChecks = createClaimChecks({ s3: new S3Client({ region: "eu-west-1" }), bucket: "bodies" });

    const { event } = await readEvent(anIncoming(pointerTo("secrets")), {
      claimChecks,
      resultKey: undefined,
      now: NOW,
    });

    expect(event.message["unreadable"]).toContain("s3://secrets/");
  });
});

const result = {
  id: "result:a1",
  stackId: "s1",
  message: { event: "TASK_COMPLETED", stackId: "s1", outputs: { n: 1 } },
};

describe("a proof of a result", () => {
  it("is the same for the same result and key", () => {
    const proof = toResultProof("key", result);

    expect(proof).toMatch(/^[A-Za-z0-9_-]{43}$/);
    expect(isResultProof(proof, "key", { ...result, message: structuredClone(result.message) })).toBe(true);
  });

  it.each([
    ["another id", { ...result, id: "result:a2" }],
    ["another stack", { ...result, stackId: "s2" }],
    ["another message", { ...result, message: { ...result.message, outputs: { n: 2 } } }],
    ["parts that only join to the same text", { ...result, id: "result:a1\u0000s1", stackId: "" }],
  ])("proves nothing of %s", (_, other) => {
    expect(isResultProof(toResultProof("key", result), "key", other)).toBe(false);
  });

  it.each([[""], ["x"], ["é".repeat(43)], [toResultProof("other key", result)]])("is not %j", (proof) => {
    expect(isResultProof(proof, "key", result)).toBe(false);
  });
});

describe("findCarrier", () => {
  it("finds trace context among attributes", () => {
    expect(findCarrier({ traceparent, tracestate: "a=1", stackyard: "{}" })).toEqual({
      traceparent,
      tracestate: "a=1",
    });
    expect(findCarrier({ traceparent })).toEqual({ traceparent });
  });

  it("ignores an invalid trace context", () => {
    expect(findCarrier({})).toEqual({});
    expect(findCarrier({ traceparent: "yes", tracestate: "a=1" })).toEqual({});
    expect(findCarrier({ tracestate: "a=1" })).toEqual({});
    expect(findCarrier({ traceparent, tracestate: "x".repeat(513) })).toEqual({ traceparent });
  });

  it.each([[""], ["\u0001"], ["a=\u00fc"], ["a=1\n"]])("ignores the state %j, which no queue accepts", (tracestate) => {
    expect(findCarrier({ traceparent, tracestate })).toEqual({ traceparent });
  });

  it("ignores a parent with a suffix that no queue accepts", () => {
    expect(findCarrier({ traceparent: `${traceparent}-more` })).toEqual({ traceparent: `${traceparent}-more` });
    expect(findCarrier({ traceparent: `${traceparent}-\u0001` })).toEqual({});
    expect(findCarrier({ traceparent: `${traceparent}\n` })).toEqual({});
  });
});

describe("toTraceAttributes", () => {
  it("sends nothing along where nothing is traced", () => {
    expect(toTraceAttributes(noTracing)).toEqual({});
  });

  it("sends only trace context along", () => {
    expect(toTraceAttributes({ ...noTracing, inject: () => ({ traceparent, baggage: "secret=1" }) })).toEqual({
      traceparent,
    });
  });
});
