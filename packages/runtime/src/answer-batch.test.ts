import { describe, expect, it } from "vitest";
import { answerBatch } from "./answer-batch.ts";

const toResponse = (...ids: readonly string[]) => ({
  batchItemFailures: ids.map((itemIdentifier) => ({ itemIdentifier })),
});

describe("answerBatch", () => {
  it("names what must come again", () => {
    expect(answerBatch(toResponse(), 1)).toEqual(toResponse());
    expect(answerBatch(toResponse("m1"), 2)).toEqual(toResponse("m1"));
  });

  it.each([1, 3])("throws where none of %d messages could be worked, for mappings that read no answer", (messages) => {
    const ids = Array.from({ length: messages }, (_, index) => `m${index}`);

    expect(() => answerBatch(toResponse(...ids), messages)).toThrow("the log says why");
  });
});
