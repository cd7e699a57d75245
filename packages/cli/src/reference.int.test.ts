import { readFileSync } from "node:fs";
import { join } from "node:path";
import { AwsYardOptions, ServerYardOptions, StackyardConfig } from "@stackyard/core";
import { formatVariableTable } from "@stackyard/core/environment";
import { describe, expect, it } from "vitest";
import { loadAllCommands } from "./command-table.ts";
import { toReference } from "./reference.ts";
import { CliVariables } from "./variables.ts";
import { YardVariables } from "./yard/settings.ts";

describe("docs/cli.md", () => {
  it("matches the commands (update it with `npm run generate`)", async () => {
    await expect(toReference(await loadAllCommands())).toMatchFileSnapshot("../../../docs/cli.md");
  });

  it("calls no option required twice", async () => {
    expect(toReference(await loadAllCommands())).not.toContain("Required. Required.");
  });
});

it("the README lists the keys of the configuration as their schema describes them", () => {
  const readme = readFileSync(join(import.meta.dirname, "../README.md"), "utf8");

  expect(readme).toContain(formatVariableTable(StackyardConfig, "key"));
});

describe("docs/configuration.md", () => {
  const page = readFileSync(join(import.meta.dirname, "../../../docs/configuration.md"), "utf8");

  it.each([StackyardConfig, ServerYardOptions, AwsYardOptions])(
    "lists the keys as their schema describes them",
    (schema) => {
      expect(page).toContain(formatVariableTable(schema, "key"));
      expect(page).not.toContain("| undefined");
    },
  );

  it("lists the variables of commands and of the engine as their schemas describe them", () => {
    expect(page).toContain(formatVariableTable(CliVariables));
    expect(page).toContain(formatVariableTable(YardVariables));
  });
});
