import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { type ParseEventOptions, parseEventMessage, toEventName, unwrapBody } from "./event-message.ts";
import { defined, isMap } from "./json.ts";
import { shortHashOf } from "./short-hash.ts";

const options: ParseEventOptions = { at: 1_000, messageId: "m-1" };
const event = (fields: object, message: unknown) => ({
  kind: "event",
  event: { id: "m-1", stackId: "pr-12", at: 1_000, origin: "external", ...fields, message },
});
const invalid = (reason: string, stackId?: string) => {
  return { kind: "invalid", code: "EVENT_INVALID", reason, ...defined({ stackId }) };
};
const reserved = (name: string) => {
  return { kind: "invalid", code: "EVENT_RESERVED", reason: `"${name}" is sent by the engine only.`, stackId: "pr-12" };
};
const parse = (body: unknown, more: Partial<ParseEventOptions> = {}) =>
  parseEventMessage(body, { ...options, ...more });

describe("parseEventMessage", () => {
  it("reads an event with all that belongs to it, and keeps the message", () => {
    const message = {
      id: "e-1",
      stackId: "pr-12",
      event: "OPENED",
      action: "OLD",
      machine: "review-app",
      metadata: { sha: "a1" },
      actor: "kim",
      extra: [1, { x: true }],
    };

    expect(parse(JSON.stringify(message))).toEqual(
      event({ id: "e-1", name: "OPENED", machine: "review-app", metadata: { sha: "a1" }, actor: "kim" }, message),
    );
    expect(parse(message)).toEqual(parse(JSON.stringify(message)));
  });

  it.each([
    { stackId: "pr-12", action: "OPENED" },
    { stackId: "pr-12", event: "", action: "OPENED" },
    { stackId: "pr-12", event: null, action: "OPENED" },
    { stackId: "pr-12", event: "OPENED", action: 7 },
    { stackId: "pr-12", event: "OPENED", id: 7, machine: null, task: "x", description: [], dispatchId: 4, actor: 3 },
    {
      stackId: "pr-12",
      event: "OPENED",
      id: "",
      machine: "",
      as: 1,
      force: 2,
      reason: 3,
      code: 4,
      timerId: "1/after/0",
    },
  ])("ignores what an event does not use: %j", (message) => {
    expect(parse(message)).toEqual(event({ name: "OPENED" }, message));
  });

  it.each([null, "text", 7, [1]])("leaves metadata of %j for the decision to refuse", (metadata) => {
    const message = { stackId: "pr-12", event: "OPENED", metadata };

    expect(parse(message)).toEqual(event({ name: "OPENED", metadata }, message));
  });

  it("takes the sender from the receiver alone, whose name becomes the actor", () => {
    const forged = { kind: "person", id: "root", name: "root", groups: ["ops"] } as const;
    const sender = { kind: "token", id: "t1", name: "grafana", groups: [] } as const;
    const message = { stackId: "pr-12", event: "OPENED", sender: forged };

    expect(parse(message)).toEqual(event({ name: "OPENED" }, message));
    expect(parse(message, { sender })).toEqual(event({ name: "OPENED", sender, actor: "grafana" }, message));
  });

  it("lets the server's word about the sender win", () => {
    const message = { stackId: "pr-12", event: "OPENED", actor: "jane" };

    expect(parse(message, { actor: "kim" })).toEqual(event({ name: "OPENED", actor: "kim" }, message));
    expect(parse({ ...message, actor: "k".repeat(300) })).toMatchObject({ event: { actor: "k".repeat(255) } });
  });

  it("needs an id from the message or the medium", () => {
    const message = { stackId: "pr-12", event: "OPENED" };

    expect(parseEventMessage(message, { at: 1_000 })).toEqual(
      invalid("The message has no id, and the transport provided none.", "pr-12"),
    );
    expect(parseEventMessage({ ...message, id: "e-1" }, { at: 1_000 })).toMatchObject({ event: { id: "e-1" } });
  });

  it.each([
    ["{", "The message is not JSON."],
    ['"text"', "The message is not a JSON object."],
    [undefined, "The message is not a JSON object."],
    [[], "The message is not a JSON object."],
    ['{"a":{"__proto__":1}}', 'The message is refused: it contains the key "__proto__".'],
  ])("refuses the body %j", (body, reason) => {
    expect(parse(body)).toEqual(invalid(reason));
  });

  it.each([
    [{ event: "OPENED" }, "/ must have required properties stackId"],
    [{ stackId: "", event: "OPENED" }, "/stackId must not have fewer than 1 characters"],
    [{ stackId: 7, event: "OPENED" }, "/stackId must be string"],
    [{ stackId: "x".repeat(256), event: "OPENED" }, "/stackId must not have more than 255 characters"],
    [{ stackId: "pr-12", event: "O".repeat(256) }, "/event must not have more than 255 characters"],
    [{ stackId: "pr-12", event: 7 }, "/event must be string"],
    [{ stackId: "pr-12", event: "OPENED", machine: 7 }, "/machine must be string"],
    [{ stackId: "pr-12", event: "OPENED", id: "x".repeat(256) }, "/id must not have more than 255 characters"],
    [{ stackId: "pr-12", event: "TASK_ERROR", task: { name: "" } }, "/task/name must not have fewer than 1 characters"],
    [{ stackId: "pr-12", event: "TASK_ERROR", task: "db" }, "/task must be object"],
    [{ stackId: "pr-12", event: "RETRY_FAILED_TASKS", task: {} }, "/task must have required properties name"],
    [
      { stackId: "pr-12", event: "SETTLE_TASK", task: { name: "db" }, as: "failed", reason: "x" },
      "/as must be equal to constant",
    ],
  ])("reports where the shape of a message is wrong: %j", (message, fault) => {
    expect(parse(message)).toMatchObject({
      kind: "invalid",
      code: "EVENT_INVALID",
      reason: `The message is not an event: ${fault}.`,
    });
  });

  it.each(["a\nb", "\u0000", "a\u007f", "\u0085"])("refuses the id %j, which holds a control character", (stackId) => {
    for (const ids of [{ stackId }, { stackId: "s", id: stackId }, { stackId: "s", machine: stackId }]) {
      expect(parse({ event: "OPENED", ...ids })).toMatchObject({ kind: "invalid", code: "EVENT_INVALID" });
    }
  });

  it("refuses half a surrogate pair in ids and names", () => {
    for (const ids of [{ stackId: "\ud800" }, { stackId: "s", id: "\ud800" }, { stackId: "s", machine: "\ud800" }]) {
      expect(parse({ event: "OPENED", ...ids })).toMatchObject({
        reason: expect.stringMatching(/^The "(stackId|id|machine)" contains an unpaired surrogate\.$/),
      });
    }
  });

  it.each([{ stackId: "pr-12" }, { stackId: "pr-12", event: "" }, { stackId: "pr-12", action: null }])(
    "refuses a message without an event: %j",
    (message) => {
      const parsed = parse(message);

      expect(parsed).toMatchObject({ kind: "invalid", code: "EVENT_INVALID", stackId: "pr-12" });
    },
  );

  it("shows at most 255 characters of a stack id that is refused", () => {
    expect(parse({ stackId: "x".repeat(300), event: "GO" })).toMatchObject({ stackId: "x".repeat(255) });
  });
});

describe("reserved events", () => {
  it.each(["NEXT", "TASK_CANCELLED", "TASK_TIMED_OUT", "TASK_RETRY_DUE"])(
    "refuses %s from outside, under both names",
    (name) => {
      expect(parse({ stackId: "pr-12", event: name })).toEqual(reserved(name));
      expect(parse({ stackId: "pr-12", action: name })).toEqual(reserved(name));
    },
  );

  it("accepts NEXT only where the caller allows it", () => {
    const message = { stackId: "pr-12", event: "NEXT" };

    expect(parse(message, { allowExternalNext: true })).toEqual(event({ name: "NEXT" }, message));
    expect(parse(message, { origin: "worker" })).toEqual(reserved("NEXT"));
  });

  it("takes internal events from a worker, by attempt", () => {
    const message = { stackId: "pr-12", event: "TASK_CANCELLED", dispatchId: "a/b/1/c/1" };

    expect(parse(message, { origin: "worker" })).toEqual(
      event({ name: "TASK_CANCELLED", origin: "worker", dispatchId: "a/b/1/c/1" }, message),
    );
  });
});

describe("results", () => {
  it("bring all that the worker says", () => {
    const message = {
      stackId: "pr-12",
      event: "TASK_ERROR",
      task: { name: "db", executor: "lambda" },
      dispatchId: "d",
      description: "quota",
      code: "QUOTA",
      retryable: false,
      outputs: { a: [1] },
    };
    const { stackId, event: name, task, ...rest } = message;

    expect(parse(message)).toEqual(event({ name, task: { name: "db" }, ...rest }, message));
  });

  it("are not lost for optional fields of a wrong type", () => {
    const message = {
      stackId: "pr-12",
      event: "TASK_COMPLETED",
      task: { name: "db" },
      dispatchId: 7,
      description: null,
      code: "c".repeat(300),
      retryable: "no",
      outputs: [1],
    };

    expect(parse(message)).toEqual(
      event({ name: "TASK_COMPLETED", task: { name: "db" }, code: "c".repeat(255) }, message),
    );
  });

  it.each([
    [{ message: "x" }, '{"message":"x"}'],
    [7, "7"],
    ["", ""],
    ["a".repeat(16_384), "a".repeat(16_384)],
    [`x${"a".repeat(16_384)}z`, `x${"a".repeat(8_190)}…${"a".repeat(8_190)}z`],
  ])("keep the description %j as text, of a long one the end", (description, text) => {
    const parsed = parse({ stackId: "pr-12", event: "TASK_ERROR", task: { name: "db" }, description });

    expect(parsed).toMatchObject({ event: { description: text } });
  });

  it.each(["TASK_COMPLETED", "TASK_ERROR"])("need the task's name from outside: %s", (name) => {
    const reason = `"${name}" needs "task" with a "name".`;

    expect(parse({ stackId: "pr-12", event: name })).toEqual(invalid(reason, "pr-12"));
    expect(parse({ stackId: "pr-12", event: name, dispatchId: "d", task: null })).toEqual(invalid(reason, "pr-12"));
    expect(parse({ stackId: "pr-12", event: name }, { origin: "worker" })).toEqual(invalid(reason, "pr-12"));
  });
});

describe("sensitive outputs", () => {
  const answer = { stackId: "pr-12", event: "TASK_COMPLETED", task: { name: "db" }, sensitiveOutputs: ["password", 7] };

  it("are named by workers only", () => {
    expect(parse(answer, { origin: "worker" })).toMatchObject({ event: { sensitiveOutputs: ["password"] } });
    expect(parse(answer)).not.toHaveProperty("event.sensitiveOutputs");
    expect(parse({ ...answer, sensitiveOutputs: "x" }, { origin: "worker" })).not.toHaveProperty(
      "event.sensitiveOutputs",
    );
  });
});

describe("a confirmation", () => {
  it("may come with any event, and is ignored unless it is a text", () => {
    const message = { stackId: "pr-12", event: "MERGED" };

    expect(parse({ ...message, confirm: "pr-12" })).toMatchObject({ event: { confirm: "pr-12" } });
    expect(parse({ ...message, confirm: true })).not.toHaveProperty("event.confirm");
    expect(parse({ ...message, confirm: "x".repeat(256) })).not.toHaveProperty("event.confirm");
  });
});

describe("an upgrade", () => {
  const to = "0123456789abcdef".repeat(4);
  const upgrade = { stackId: "pr-12", event: "UPGRADE_STACK" };

  it("may name its revision and say why", () => {
    expect(parse({ ...upgrade, to, reason: "new states" })).toMatchObject({ event: { to, reason: "new states" } });
    expect(parse({ ...upgrade, to: null })).toMatchObject({ kind: "event" });
    expect(parse(upgrade)).not.toHaveProperty("event.to");
  });

  it("is refused when its revision is not a content hash", () => {
    for (const wrong of ["newest", to.toUpperCase(), 7]) {
      expect(parse({ ...upgrade, to: wrong })).toMatchObject({ kind: "invalid", code: "EVENT_INVALID" });
    }
  });
});

describe("operators' events", () => {
  const whole = {
    CANCEL_TASK: { task: { name: "db" } },
    SETTLE_TASK: { task: { name: "db" }, as: "succeeded", reason: "by hand" },
    REMOVE_STACK: { force: true, reason: "stuck" },
    RETRY_FAILED_TASKS: { task: { name: "db" }, reason: "again" },
    RETRY_PENDING_TASKS: {},
    UPGRADE_STACK: {},
  };

  it.each(Object.entries(whole))("takes %s with what it needs", (name, fields) => {
    const message = { stackId: "pr-12", event: name, ...fields };

    expect(parse(message)).toEqual(event({ name, ...fields }, message));
  });

  it.each([
    ["CANCEL_TASK", {}, '"task"'],
    ["SETTLE_TASK", {}, '"task" and "as" and "reason"'],
    ["SETTLE_TASK", { task: { name: "db" }, as: "succeeded", reason: "" }, '"reason"'],
    ["REMOVE_STACK", {}, '"force" and "reason"'],
    ["REMOVE_STACK", { force: false, reason: "stuck" }, '"force"'],
  ])("refuses %s with %j only", (name, fields, missing) => {
    expect(parse({ stackId: "pr-12", event: name, ...fields })).toEqual(
      invalid(`"${name}" needs ${missing}.`, "pr-12"),
    );
  });

  it("takes a retry whose task is null as one of all tasks", () => {
    const message = { stackId: "pr-12", event: "RETRY_FAILED_TASKS", task: null };

    expect(parse(message)).toEqual(event({ name: "RETRY_FAILED_TASKS" }, message));
  });
});

describe("a result that cannot be read", () => {
  const deep = JSON.parse(`${'{"a":'.repeat(70)}1${"}".repeat(70)}`);
  const head = { stackId: "pr-12", id: "r-1", dispatchId: "a-1", task: { name: "db" } };

  it.each([
    ["too deep", { outputs: deep }, "It is nested deeper than 64 levels."],
    ["with a forbidden key", { outputs: JSON.parse('{"__proto__": 1}') }, 'It contains the key "__proto__".'],
    [
      "of this process, that is not plain data",
      { outputs: { at: new Date(0) } },
      "It contains an object that is not plain data.",
    ],
    ["with a machine that is not a name", { machine: 7 }, "The message is not an event: /machine must be string."],
  ])("fails its task, %s", (_what, given, reason) => {
    const body = { ...head, event: "TASK_COMPLETED", ...given };

    expect(parse(body)).toMatchObject({
      event: {
        ...head,
        name: "TASK_ERROR",
        code: "OUTPUT_INVALID",
        description: `The result cannot be read. ${reason}`,
        retryable: false,
      },
    });
  });

  it("fails its task where JSON rounds a number of its outputs, and an event with such metadata is refused", () => {
    const text = (event: object) => JSON.stringify({ ...head, ...event }).replace('"N"', "9007199254740993");

    const result = parse(text({ event: "TASK_COMPLETED", outputs: { id: "N" } }));
    const event = parse(text({ event: "PUSHED", metadata: { id: "N" } }));
    const other = parse(text({ event: "PUSHED", sentAtNs: "N" }));

    expect(result).toMatchObject({ event: { name: "TASK_ERROR", code: "OUTPUT_INVALID" } });
    expect(event).toMatchObject({ code: "EVENT_INVALID", reason: expect.stringContaining("send it as text") });
    expect(other).toMatchObject({ kind: "event" });
  });

  // inngest#4058, st2web#665
  it.each([
    ["a topic", (message: string) => JSON.stringify({ Type: "Notification", Message: message })],
    ["a bus", (message: string) => `{"detail": ${message}}`],
    [
      "a topic behind a bus",
      (message: string) => JSON.stringify({ Type: "Notification", Message: `{"detail": ${message}}` }),
    ],
  ])("refuses metadata that JSON rounds in an event that comes through %s", (_what, wrap) => {
    const text = JSON.stringify({ ...head, event: "PUSHED", metadata: { id: 0 } }).replace(":0", ":616581622363398142");

    expect(parse(wrap(text))).toMatchObject({ code: "EVENT_INVALID", reason: expect.stringContaining("JSON rounds") });
  });

  it("keeps the code of a failure, and whether it may be tried again", () => {
    const body = { ...head, event: "TASK_ERROR", code: "QUOTA", description: "No quota.", outputs: deep };

    const parsed = parse(JSON.stringify(body));

    const description = "No quota. (The result cannot be read. It is nested deeper than 64 levels.)";
    expect(parsed).toMatchObject({ event: { ...head, name: "TASK_ERROR", code: "QUOTA", description } });
    expect(parsed).not.toMatchObject({ event: { retryable: false } });
  });

  it("comes through a topic like others", () => {
    const body = { Type: "Notification", Message: JSON.stringify({ ...head, event: "TASK_COMPLETED", outputs: deep }) };

    expect(parse(body)).toMatchObject({ event: { ...head, name: "TASK_ERROR", code: "OUTPUT_INVALID" } });
  });

  it.each([
    ["another event", { ...head, event: "PUSHED", metadata: deep }],
    ["a result without a task", { stackId: "pr-12", event: "TASK_COMPLETED", outputs: deep }],
  ])("is refused if it is %s", (_what, body) => {
    expect(parse(body)).toMatchObject({ kind: "invalid", code: "EVENT_INVALID" });
  });
});

describe("parseEventMessage, for any input", () => {
  const name = fc.constantFrom(
    "GO",
    "TASK_ERROR",
    "TASK_COMPLETED",
    "SETTLE_TASK",
    "REMOVE_STACK",
    "CANCEL_TASK",
    "NEXT",
  );
  const message = fc.record(
    {
      stackId: fc.anything(),
      event: fc.oneof(name, fc.anything()),
      action: fc.anything(),
      id: fc.anything(),
      task: fc.anything(),
      description: fc.anything(),
      metadata: fc.anything(),
      machine: fc.anything(),
      Type: fc.constant("Notification"),
      Message: fc.string(),
      detail: fc.anything(),
    },
    { requiredKeys: [] },
  );

  it("never throws, and every event that it gives has an id, a stack id and a name", () => {
    fc.assert(
      fc.property(
        fc.oneof(message, fc.anything({ withBigInt: true, withNullPrototype: true }), fc.string(), fc.json()),
        (body) => {
          const parsed = parse(body);

          if (parsed.kind === "invalid") expect(parsed.reason).not.toBe("");
          else expect([parsed.event.id, parsed.event.stackId, parsed.event.name]).not.toContain("");
        },
      ),
      { numRuns: 1_000 },
    );
  });
});

describe("toEventName", () => {
  it.each([
    [{ event: "OPENED" }, "OPENED"],
    [{ action: "OPENED" }, "OPENED"],
    [{ event: "OPENED", action: "CLOSED" }, "OPENED"],
    [{ event: "", action: "OPENED" }, "OPENED"],
    [{ event: 7, action: "OPENED" }, "OPENED"],
    [{ event: "", action: null }, undefined],
    [{}, undefined],
  ])("of %j is what the event is parsed as", (message, name) => {
    expect(toEventName(message)).toBe(name);
    const parsed = parse({ ...message, stackId: "pr-12" });
    expect(parsed.kind === "event" ? parsed.event.name : undefined).toBe(name);
  });
});

describe("unwrapBody", () => {
  const event = { stackId: "pr-12", event: "OPENED" };

  const found = (message: unknown) => ({ kind: "message", message });

  const notification = (message: unknown) => ({
    Type: "Notification",
    MessageId: "n-1",
    Message: JSON.stringify(message),
  });

  const bridged = (detail: unknown) => ({ "detail-type": "Event", source: "ci", detail });

  describe("unwrapBody", () => {
    it.each([
      ["bare", event],
      ["of a topic", notification(event)],
      ["of EventBridge", bridged(event)],
      ["of EventBridge through a topic", notification(bridged(event))],
      ["in three envelopes", notification(notification(bridged(event)))],
    ])("finds the message %s, as text or value", (_, body) => {
      expect(unwrapBody(body)).toEqual(found(event));
      expect(unwrapBody(JSON.stringify(body))).toEqual(found(event));
    });

    it("opens no more than three envelopes", () => {
      expect(unwrapBody(bridged(bridged(bridged(bridged(event)))))).toEqual(found(bridged(event)));
    });

    it.each([
      { ...event, Type: "Notification", Message: "{}" },
      { ...event, detail: { stackId: "other" } },
      { Type: "SubscriptionConfirmation", Message: "{}" },
      { Type: "Notification", Message: { stackId: "other" } },
      { detail: "text" },
      { detail: [event] },
    ])("takes %j for no envelope", (body) => {
      expect(unwrapBody(body)).toEqual(found(body));
    });

    it.each([
      [{ Type: "Notification", Message: "no" }, "The message is not JSON."],
      [{ Type: "Notification", Message: "[]" }, "The message is not a JSON object."],
      [
        { Type: "Notification", Message: '{"__proto__":{}}' },
        'The message is refused: it contains the key "__proto__".',
      ],
      [" ".repeat(1_048_577), "The message is larger than 1048576 characters."],
      [`${JSON.stringify(event)}${" ".repeat(1_048_577)}`, "The message is larger than 1048576 characters."],
      ["null", "The message is not a JSON object."],
    ])("returns why it cannot be read", (body, reason) => {
      expect(unwrapBody(body)).toEqual({ kind: "none", reason });
    });

    it("takes a text of exactly the largest size", () => {
      expect(unwrapBody(JSON.stringify(event).padEnd(1_048_576))).toEqual(found(event));
    });
  });

  describe("isMap", () => {
    it("is true for what JSON calls an object", () => {
      expect([{}, Object.create(null), [], null, "x", 1, undefined].map(isMap)).toEqual([
        true,
        true,
        false,
        false,
        false,
        false,
        false,
      ]);
    });
  });
});

describe("shortHashOf", () => {
  it("gives 32 hex digits of the UTF-8 form", () => {
    expect(shortHashOf("ä")).toBe(SHORT);
  });
});

const SHORT = "33e6d73fee82904c8d7afb78de1154d1";
