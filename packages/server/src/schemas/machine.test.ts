import { parseMachine } from "@stackyard/core/machine";
import { describe, expect, it } from "vitest";
import { toMachineDetails } from "./machine.ts";

function show(source: string) {
  const { machine, problems } = parseMachine(source, { name: "app" });
  if (!machine) throw new Error(JSON.stringify(problems));
  return toMachineDetails("app", {
    kind: "found",
    machine,
    revision: { name: "app", hash: machine.hash, source },
    problems,
  });
}

describe("toMachineDetails", () => {
  it("shows the parts of version 2 where a machine uses them", () => {
    const details = show(`version: 2
events: [GO]
targets: { here: { account: "111122223333" } }
states:
  INIT: { protected: true, timeout: 5m, after: [{ in: 1h, event: GO }], on: { GO: END, TIMEOUT: no-op } }
  END: { terminal: true, leaving: cancel, approved: [sign-off], tasks: [a, b] }
tasks:
  sign-off: { executor: approval, config: { from: [leads], of: v1 } }
  a: { executor: lambda, target: here, config: { name: f } }
  b: { executor: lambda, needs: [a], config: { name: f } }
`);

    expect(details).toMatchObject({ version: 2, revision: "pin", events: ["GO"] });
    expect(details.states).toEqual([
      {
        name: "INIT",
        terminal: false,
        tasks: [],
        on: ["GO", "TIMEOUT"],
        leaving: "wait",
        protected: true,
        timeoutMs: 300_000,
        after: [{ inMs: 3_600_000, event: "GO" }],
      },
      { name: "END", terminal: true, tasks: ["a", "b"], on: [], leaving: "cancel", approved: ["sign-off"] },
    ]);
    expect(details.tasks).toEqual([
      { name: "sign-off", executor: "approval" },
      { name: "a", executor: "lambda", target: "here" },
      { name: "b", executor: "lambda", needs: ["a"] },
    ]);
  });

  it("shows what events of version 2 may and must bring", () => {
    const { metadata } = show(`version: 2
events: { GO: { metadata: [sha] } }
metadata:
  sha: { type: string, pattern: "^[0-9a-f]+$", required: true, immutable: true }
  size: { enum: [small, large], default: small }
  count: { type: number, minimum: 1, maximum: 5 }
  password: { type: string, sensitive: true }
states: { INIT: { on: { GO: END } }, END: { terminal: true } }
`);

    expect(metadata).toEqual({
      keys: [
        { name: "sha", type: "string", pattern: "^[0-9a-f]+$", required: true, immutable: true },
        { name: "size", enum: ["small", "large"], default: "small" },
        { name: "count", type: "number", minimum: 1, maximum: 5 },
        { name: "password", type: "string", sensitive: true },
      ],
      additional: true,
      requiredBy: { GO: ["sha"] },
    });
  });

  it("shows no more of version 1 than it has", () => {
    const details = show("version: 1\nevents: []\nstates: { INIT: { terminal: true, tasks: [a] } }\ntasks: { a: {} }");

    expect(details).toMatchObject({ version: 1, revision: "follow" });
    expect(details.states).toEqual([{ name: "INIT", terminal: true, tasks: ["a"], on: [] }]);
    expect(details.tasks).toEqual([{ name: "a" }]);
  });
});
