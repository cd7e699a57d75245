import { describe, expect, it } from "vitest";
import { isResultProof, toResultProof } from "./result-proof.ts";

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
