import { describe, expect, it } from "vitest";
import { toBatchAnswer } from "./batch-answer.ts";

const ids = ["m-1", "m-2"];

describe("an answer to a batch", () => {
  it.each([
    [undefined, null, {}, { batchItemFailures: [] }, { batchItemFailures: null }, "done"].map((answer) => [answer]),
  ])("is a success of all where nothing is named: %j", ([answer]) => {
    expect(toBatchAnswer(answer, ids, true)).toEqual({ kind: "partly", failed: new Set() });
  });

  it("keeps what it names", () => {
    const answer = { batchItemFailures: [{ itemIdentifier: "m-2" }] };
    expect(toBatchAnswer(answer, ids, true)).toEqual({ kind: "partly", failed: new Set(["m-2"]) });
  });

  it.each([
    [{ batchItemFailures: [{ itemIdentifier: "m-1" }, { itemIdentifier: "" }] }, '"" is no message'],
    [{ batchItemFailures: [{ itemIdentifier: null }] }, "null is no message"],
    [{ batchItemFailures: [{ itemIdentifier: "m-9" }] }, '"m-9" is no message'],
    [{ batchItemFailures: [{ messageId: "m-1" }] }, "undefined is no message"],
    [{ batchItemFailures: "m-1" }, "no list"],
  ])("fails all where it is malformed: %j", (answer, why) => {
    expect(toBatchAnswer(answer, ids, true)).toEqual({ kind: "all-failed", why: expect.stringContaining(why) });
  });

  it("is not read where failures are not reported one by one", () => {
    const answer = { batchItemFailures: [{ itemIdentifier: "m-2" }] };
    expect(toBatchAnswer(answer, ids, false)).toEqual({ kind: "partly", failed: new Set() });
  });
});
