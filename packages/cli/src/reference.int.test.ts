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

/** The tables of docs/configuration.md, by the names of their blocks. */
const TABLES: Readonly<Record<string, string>> = {
  keys: formatVariableTable(StackyardConfig, "key"),
  "keys of a server": formatVariableTable(ServerYardOptions, "key"),
  "keys of AWS": formatVariableTable(AwsYardOptions, "key"),
  variables: formatVariableTable(CliVariables),
  "variables of the engine": formatVariableTable(YardVariables),
};

describe("docs/configuration.md", () => {
  const page = readFileSync(join(import.meta.dirname, "../../../docs/configuration.md"), "utf8");

  it("lists keys and variables as their schemas describe them (update it with `npm run generate`)", async () => {
    const written = page.replaceAll(
      /(<!-- begin ([^:]*): .*? -->\n\n).*?(\n<!-- end \2 -->)/gs,
      (_, begin: string, name: string, end: string) => `${begin}${TABLES[name]}\n${end}`,
    );

    await expect(written).toMatchFileSnapshot("../../../docs/configuration.md");
  });

  it("has each of these tables, and describes each key", () => {
    expect([...page.matchAll(/<!-- begin ([^:]*):/g)].map(([, name]) => name)).toEqual(Object.keys(TABLES));
    expect(Object.values(TABLES).join("\n")).not.toContain("| undefined");
  });
});
