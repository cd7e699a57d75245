import { describe, expect, it } from "vitest";
import { type BatchItem, toBatchResponse } from "./batch-response.ts";

const DONE: BatchItem["outcome"] = { kind: "done" };
const FAILED: BatchItem["outcome"] = { kind: "retry", reason: "The store does not answer." };
const REFUSED: BatchItem["outcome"] = { kind: "retry", reason: "The event is refused.", refused: true };

/** Ids of what is reported, of items written as `id@lane`. */
function reportedOf(...items: readonly (readonly [string, BatchItem["outcome"]])[]): readonly string[] {
  const response = toBatchResponse(
    items.map(([name, outcome]) => {
      const [messageId = "", lane = ""] = name.split("@");
      return { messageId, lane, outcome };
    }),
  );
  return response.batchItemFailures.map(({ itemIdentifier }) => itemIdentifier);
}

describe("toBatchResponse", () => {
  it("reports nothing when all is done", () => {
    expect(toBatchResponse([{ messageId: "a", lane: "s1", outcome: DONE }])).toEqual({ batchItemFailures: [] });
  });

  it("reports what failed and what is behind it on the same stack, in the order of the records", () => {
    const reported = reportedOf(["a@s1", DONE], ["b@s1", FAILED], ["c@s2", DONE], ["d@s1", DONE], ["e@s2", FAILED]);

    expect(reported).toEqual(["b", "d", "e"]);
  });

  it("reports a refused event alone, as the predecessor did", () => {
    expect(reportedOf(["a@s1", REFUSED], ["b@s1", DONE])).toEqual(["a"]);
  });

  it("has messages without a stack wait for nobody", () => {
    expect(reportedOf(["a@", FAILED], ["b@", DONE])).toEqual(["a"]);
  });
});
