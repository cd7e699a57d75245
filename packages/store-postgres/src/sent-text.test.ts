import type { TaskMessage } from "@stackyard/core";
import { attemptIdOf } from "@stackyard/core/machine";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { toComparedText } from "./column-values.ts";
import { parseSent, type SentAttempt, toSentText } from "./sent-text.ts";

const AT = Date.UTC(2026, 0, 1);
const ID = "s1/e1/3/deploy/2";

function aMessage(overrides: Partial<TaskMessage> = {}): TaskMessage {
  return {
    task: { executor: "no-op", config: {}, name: "deploy" },
    stack: {
      id: "s1",
      previousState: "A",
      machine: "web",
      _state: "B",
      tasks: [{ name: "deploy", status: "PENDING", detail: "RUNNING" }],
      metadata: {},
    },
    dispatch: { id: ID, attempt: 2, deadline: new Date(AT + 3_600_000).toISOString(), version: 2 },
    ...overrides,
  };
}

function aSent(overrides: Partial<SentAttempt> = {}): SentAttempt {
  const message = aMessage();
  return { task: "deploy", entry: 3, attempt: 2, executor: "no-op", dispatchedAt: AT, message, ...overrides };
}

describe("the document of an attempt", () => {
  it("repeats neither its id nor what most messages have", () => {
    const text = toSentText(ID, aSent());

    expect(text).toBe(`{"at":${AT},"machine":"web","from":"A","in":"B","def":{"executor":"no-op","config":{}}}`);
    expect(parseSent(text, ID)).toEqual({ ...aSent(), attemptId: ID });
  });

  it("of another id has its task, entry and attempt", () => {
    expect(parseSent(toSentText("x", aSent()), "x")).toEqual({ ...aSent(), attemptId: "x" });
  });

  it("with an id that is too long for an index has the id", () => {
    const id = attemptIdOf({
      stackId: "s".repeat(255),
      incarnation: "é".repeat(300),
      entry: 3,
      task: "deploy",
      attempt: 2,
    });

    expect(parseSent(toSentText(id, aSent()), toComparedText(id))).toEqual({ ...aSent(), attemptId: id });
  });

  it("is read back as it was written", () => {
    const text = fc.string({ maxLength: 5 });
    const value = fc.oneof(text, fc.integer(), fc.boolean(), fc.constant(null));
    const tasks = fc.array(
      fc.record(
        {
          name: fc.constantFrom("deploy", "other"),
          status: fc.constantFrom("PENDING" as const, "SATISFIED" as const, "ERROR" as const),
          detail: fc.constantFrom("RUNNING" as const, "WAITING" as const),
          errorMessage: text,
        },
        { requiredKeys: ["name", "status"] },
      ),
      { maxLength: 2 },
    );
    const message = fc.record({
      task: fc.record(
        {
          executor: value,
          config: fc.dictionary(text, value, { maxKeys: 2 }),
          at: value,
          name: fc.constantFrom("deploy", "x"),
        },
        { requiredKeys: ["name"] },
      ),
      stack: fc.record(
        {
          id: fc.constantFrom("s1", "s2"),
          previousState: fc.constantFrom("A", null),
          machine: text,
          _state: text,
          tasks,
          metadata: fc.dictionary(text, value, { maxKeys: 2 }),
          more: text,
        },
        { requiredKeys: ["id", "previousState", "machine", "_state", "tasks", "metadata"] },
      ),
      dispatch: fc.record(
        {
          id: fc.constantFrom(ID, "x"),
          attempt: fc.constantFrom(1, 2),
          deadline: fc.constantFrom(new Date(AT + 3_600_000).toISOString(), new Date(AT).toISOString(), "soon"),
          exclusiveKey: text,
          version: fc.constant(2 as const),
          traceparent: text,
          tracestate: text,
          more: text,
        },
        { requiredKeys: ["id", "attempt", "deadline"] },
      ),
    });
    const sent = fc.record(
      {
        task: fc.constantFrom("deploy", "x"),
        entry: fc.constantFrom(3, 4),
        attempt: fc.constantFrom(1, 2),
        executor: fc.constantFrom("no-op", "other"),
        dispatchedAt: fc.constantFrom(AT, AT + 1),
        secrets: fc.array(text, { maxLength: 1 }),
        message,
      },
      { requiredKeys: ["task", "entry", "attempt", "dispatchedAt", "message"] },
    );

    fc.assert(
      fc.property(fc.constantFrom(ID, "x", "s1/e1/3/deploy/1"), sent, (id, each) => {
        const own = each as SentAttempt;
        expect(parseSent(toSentText(id, own), id)).toEqual({ ...JSON.parse(JSON.stringify(own)), attemptId: id });
      }),
    );
  });

  it.each([
    null,
    "",
    "{",
    "7",
    "{}",
    '{"at":1}',
    '{"at":1,"def":{}}',
    '{"at":1,"message":{}}',
    '{"at":1,"def":{},"in":"A","parts":7}',
    '{"at":1,"def":{},"in":"A","longId":7}',
  ])("that is %j is reported", (text) => {
    expect(() => parseSent(text, ID)).toThrow(expect.objectContaining({ code: "STORE_CORRUPT" }));
  });
});
