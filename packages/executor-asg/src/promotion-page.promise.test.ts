import { readFileSync } from "node:fs";
import { join } from "node:path";
import { parseMachine } from "@stackyard/core/machine";
import { expect, it } from "vitest";
import { asgDefinition } from "./definition.ts";

it("the machine of the page about promotion has a release that this executor takes", () => {
  const page = readFileSync(join(import.meta.dirname, "../../../docs/promotion-recipes.md"), "utf8");
  const source = /^```yaml fragment\n(# file: machines\/shop-group\.yaml\n.*?)^```$/ms.exec(page)?.[1] ?? "";

  const executors = new Map([["asg", asgDefinition]]);
  const { machine, problems } = parseMachine(source, { name: "shop-group", executors });

  expect(machine).toBeDefined();
  expect(problems.filter(({ code }) => code !== "no-terminal-state")).toEqual([]);
});
