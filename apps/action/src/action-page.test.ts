import { readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { parse } from "yaml";

interface Field {
  readonly description: string;
  readonly required?: boolean;
  readonly default?: string;
}

const read = (path: string) => readFileSync(join(import.meta.dirname, path), "utf8");
const { inputs, outputs, runs }: Readonly<Record<"inputs" | "outputs" | "runs", Readonly<Record<string, Field>>>> =
  parse(read("../action.yml"));

describe("docs/github-action.md", () => {
  it("lists the inputs and outputs of action.yml (update it with `npm run generate`)", async () => {
    const page = read("../../../docs/github-action.md");
    const rows = Object.entries(inputs).map(([name, field]) => {
      const initial = field.default === undefined ? (field.required ? "required" : "") : `\`${field.default}\``;
      return `| \`${name}\` | ${initial} | ${field.description} |`;
    });
    const tables: Readonly<Record<string, readonly string[]>> = {
      inputs: ["| input | default | meaning |", "|---|---|---|", ...rows],
      outputs: [
        "| output | meaning |",
        "|---|---|",
        ...Object.entries(outputs).map(([name, { description }]) => `| \`${name}\` | ${description} |`),
      ],
    };
    const written = page.replaceAll(
      /(<!-- begin (\w+): .*? -->\n\n).*?(\n\n<!-- end \2 -->)/gs,
      (_, begin: string, name: string, end: string) => begin + (tables[name] ?? []).join("\n") + end,
    );

    expect([...page.matchAll(/<!-- begin (\w+):/g)].map(([, name]) => name)).toEqual(Object.keys(tables));
    await expect(written).toMatchFileSnapshot("../../../docs/github-action.md");
  });
});

describe("action.yml", () => {
  it("names all inputs that are read, and runs the file of the build", () => {
    const source = read("read-inputs.ts");
    const names = [...source.matchAll(/(?:getInput|readName)\("([a-z-]+)"\)/g)].map(([, name]) => name);

    expect(new Set(names)).toEqual(new Set(Object.keys(inputs)));
    expect(runs).toEqual({ using: "node24", main: "dist/index.mjs" });
  });
});
