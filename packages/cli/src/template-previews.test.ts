import { readFileSync } from "node:fs";
import { parseMachine } from "@stackyard/core/machine";
import { expect, it } from "vitest";

it("extends a preview of the template in every state until it is removed", () => {
  const source = readFileSync(new URL("../template-previews/machines/preview.yaml", import.meta.url), "utf8");
  const { machine, problems } = parseMachine(source, { name: "preview" });

  expect(problems.filter(({ severity }) => severity === "error")).toEqual([]);
  const without = [...(machine?.states.values() ?? [])].filter(({ on }) => !on.has("EXTENDED")).map(({ name }) => name);
  expect(without).toEqual(["INIT", "CLEAN-UP", "LEAKED"]);
});

it("asks a person about a plan that only forgets a resource, which would be left", () => {
  const source = readFileSync(new URL("../template-previews/machines/preview.yaml", import.meta.url), "utf8");
  const next = parseMachine(source, { name: "preview" }).machine?.states.get("PLAN")?.on.get("NEXT") ?? [];
  const stack = {
    id: "pr-1",
    machine: "preview",
    state: "PLAN",
    previousState: null,
    createdAt: 0,
    enteredAt: 0,
    visits: {},
  };
  const scope = { stack, metadata: {}, now: 0 };
  const outputs = { unchanged: false, destroys: 0, forgets: 1, imports: 0, vanished: 0 };

  const chosen = next.find(({ when }) => {
    const evaluated = when?.evaluate({ ...scope, tasks: { plan: { status: "SUCCEEDED", outputs } } });
    return evaluated === undefined || (evaluated.kind === "value" && evaluated.value === true);
  });

  expect(chosen).toMatchObject({ advance: ["REVIEW"] });
});
