import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { parseMachineDocument, upgradeMachine } from "@stackyard/core/machine";
import { describe, expect, it } from "vitest";
import { type ProblemExample, toErrorsPage, toProblemsPage } from "./code-pages.ts";
import { repositoryRoot } from "./published-packages.ts";

// `npm run generate` writes the pages again.

const core = join(repositoryRoot, "packages/core");
const machines = join(core, "src/machine");

function readExamples(): readonly ProblemExample[] {
  // Only documents of programs can hold such a value; a YAML file cannot.
  const document = { version: 1, events: [], states: { INIT: { terminal: true } }, tasks: {}, "x-rate": Number.NaN };
  const advances = "GO: [{action: advance, state: INIT}, {action: advance, state: END}]";
  const source = `version: 1\nevents: [GO]\nstates: {INIT: {on: {${advances}}}, END: {terminal: true}}\ntasks: {}`;
  return [
    ...readFixtures(),
    ...parseMachineDocument(document, { name: "any" }).problems,
    ...upgradeMachine(source, { name: "any" }).problems,
  ];
}

function readFixtures(): readonly ProblemExample[] {
  return ["invalid", "valid", "invalid-v2", "valid-v2"].flatMap((kind) => {
    const folder = join(core, "fixtures/machines", kind);
    const files = readdirSync(folder).filter((name) => name.endsWith(".json"));
    return files.flatMap((name) => JSON.parse(readFileSync(join(folder, name), "utf8")) as ProblemExample[]);
  });
}

/** Codes as the sources write them: a name of two words or more in quotes that a problem list or a rule takes. */
function findCodesInSources(): readonly string[] {
  const files = readdirSync(machines, { recursive: true, encoding: "utf8" }).filter(
    (name) => name.endsWith(".ts") && !name.includes(".test") && !name.startsWith("graph"),
  );
  const calls = files.flatMap((name) => [
    ...readFileSync(join(machines, name), "utf8").matchAll(
      /(?:\.(?:error|warn)\(\s*|code: |\b(?:must|choice|refuse|refuseChoice|Filled|Expression|Scalar)\(\s*)"([a-z]+(?:-[a-z]+)+)"/g,
    ),
  ]);
  return [...new Set(calls.map(([, code = ""]) => code))];
}

describe("the pages of codes", () => {
  it("docs/errors.md is made of the table of error codes", async () => {
    await expect(toErrorsPage()).toMatchFileSnapshot(join(repositoryRoot, "docs/errors.md"));
  });

  it("docs/problems.md is made of the examples of problems", async () => {
    await expect(toProblemsPage(readExamples())).toMatchFileSnapshot(join(repositoryRoot, "docs/problems.md"));
  });

  it("every code that the sources name has an example", () => {
    const shown = new Set(readExamples().map(({ code }) => code));

    expect(findCodesInSources().length).toBeGreaterThan(40);
    // A guard: no document is known that is upgraded into one that behaves differently.
    expect(findCodesInSources().filter((code) => !shown.has(code))).toEqual(["upgrade-differs"]);
  });

  it("docs/event-reference.md names every code of a refusal", () => {
    const decision = readFileSync(join(machines, "decide/decision.ts"), "utf8");
    const codes = [...decision.matchAll(/"([A-Z]+(?:_[A-Z]+)*)"/g)].map(([, code = ""]) => code);
    const page = readFileSync(join(repositoryRoot, "docs/event-reference.md"), "utf8");

    expect(codes.length).toBeGreaterThan(15);
    expect(codes.filter((code) => !page.includes(`\`${code}\``))).toEqual([]);
  });
});
