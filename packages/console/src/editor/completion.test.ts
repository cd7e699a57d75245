import { CompletionContext, type CompletionResult } from "@codemirror/autocomplete";
import { EditorState } from "@codemirror/state";
import { describe, expect, it } from "vitest";
import { toOutline } from "../machine/outline.ts";
import { tasks } from "../machine/tasks.ts";
import { createCompletion, createHover, findSchemas, pathAt } from "./completion.ts";

const MACHINE = `version: 2
events: [OPENED, MERGED]
metadata: { sha: {} }
states:
  INIT:
    on: { OPENED: LIVE }
  LIVE: {}
tasks:
  app:
    executor: terraform
    config:
      action: apply
`;

const executors = [
  {
    name: "terraform",
    config: { properties: { only: {} } },
    documents: {
      v1: {},
      v2: {
        properties: {
          action: { anyOf: [{ const: "apply" }, { const: "destroy" }], description: "What to do" },
          source: { properties: { location: {} } },
        },
      },
    },
  },
  { name: "lambda", config: { properties: { args: {} } } },
];

const knowledge = { schemas: tasks.schemas(undefined), outline: toOutline(MACHINE), executors };

/** Completes at the mark `|` of a text. */
async function complete(marked: string): Promise<readonly string[]> {
  const pos = marked.indexOf("|");
  const state = EditorState.create({ doc: marked.replace("|", "") });
  const result: CompletionResult | null = createCompletion(() => knowledge)(new CompletionContext(state, pos, true));
  return result?.options.map(({ label }) => label) ?? [];
}

describe("completion", () => {
  it.each([
    ["keys of a config, by the executor of its task", `${MACHINE}      |`, ["action", "source"]],
    ["keys of a map in a config", `${MACHINE}      source:\n        |`, ["location"]],
    [
      "keys of a config on one line",
      MACHINE.replace("config:\n      action: apply", "config: { |"),
      ["action", "source"],
    ],
    ["values of a config", MACHINE.replace("apply", "|"), ["apply", "destroy"]],
    ["values that are true or false", MACHINE.replace("LIVE: {}", "LIVE:\n    terminal: |"), ["true", "false"]],
    ["executors", MACHINE.replace("terraform", "|"), ["terraform", "lambda"]],
    ["states that a reaction enters", MACHINE.replace("OPENED: LIVE", "OPENED: |"), ["INIT", "LIVE", "no-op"]],
  ])("lists %s", async (_what, marked, expected) => {
    expect(await complete(marked)).toEqual(expected);
  });

  it("lists events of the document as keys of on", async () => {
    expect(await complete(MACHINE.replace("OPENED: LIVE", "|"))).toEqual(
      expect.arrayContaining(["OPENED", "MERGED", "NEXT", "FAILED", "TIMEOUT"]),
    );
  });

  it("lists metadata and the words of CEL in conditions", async () => {
    const marked = MACHINE.replace("OPENED: LIVE", 'OPENED: [{ when: "|" }]');

    expect(await complete(marked)).toEqual(expect.arrayContaining(["stack.id", "metadata.sha", "stack.visits.LIVE"]));
  });
});

describe("the schemas of a path", () => {
  it("are found next to a pattern that is invalid under the flag `u`", () => {
    const named = { description: "named" };

    expect(findSchemas({ patternProperties: { "^a\\-": {}, "^a": named } }, ["a-b"])).toEqual([named]);
  });
});

describe("hover", () => {
  it("explains a key of a config by the executor's schema", () => {
    const state = EditorState.create({ doc: MACHINE });

    expect(createHover(() => knowledge)(state, MACHINE.indexOf("action:") + 1)?.text).toBe("What to do");
  });
});

describe("pathAt", () => {
  it("finds the keys above a line by indent, through lists and quotes", () => {
    const lines = ["a:", "  'b c':", "    - d: 1", "      e:"];

    expect(pathAt(lines, 3, 8)).toEqual(["a", "b c", "e"]);
  });
});
