import { readFileSync } from "node:fs";
import { join } from "node:path";
import { formatVariableTable } from "@stackyard/core/environment";
import { describe, expect, it } from "vitest";
import { CommonVariables, CopyVariables, TriggerVariables } from "./settings.ts";

const readme = readFileSync(join(import.meta.dirname, "../README.md"), "utf8");

describe("the README", () => {
  it.each([
    ["the copy function", CopyVariables],
    ["the initial set", TriggerVariables],
    ["the bucket", CommonVariables],
  ])("has every variable of %s", (name, variables) => {
    expect(readme).toContain(`## Environment of ${name}\n\n${formatVariableTable(variables)}\n`);
  });
});
