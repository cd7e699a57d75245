import { describe, expect, it } from "vitest";
import { aFailedStack, aStack } from "../testing/stacks.ts";
import { findAddress, findFailure, findMonthlyCost, findVersion } from "./stack-facts.ts";

describe("findVersion", () => {
  it("takes the most exact key, and shortens commits only", () => {
    const sha = "4f1cab12".repeat(5);

    expect(findVersion({ sha, version: "2.18.0" })).toEqual({ key: "version", short: "2.18.0", full: "2.18.0" });
    expect(findVersion({ sha })).toEqual({ key: "sha", short: "4f1cab1", full: sha });
    expect(findVersion({ release: 7 })?.full).toBe("7");
    expect(findVersion({ version: "", owner: "ada" })).toBeUndefined();
  });
});

describe("findMonthlyCost and findAddress", () => {
  it("take only what is a number, and only addresses that a browser may open", () => {
    expect(findMonthlyCost({ monthly_cost: 12.5 })).toBe(12.5);
    expect(findMonthlyCost({ monthly_cost: "12.5" })).toBeUndefined();
    expect(findAddress({ url: "https://pr-1.example.org/x" })?.host).toBe("pr-1.example.org");
    expect(findAddress({ url: "javascript:alert(1)" })).toBeUndefined();
  });
});

describe("findFailure", () => {
  const lastFailure = {
    task: "smoke",
    state: "LIVE",
    entry: 1,
    attempt: 3,
    at: "2026-11-20T03:00:00Z",
    code: "HTTP_FAILED",
  };

  it("prefers the failed task of the present state to an earlier failure", () => {
    expect(findFailure(aFailedStack("pr-1", { lastFailure }))).toEqual({
      task: "database",
      code: "NO_ROOM",
      message: "no room",
      isOver: false,
    });
  });

  it("distinguishes a failure that is over from one that is not", () => {
    expect(findFailure(aStack("pr-1", { lastFailure }))).toMatchObject({ task: "smoke", isOver: false });
    expect(
      findFailure(aStack("pr-1", { lastFailure: { ...lastFailure, resolvedAt: "2026-11-20T04:00:00Z" } })),
    ).toMatchObject({
      isOver: true,
    });
    const acknowledged = { ...lastFailure, acknowledged: { at: "2026-11-20T04:00:00Z", by: "ada" } };
    expect(findFailure(aStack("pr-1", { lastFailure: acknowledged }))).toMatchObject({ isOver: true });
    expect(findFailure(aStack("pr-1"))).toBeUndefined();
  });
});
