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
