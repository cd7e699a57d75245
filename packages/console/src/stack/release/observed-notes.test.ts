// biome-ignore-all lint/suspicious/noTemplateCurlyInString: the placeholders are those of machines, in plain strings.
import { describe, expect, it } from "vitest";
import type { Plain } from "../../machine/edits/operation.ts";
import { toOutline } from "../../machine/outline.ts";
import { anAttempt, anEntry } from "../../testing/a-stack.ts";
import { isOwnSuccess, toObservedNotes } from "./observed-notes.ts";

const gate = (config: Plain) => toObservedNotes([{ name: "soak", executor: "gate", value: { config } }]).get("soak");
const PLAN = { counts: { move: 80, same: 1, create: 4, moving: 0, fails: 0 }, runs: 252 };

describe("what a settled gate has observed", () => {
  it.each([
    [{ soak: { of: "staging", for: "24h" }, alarms: ["a"] }, "24h, alarms OK"],
    [{ turn: { name: "shop-prod" } }, "no newer release"],
    [{ alarms: ["a"], artifacts: { web: "1.2" } }, "alarms OK, artifacts arrived"],
    [{ soak: { of: "staging", for: "${metadata.soak}" } }, undefined],
    [{}, undefined],
    ["${metadata.gate}", undefined],
    [["turn"], undefined],
  ])("%j is %j", (config, expected) => {
    expect(gate(config)).toBe(expected);
  });

  it("is read from the document of its revision, also behind an alias", () => {
    const outline = toOutline(`
version: 2
states: { INIT: {} }
tasks:
  soak: &soak { executor: gate, config: { soak: { of: staging, for: 24h }, alarms: [a] } }
  again: *soak
  other: { executor: script, config: { alarms: [a] } }
`);

    expect([...toObservedNotes(outline?.tasks ?? [])]).toEqual([
      ["soak", "24h, alarms OK"],
      ["again", "24h, alarms OK"],
    ]);
  });

  it("is not said of a task that failed, ended without a result, or was settled by hand", () => {
    const sent = { task: "soak", dispatchedAt: "2026-11-26T09:00:00.000Z" };
    const settle = (at: string, task = "soak") => anEntry(9, { event: "SETTLE_TASK", task, at });
    const attempt = anAttempt({ ...sent, outcome: "succeeded" });

    expect(isOwnSuccess(attempt, [])).toBe(true);
    expect(isOwnSuccess(attempt, [settle("2026-11-26T08:59:00.000Z")])).toBe(true);
    expect(isOwnSuccess(attempt, [settle("2026-11-26T09:01:00.000Z", "watch")])).toBe(true);
    expect(isOwnSuccess(attempt, [settle("2026-11-26T09:01:00.000Z")])).toBe(false);
    expect(isOwnSuccess(anAttempt({ ...sent, outcome: "closed" }), [])).toBe(false);
    expect(isOwnSuccess(anAttempt({ ...sent, outcome: "failed" }), [])).toBe(false);
  });
});

describe("what a plan has observed", () => {
  const plan = { name: "plan", executor: "deploy", value: { config: { op: "plan" } } };

  it("is how many stacks it moves, once that is known", () => {
    expect(toObservedNotes([plan], PLAN).get("plan")).toBe("84 stacks move, 252 tasks");
    expect(toObservedNotes([plan]).size).toBe(0);
  });

  it("is not said of what sends", () => {
    const sends = { name: "tenants", executor: "deploy", value: { config: { stacks: "tenant" } } };

    expect(toObservedNotes([sends], PLAN).size).toBe(0);
  });
});
