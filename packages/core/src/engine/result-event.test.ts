import { describe, expect, it } from "vitest";
import { failed, succeeded } from "../ports/executor.ts";
import { aDispatch } from "../testing/store-conformance/store-builders.ts";
import { type FinalStep, toResultEvent, toSettledOutcome } from "./attempt-result.ts";

const ID = "s1/created/1/plan/1";
const message = aDispatch(ID).message;
const quota = failed({ code: "QUOTA", message: "no room", retryable: true });

describe("the event of a result", () => {
  it("bears the attempt's id, so that it counts once, and echoes the task", () => {
    expect(toResultEvent(message, succeeded({ url: "u" }), { cancelling: false, now: 5 })).toEqual({
      id: `result:${ID}`,
      stackId: "s1",
      origin: "worker",
      receivedAt: 5,
      message: {
        event: "TASK_COMPLETED",
        stackId: "s1",
        task: message.task,
        dispatchId: ID,
        outputs: { url: "u" },
      },
    });
  });

  it("tells a failure with its code, its text, and whether another attempt may help", () => {
    const { message: body } = toResultEvent(message, { ...quota, outputs: { part: 1 } }, { cancelling: false, now: 5 });

    expect(body).toMatchObject({
      event: "TASK_ERROR",
      code: "QUOTA",
      description: "no room",
      retryable: true,
      outputs: { part: 1 },
    });
  });

  it("holds no sensitive outputs for stacks of version 1, which keep none", () => {
    const step = succeeded({ url: "u", password: "s3cret" }, { sensitive: ["password"] });

    const { message: body } = toResultEvent(message, step, { cancelling: false, now: 5 });

    expect(body).toMatchObject({ outputs: { url: "u" } });
    expect(body).not.toHaveProperty("sensitiveOutputs");
  });

  it("names those that must not be shown for stacks of version 2", () => {
    const v2 = { ...message, dispatch: { ...message.dispatch, version: 2 } } as const;
    const step = succeeded({ url: "u", password: "s3cret" }, { sensitive: ["password", "gone"] });

    const events = [step, succeeded({ url: "u" })].map((each) =>
      toResultEvent(v2, each, { cancelling: false, now: 5 }),
    );

    expect(events.map(({ message: { outputs, sensitiveOutputs } }) => [outputs, sensitiveOutputs])).toEqual([
      [{ url: "u", password: "s3cret" }, ["password"]],
      [{ url: "u" }, undefined],
    ]);
  });

  it.each([null, "text", 7])("has no outputs where they are no map: %j", (outputs) => {
    expect(toResultEvent(message, succeeded(outputs), { cancelling: false, now: 5 }).message["outputs"]).toEqual({});
  });

  it.each([
    [succeeded({}), false, "succeeded", "TASK_COMPLETED"],
    [succeeded({}), true, "succeeded", "TASK_COMPLETED"],
    [quota, false, "failed", "TASK_ERROR"],
    [quota, true, "cancelled", "TASK_CANCELLED"],
  ] satisfies [FinalStep, boolean, string, string][])(
    "of %j, cancelling %s: %s",
    (step, cancelling, outcome, event) => {
      expect(toSettledOutcome(step, cancelling)).toBe(outcome);
      expect(toResultEvent(message, step, { cancelling, now: 5 }).message["event"]).toBe(event);
    },
  );
});
