import { describe, expect, it } from "vitest";
import { failed, succeeded } from "../ports/executor.ts";
import { aDispatch } from "../testing/store-conformance/store-builders.ts";
import { toResultEvent } from "./attempt-result.ts";
import { toAnswer, toTimedOut } from "./message-worker.ts";

const ID = "s1/created/1/plan/1";
const NOW = Date.UTC(2026, 0, 1);
const { message } = aDispatch(ID);
const ofVersion2 = { ...message, dispatch: { ...message.dispatch, version: 2 as const } };

describe("toAnswer", () => {
  it("says what the predecessor's answers say, and echoes the task and the attempt", () => {
    const { event } = toAnswer(toResultEvent(message, succeeded({ n: 1 }), { cancelling: false, now: NOW }), "a1");

    expect(event).toEqual({
      id: "answer:a1",
      stackId: "s1",
      origin: "external",
      receivedAt: NOW,
      message: { event: "TASK_COMPLETED", stackId: "s1", task: message.task, dispatchId: ID, outputs: { n: 1 } },
    });
  });

  it("answers a message that names no attempt by the task's name", () => {
    const own = { ...message, dispatch: { ...message.dispatch, id: "message:m-1" } };
    const step = failed({ code: "BROKEN", message: "It broke.", retryable: false });

    const { event } = toAnswer(toResultEvent(own, step, { cancelling: false, now: NOW }), "a1");

    expect(event.id).toBe("result:message:m-1");
    expect(event.message).toEqual({
      event: "TASK_ERROR",
      stackId: "s1",
      task: message.task,
      description: "It broke.",
      code: "BROKEN",
      retryable: false,
    });
  });

  it("calls what was interrupted a failure that another attempt may mend", () => {
    const step = failed({ code: "ANY", message: "Stopped.", retryable: false });

    const { event } = toAnswer(toResultEvent(message, step, { cancelling: true, now: NOW }), "a1");

    expect(event.message).toMatchObject({ event: "TASK_ERROR", code: "TASK_TIMEOUT", retryable: true, dispatchId: ID });
  });

  it("leaves sensitive outputs out, and names them", () => {
    const step = { ...succeeded({ url: "http://x", password: "hunter22" }), sensitive: ["password"] };

    const { event, leftOut } = toAnswer(toResultEvent(ofVersion2, step, { cancelling: false, now: NOW }), "a1");

    expect(leftOut).toEqual(["password"]);
    expect(event.message).toMatchObject({ outputs: { url: "http://x" } });
    expect(JSON.stringify(event)).not.toContain("hunter22");
    expect(event.message).not.toHaveProperty("sensitiveOutputs");
  });

  it("answers an attempt under the id that was drawn, and a message without one always under the same", () => {
    const own = { ...message, dispatch: { ...message.dispatch, id: "message:m-1" } };
    const idsOf = (asked: typeof message) => ["a1", "a2"].map((answerId) => toTimedOut(asked, { answerId, now: 0 }).id);

    expect(idsOf(message)).toEqual(["answer:a1", "answer:a2"]);
    expect(idsOf(own)).toEqual(["result:message:m-1", "result:message:m-1"]);
  });

  it("makes ids that senders may use, also of the longest messages", () => {
    const long = { ...message, dispatch: { ...message.dispatch, id: `message:${"m".repeat(250)}` } };

    const [first, second] = ["a1", "a2"].map((answerId) => toTimedOut(long, { answerId, now: 0 }));

    expect(first?.id).toMatch(/^result:[0-9a-f]{32}$/);
    expect(first?.id).toBe(second?.id);
  });
});
