import { describe, expect, it } from "vitest";
import { anEntry } from "../testing/a-stack.ts";
import { findLastApproved } from "./find-last-approved.ts";

const approve = (position: number, ...notes: readonly string[]) =>
  anEntry(position, { event: "APPROVE_TASK", task: "sign-off", notes: [...notes] });

describe("findLastApproved", () => {
  it("leaves out what one of two people has approved so far", () => {
    const complete = approve(3, "eve requested it too.", "Approved by eve: 2 of 2.");

    expect(findLastApproved([approve(5, "Approved by noor: 1 of 2."), complete], "sign-off")).toBe(complete);
    expect(findLastApproved([approve(5, "Approved by noor: 1 of 2.")], "sign-off")).toBeUndefined();
  });

  it("takes lines of earlier versions, which do not count", () => {
    const [other, rejected, own] = [
      { ...approve(9), task: "other" },
      { ...approve(8), outcome: "refused" as const },
      approve(7),
    ];

    expect(findLastApproved([other, rejected, own], "sign-off")).toBe(own);
  });
});
