import type { QueuedEvent } from "@stackyard/core/engine";
import { parseEventMessage } from "@stackyard/core/machine";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { decodeEvent } from "./decode-event.ts";
import { encodeEvent } from "./encode-event.ts";
import type { IncomingMessage } from "./incoming-message.ts";
import { toResultProof } from "./result-proof.ts";
import { anIncoming } from "./testing/builders.ts";

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
    ["a key that is no data", '{"stackId":"s1","__proto__":{}}', "__proto__"],
  ])("makes an event of no stack of %s, which says why", (_, body, reason) => {
    const event = decode(anIncoming(body));

    expect(event).toMatchObject({ id: "m-1", stackId: "", origin: "external", message: { body } });
    expect(event.message["unreadable"]).toContain(reason);
    expect(parseEventMessage(event.message, { at: NOW, messageId: "m-1" })).toMatchObject({ code: "EVENT_INVALID" });
  });

  it("keeps only the beginning of a large body that is no event", () => {
    expect(String(decode(anIncoming("x".repeat(100_000))).message["body"])).toHaveLength(4_096);
  });

  it.each([[7], [""], ["x".repeat(256)], ["a\u0000b"], ["\ud800"]])(
    "puts events of the stack %j under no stack",
    (stackId) => {
      expect(decode(anIncoming(JSON.stringify({ stackId, event: "GO" }))).stackId).toBe("");
    },
  );

  it.each([["{"], ["[]"], ['{"id":7,"at":1}'], ['{"id":"e","at":-1}'], [`{"id":"${"x".repeat(20_000)}","at":1}`]])(
    "passes over the note %s",
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
