import { Type } from "typebox";
import { expect, it } from "vitest";
import type { CliCommand } from "./command.ts";
import { toReference } from "./reference.ts";

const LIMIT = Type.Optional(Type.Integer({ description: "Most lines." }));

function aCommand(name: string, properties: CliCommand["args"]["properties"]): CliCommand {
  return { name, summary: `Does ${name}.`, args: Type.Object(properties), run: async () => undefined };
}

it("describes once what three commands take, and names it in their sections", () => {
  const page = toReference(["one", "two", "three"].map((name) => aCommand(name, { limit: LIMIT })));

  expect(page.split("Most lines.")).toHaveLength(2);
  expect(page.split("- [Shared](#shared-options): `--limit`")).toHaveLength(4);
});

it("describes an option in its section when another of that name is shared", () => {
  const commands = ["one", "two", "three"].map((name) => aCommand(name, { limit: LIMIT }));
  const other = aCommand("four", { limit: Type.Optional(Type.Integer({ description: "Most bytes." })) });

  const page = toReference([...commands, other]);

  expect(page.slice(page.indexOf("## stackyard four"))).toContain("- `--limit <limit>`: Most bytes.");
});

it("describes an argument in each section, unless the head of the shared options explains it", () => {
  const properties = {
    release: Type.String({ description: "A release." }),
    stack: Type.String({ description: "A stack." }),
  };
  const commands = ["one", "two", "three"].map((name) => ({
    ...aCommand(name, properties),
    positionals: ["release", "stack"],
  }));

  const page = toReference(commands);

  expect(page.split("- `release`: A release.")).toHaveLength(4);
  expect(page).not.toContain("A stack.");
  expect(page).toContain("`<stack>`, `<task>` and `<machine>` are the id of a stack");
});
