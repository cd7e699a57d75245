import fc from "fast-check";
import { Type } from "typebox";
import { describe, expect, it } from "vitest";
import { defineExecutor, succeeded } from "../../ports/executor.ts";
import { checkStep } from "./check-step.ts";

const executor = defineExecutor({ name: "work", config: Type.Object({}), start: async () => succeeded({}) });

describe("an executor's answer", () => {
  it("always becomes a step, whatever it is", () => {
    const kind = fc.constantFrom("running", "succeeded", "failed", "other");
    const part = fc.anything({ withNullPrototype: true });
    const parts = { kind, pollAfterMs: part, progress: part, outputs: part, followUp: part, code: part, message: part };
    const answer = fc.oneof(part, fc.record(parts, { requiredKeys: ["kind"] }));
    fc.assert(
      fc.property(answer, (value) => {
        const step = checkStep(executor, value);

        expect(["running", "succeeded", "failed"]).toContain(step.kind);
        if (step.kind === "running") expect(step.pollAfterMs).toBeGreaterThanOrEqual(0);
        if (step.kind === "failed") expect([typeof step.code, typeof step.message]).toEqual(["string", "string"]);
      }),
    );
  });

  it.each([
    [{ kind: "running", pollAfterMs: { toString: 0 }, progress: 0 }, "PLUGIN_INVALID"],
    [{ kind: "running", pollAfterMs: Object.create(null), progress: 0 }, "PLUGIN_INVALID"],
    [{ kind: "succeeded", outputs: {}, followUp: null }, "OUTPUT_INVALID"],
    [{ kind: "succeeded", outputs: {}, shortfall: { code: 2 } }, "OUTPUT_INVALID"],
    [{ kind: "succeeded", outputs: {}, shortfall: "2 of 45" }, "OUTPUT_INVALID"],
    [{ kind: "succeeded", outputs: {}, followUp: { inMs: Object.create(null) } }, "OUTPUT_INVALID"],
  ])("may hold values that have no text, case %#", (answer, code) => {
    expect(checkStep(executor, answer)).toMatchObject({ kind: "failed", code });
  });

  // temporal/ui#2670, n8n#26925
  it("is refused for a whole number that JSON rounds, except in progress, which only its executor reads", () => {
    const id = Number("616581622363398142");
    const kind = "succeeded";

    expect(checkStep(executor, { kind, outputs: { list: [{ id }] } })).toMatchObject({ code: "OUTPUT_INVALID" });
    expect(checkStep(executor, { kind, outputs: {}, followUp: { inMs: 5, config: { id } } })).toMatchObject({
      code: "OUTPUT_INVALID",
    });
    expect(checkStep(executor, { kind: "failed", code: "OLD", message: "No.", outputs: { id } })).toEqual({
      kind: "failed",
      code: "OLD",
      message: expect.stringMatching(/^No\. \(The outputs were left out: .+ JSON rounds/),
    });
    expect(checkStep(executor, { kind: "running", pollAfterMs: 5, progress: { id } })).toMatchObject({
      progress: { id },
    });
  });

  it.each([
    [5, 5],
    [0, 0],
    [1.5, undefined],
    [8.7e15, undefined],
    ["2030-01-01T00:00:00Z", undefined],
    [null, undefined],
  ])("keeps a time at which work can continue that can be shown: %j", (opensAt, kept) => {
    const step = { kind: "running", pollAfterMs: 5, progress: 1, message: "", opensAt };
    const { opensAt: _, ...rest } = step;

    expect(checkStep({ ...executor, progress: Type.Number() }, step)).toEqual({
      ...rest,
      ...(kept !== undefined && { opensAt: kept }),
    });
  });

  it.each([
    ["FROZEN", "FROZEN"],
    ["frozen", undefined],
    ["A freeze of ada.", undefined],
    ["", undefined],
    ["X".repeat(65), undefined],
    [7, undefined],
    [null, undefined],
  ])("keeps the code of what holds work back, and no text: %j", (heldBy, kept) => {
    const step = { kind: "running", pollAfterMs: 5, progress: 1, message: "", heldBy };
    const { heldBy: _, ...rest } = step;

    expect(checkStep({ ...executor, progress: Type.Number() }, step)).toEqual({
      ...rest,
      ...(kept !== undefined && { heldBy: kept }),
    });
  });

  it("has a line for people, be it empty", () => {
    expect(checkStep(executor, { kind: "running", pollAfterMs: 5, progress: 1 })).toEqual({
      kind: "running",
      pollAfterMs: 5,
      progress: 1,
      message: "",
    });
  });

  it("cannot be kept where it goes round in circles", () => {
    const circle: Record<string, unknown> = {};
    circle["self"] = circle;

    expect(checkStep(executor, { kind: "running", pollAfterMs: 5, progress: circle, message: "" })).toMatchObject({
      kind: "failed",
      code: "PLUGIN_INVALID",
    });
  });
});
