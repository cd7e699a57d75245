import { readFileSync } from "node:fs";
import { join } from "node:path";
import type { EnvironmentVariable } from "@stackyard/core/environment";
import { describe, expect, it } from "vitest";
import { COMMON_VARIABLES, COPY_VARIABLES, TRIGGER_VARIABLES } from "./consumer-variables.ts";

const readme = readFileSync(join(import.meta.dirname, "../README.md"), "utf8");

describe("the README", () => {
  it.each([
    ["the copy function", COPY_VARIABLES],
    ["the initial set", TRIGGER_VARIABLES],
    ["the bucket", COMMON_VARIABLES],
  ])("has every variable of %s", (name, variables: Readonly<Record<string, EnvironmentVariable>>) => {
    const rows = Object.entries(variables).map(([variable, { meaning }]) => `| \`${variable}\` | ${meaning} |`);
    const table = ["| variable | meaning |", "|---|---|", ...rows].join("\n");

    expect(readme).toContain(`## Environment of ${name}\n\n${table}\n`);
  });
});
