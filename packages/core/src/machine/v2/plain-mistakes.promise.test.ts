// biome-ignore-all lint/suspicious/noTemplateCurlyInString: the placeholders are those of machines, in plain strings.
import { describe, expect, it } from "vitest";
import { parseMachine } from "../parse-machine.ts";

function listProblems({ set = "x", states = "" }: { readonly set?: string; readonly states?: string }) {
  const source = `
version: 2
events: [OPENED, PUSHED, CLOSED]
metadata: { until: { type: string }, sha: { type: string } }
states:
  INIT: { on: { OPENED: [{ action: advance, state: BUILD, set: { until: ${JSON.stringify(set)} } }] } }
${states || "  BUILD: { on: { PUSHED: no-op, CLOSED: GONE } }"}
  GONE: { terminal: true }
tasks: { app: { executor: work, config: {} } }
`;
  const { problems } = parseMachine(source, { name: "app" });
  return problems.filter(({ code }) => !code.startsWith("unused")).map(({ code, message }) => `${code}: ${message}`);
}

describe("a part of an expression that always fails", () => {
  it.each([
    [
      "${now + duration('3d')}",
      "duration('3d')",
      "duration() needs text such as 90m or 1h30m, and has no d: write 72h",
    ],
    ["${now + duration('1w')}", "duration('1w')", "duration() needs text such as 90m or 1h30m"],
    ["${string(1 / 0)}", "string(1 / 0)", "division by zero"],
  ])("is a problem of the document: %s", (set, part, why) => {
    expect(listProblems({ set })).toEqual([`expression-fails: ${JSON.stringify(part)}: ${why}.`]);
  });

  it.each(["${now + duration('72h')}", "${string(int('5'))}", "${has(metadata.sha) ? metadata.sha : '1'}"])(
    "is none in %s",
    (set) => {
      expect(listProblems({ set })).toEqual([]);
    },
  );
});

describe("a placeholder in the form of another tool", () => {
  it("has one pair of braces", () => {
    expect(listProblems({ set: "${{ metadata.sha }}" })).toEqual([
      expect.stringMatching(/^expression-syntax: .* One pair of braces is enough: \$\{metadata\.sha\}\.$/),
    ]);
  });

  it("begins with a dollar sign", () => {
    expect(listProblems({ set: "{metadata.sha}" })).toEqual([
      'placeholder-bare: "{metadata.sha}" is passed literally. For the value write ${metadata.sha}.',
    ]);
  });
});

describe("the marks of a merge", () => {
  it("are one problem, where they begin", () => {
    const states = "<<<<<<< HEAD\n  BUILD: { on: { CLOSED: GONE } }\n=======\n  BUILD: {}\n>>>>>>> main";

    expect(listProblems({ states })).toEqual([
      "yaml-syntax: A merge has left its marks here: keep one of the two versions, and remove the lines with <<<<<<<, ======= and >>>>>>>.",
    ]);
  });
});

describe("a state that failure leads to", () => {
  const live = "  LIVE: { after: [{ in: 72h, event: CLOSED }], on: { PUSHED: BUILD, CLOSED: GONE } }";
  const build = (failed: string) =>
    `  BUILD: { tasks: [app], on: { NEXT: LIVE, ${failed} PUSHED: BUILD, CLOSED: GONE } }\n${live}`;
  const stays = (name: string) => [
    expect.stringContaining(`failure-stays: A stack that has failed stays in "${name}"`),
  ];

  it("is reported when only people end it, and others end by themselves", () => {
    expect(listProblems({ states: build("") })).toEqual(stays("BUILD"));
    expect(
      listProblems({ states: `${build("FAILED: BROKEN,")}\n  BROKEN: { on: { PUSHED: BUILD, CLOSED: GONE } }` }),
    ).toEqual(stays("BROKEN"));
  });

  it("is not reported with an end of its own, or where nothing ends by itself", () => {
    const ended = "  BROKEN: { after: [{ in: 72h, event: CLOSED }], on: { PUSHED: BUILD, CLOSED: GONE } }";

    expect(listProblems({ states: `${build("FAILED: BROKEN,")}\n${ended}` })).toEqual([]);
    expect(listProblems({ states: build("").replace("after: [{ in: 72h, event: CLOSED }], ", "") })).toEqual([]);
  });
});
