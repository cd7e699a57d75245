import { describe, expect, it } from "vitest";
import { aStack } from "../testing/a-stack.ts";
import { findRunning } from "./at-rest.ts";

const AT = "2026-11-20T03:00:00Z";
const RESTED = "2026-11-20T03:05:00Z";
const deed = { eventId: "e1", event: "PUSHED", at: AT, restedAt: RESTED, keys: ["sha", "url"], lacks: [] };
const atRest = { failed: false, tasks: [], parts: [], metadata: { sha: "4f1cab12" } } as const;

describe("findRunning", () => {
  it("is the version whose work is done, since then", () => {
    const stack = aStack({ ...atRest, deeds: [{ ...deed, verdict: "done" }] });

    expect(findRunning(stack)).toMatchObject({ version: { short: "4f1cab12" }, since: RESTED });
  });

  it.each([
    ["was only noted", [{ ...deed, verdict: "noted" as const }]],
    ["failed", [{ ...deed, verdict: "failed" as const }]],
    ["is open", [{ ...deed, verdict: "open" as const }]],
    ["is that of other values", [{ ...deed, keys: ["url"], verdict: "done" as const }]],
    ["is not known", undefined],
  ])("is not the version in the metadata whose work %s", (_, deeds) => {
    expect(findRunning(aStack({ ...atRest, ...(deeds && { deeds }) }))).toBeUndefined();
  });

  it("is nothing of a stack that works", () => {
    const tasks = [{ name: "app", status: "PENDING", why: "Running." } as const];

    expect(findRunning(aStack({ ...atRest, tasks, deeds: [{ ...deed, verdict: "done" }] }))).toBeUndefined();
  });
});
