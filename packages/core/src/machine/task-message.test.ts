import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { isOwnAttempt, parseTaskMessage } from "./task-message.ts";

const AT = Date.UTC(2026, 0, 1);
const OPTIONS = { at: AT, messageId: "m-1" };

const TASK = { executor: "lambda", config: { name: "make-db" }, name: "db" };
const STACK = {
  id: "pr-12",
  previousState: "INIT",
  machine: "review-app",
  _state: "BUILD",
  tasks: [{ name: "db", status: "PENDING" }],
  metadata: { sha: "9f1c", size: 0, live: false, note: null },
};
const DISPATCH = { id: "pr-12/e1/1/db/1", attempt: 1, deadline: "2026-01-01T01:00:00.000Z" };

function reasonOf(body: unknown): string {
  const parsed = parseTaskMessage(body, OPTIONS);
  return parsed.kind === "invalid" ? parsed.reason : "";
}

describe("parseTaskMessage", () => {
  it("gives a message as it was sent", () => {
    const message = { task: TASK, stack: STACK, dispatch: { ...DISPATCH, exclusiveKey: "db", version: 2 } };

    expect(parseTaskMessage(JSON.stringify(message), OPTIONS)).toEqual({ kind: "task", message });
  });

  it("names the attempt of a message without dispatch after the medium's id, with a day to end", () => {
    const dispatch = { id: "message:m-1", attempt: 1, deadline: "2026-01-02T00:00:00.000Z" };
    const message = { task: TASK, stack: STACK };

    expect(parseTaskMessage(message, OPTIONS)).toEqual({ kind: "task", message: { ...message, dispatch } });
    expect(parseTaskMessage({ ...message, dispatch: null }, OPTIONS)).toMatchObject({ message: { dispatch } });
    expect(isOwnAttempt(dispatch.id)).toBe(true);
    expect(isOwnAttempt("message%3Am-1/e1/1/db/1")).toBe(false);
  });

  it("fills in what a message that was written by hand leaves out", () => {
    const parsed = parseTaskMessage({ task: { name: "db" }, stack: { id: "s", machine: "m" } }, OPTIONS);

    const stack = { id: "s", machine: "m", previousState: null, _state: "", tasks: [], metadata: {} };
    expect(parsed).toMatchObject({ message: { task: { name: "db" }, stack } });
  });

  it("keeps fields of the predecessor that it does not know", () => {
    const stack = { ...STACK, createdAt: 1, updatedAt: 2 };

    expect(parseTaskMessage({ task: TASK, stack }, OPTIONS)).toMatchObject({ message: { stack } });
  });

  it("takes a message out of a topic's envelope", () => {
    const text = JSON.stringify({ task: TASK, stack: STACK, dispatch: DISPATCH });

    expect(parseTaskMessage(JSON.stringify({ Type: "Notification", Message: text }), OPTIONS)).toEqual({
      kind: "task",
      message: { task: TASK, stack: STACK, dispatch: DISPATCH },
    });
  });

  it("takes references of sensitive values for metadata", () => {
    const stack = { ...STACK, metadata: { password: { $secret: "password#1" } } };

    expect(parseTaskMessage({ task: TASK, stack }, OPTIONS)).toMatchObject({ kind: "task", message: { stack } });
  });

  it.each([
    ["no JSON", "{", "not JSON"],
    ["a list", "[]", "not a JSON object"],
    ["an event", { stackId: "s", event: "GO" }, "/task must be object"],
    ["a task without a name", { task: {}, stack: STACK }, "/task must have required properties name"],
    ["a stack without an id", { task: TASK, stack: { machine: "m" } }, "/stack must have required properties id"],
    ["nested metadata", { task: TASK, stack: { ...STACK, metadata: { a: { b: 1 } } } }, "/stack/metadata/a"],
    ["a dispatch without an id", { task: TASK, stack: STACK, dispatch: { attempt: 1 } }, "/dispatch must have"],
    [
      "a deadline that is not an instant",
      { task: TASK, stack: STACK, dispatch: { ...DISPATCH, deadline: "soon" } },
      "/dispatch/deadline",
    ],
  ])("refuses %s and says where", (_, body, reason) => {
    expect(reasonOf(body)).toContain(reason);
  });

  it("refuses a key that would reach the prototype", () => {
    const text = JSON.stringify({ task: TASK, stack: STACK }).replace('"config"', '"__proto__"');

    expect(reasonOf(text)).toContain("__proto__");
  });

  it("never throws", () => {
    fc.assert(
      fc.property(fc.anything(), (body) => {
        expect(["task", "invalid"]).toContain(parseTaskMessage(body, OPTIONS).kind);
      }),
    );
  });
});
