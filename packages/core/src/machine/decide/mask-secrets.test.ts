import { describe, expect, it } from "vitest";
import { aMachine, anEvent, aStack, someRules } from "../../testing/builders.ts";
import { listHiddenOutputs, listSecretValues, maskDecision, maskTasks, maskText } from "./metadata.ts";

const KEY = "-----BEGIN KEY-----\nMIIEvQIBADANB\n-----END KEY-----";

const machine = aMachine(
  { INIT: {}, BUILD: { tasks: ["db"] } },
  {
    metadata: someRules({ password: { sensitive: true }, url: {} }),
    tasks: {
      db: {
        outputs: new Map([
          ["password", "pw"],
          ["url", "address"],
        ]),
      },
    },
  },
);

describe("the sensitive values of an event", () => {
  it("are those that the stack holds before and after", () => {
    const before = aStack({ metadata: { token: "t-before" }, secretVersions: { token: 1 } });
    const after = aStack({ keptSecrets: { "token#1": "t-before", "tasks.db.outputs.key#1": "k-after" } });

    expect(listSecretValues(machine, [before, undefined, after], anEvent("GO"))).toEqual([
      ...["t-before", "t-before", "k-after"],
    ]);
  });

  it("are those that it brings for keys that its machine declares, or the stack holds, as sensitive", () => {
    const event = anEvent("GO", { metadata: { password: "p-new", token: "t-new", url: "https://x" } });
    const stack = aStack({ metadata: { token: null }, secretVersions: { token: 1 } });

    expect(listSecretValues(machine, [stack], event)).toEqual([null, "p-new", "t-new"]);
  });

  it("are outputs that its worker hides, and those that become sensitive metadata", () => {
    const outputs = { pw: "p-out", address: "https://x", key: "k-out" };
    const event = anEvent("TASK_COMPLETED", { task: { name: "db" }, outputs, sensitiveOutputs: ["key"] });

    expect(listHiddenOutputs(machine, event)).toEqual(["key", "pw"]);
    expect(listSecretValues(machine, [aStack()], event)).toEqual(["k-out", "p-out"]);
    expect(listSecretValues(undefined, [], event)).toEqual(["k-out"]);
  });

  it("are none where neither machine, stack nor event hides anything", () => {
    const event = anEvent("GO", { metadata: { password: "p-new" } });

    expect(listSecretValues(aMachine({ INIT: {} }), [aStack(), undefined], event)).toEqual([]);
  });
});

describe("texts of a decision", () => {
  it("quote no line of a value with several", () => {
    expect(maskText([KEY], "bad line: MIIEvQIBADANB")).toBe("bad line: ***");
  });

  it("keep the words true and false, which are no secrets", () => {
    expect(maskText([true, false], "true or false")).toBe("true or false");
  });

  it("are masked in reasons, notes and where a stack is stalled", () => {
    const stalled = { code: "TRANSITION_LOOP", reason: "no p-new" };
    const applied = { kind: "applied", stack: aStack({ stalled }), removed: false } as const;
    const nothing = { dispatches: [], cancels: [], closes: [], notes: ["a p-new"] };

    expect(maskDecision(["p-new"], { ...applied, ...nothing })).toMatchObject({
      notes: ["a ***"],
      stack: { stalled: { ...stalled, reason: "no ***" } },
    });
    expect(maskDecision(["p-new"], { kind: "ignored", code: "DUPLICATE", reason: "p-new" })).toMatchObject({
      reason: "***",
    });
  });

  it("are masked in what tasks say, and nowhere else in them", () => {
    const task = { name: "p-new", status: "ERROR", errorMessage: "no p-new" } as const;

    expect(maskTasks(["p-new"], [task])).toEqual([{ ...task, errorMessage: "no ***" }]);
    expect(maskTasks([], [task])).toEqual([task]);
  });
});
