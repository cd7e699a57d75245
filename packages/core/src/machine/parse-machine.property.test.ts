import { readdirSync, readFileSync } from "node:fs";
import fc from "fast-check";
import { Compile } from "typebox/compile";
import { describe, expect, it } from "vitest";
import { parse, stringify } from "yaml";
import { toSvg } from "../drawing/to-svg.ts";
import type { Problem } from "./document/problem-list.ts";
import { toDot, toMermaid } from "./graph/to-diagram.ts";
import { toGraph } from "./graph/to-graph.ts";
import type { CompileResult } from "./machine.ts";
import { parseMachine, parseMachineDocument, toMachineSource } from "./parse-machine.ts";
import { machineV2Schema } from "./v2/machine-v2-schema.ts";

const SHARE = process.env["QUICK_TESTS"] ? 0.2 : 1;

const folders = ["valid/", "valid-v2/"].map((kind) => new URL(`../../fixtures/machines/${kind}`, import.meta.url));

const sources = folders.flatMap((folder) => {
  const files = readdirSync(folder).filter((file) => file.endsWith(".yaml"));
  return files.map((file) => readFileSync(new URL(file, folder), "utf8"));
});

const options = { name: "app" };

/** What holds for every answer, whatever was asked. */
function expectSound({ machine, problems }: CompileResult): void {
  const errors = problems.filter(({ severity }) => severity === "error");
  expect(machine === undefined).toBe(errors.length > 0);
  for (const { code, line, column, message } of problems) {
    expect(code).toMatch(/^[a-z0-9]+(-[a-z0-9]+)*$/);
    expect(line).toBeGreaterThan(0);
    expect(column).toBeGreaterThan(0);
    expect(message.length).toBeGreaterThan(0);
  }
  const rank = ({ code, severity }: Problem) => (code === "duplicate-mapping-key" && severity === "error" ? 0 : 1);
  expect(problems).toEqual(problems.toSorted((a, b) => rank(a) - rank(b) || a.line - b.line || a.column - b.column));
  expect(Object.hasOwn(Object.prototype, "polluted")).toBe(false);
  if (machine)
    for (const draw of [toSvg, toDot, toMermaid]) expect(draw(toGraph(machine))).toBe(draw(toGraph(machine)));
}

const token = fc.constantFrom(
  ..."version: 1|version: 2|events:|states:|tasks:|INIT|NEXT|on:|terminal|action: advance|state:|<<: *a|&a |*a|[|]|{|}|- |: |, |\n|\n  |\n    |\t|---|...|? |!!str |!x |%YAML 1.1|'|\"|\\|#|@|__proto__:|constructor|010|null|~|true|😀|\uFEFF|\r\n|\u0000|\u2028".split(
    "|",
  ),
);

// Words of machines in shapes of machines, so that the rules behind the first check are reached too.
const word = fc.constantFrom(
  "INIT",
  "NEXT",
  "GO",
  "run",
  "advance",
  "no-op",
  "lambda",
  "terraform",
  "s3",
  "local",
  "__proto__",
  "x",
  "FAILED",
  "5m",
  `\${metadata.x}`,
  `a $\${ \${tasks.run.outputs.x`,
  "stack.visits.INIT < 3",
  "metadata.source == 'x'",
  "string",
);
const key = fc.constantFrom(
  ..."version events states tasks on terminal action state executor config name args source type bucket key location variables INIT GO NEXT run x-a __proto__ constructor metadata targets additionalMetadata revision description timeout after in event leaving protected when set FAILED needs retry attempts backoff from only outputs exclusive allow target account required default pattern enum minimum sensitive".split(
    " ",
  ),
);
const { value: document } = fc.letrec((tie) => ({
  value: fc.oneof(
    { maxDepth: 6, withCrossShrink: true },
    fc.oneof(word, fc.constantFrom(1, 2, 0, null, true, "", "1", "true"), fc.string()),
    fc.array(tie("value"), { maxLength: 4 }),
    fc.dictionary(key, tie("value"), { maxKeys: 6 }),
  ),
}));
const machineLike = fc.record({
  version: fc.constantFrom(1, "1", 1, 2, 2, 3),
  metadata: fc.oneof(fc.dictionary(word, document), fc.constant({ source: { sensitive: true } }), document),
  targets: fc.oneof(fc.dictionary(word, document), document),
  events: fc.oneof(fc.array(word), document),
  states: fc.oneof(fc.dictionary(word, document), document),
  tasks: fc.oneof(fc.dictionary(word, document), document),
});

const validator = Compile(machineV2Schema);

/** A copy with another value in the place of one of the values, counted from outside to inside. */
function replaceOne(value: unknown, at: number, put: unknown): unknown {
  let left = 1 + (at % JSON.stringify(value).split(/[,:[{]/).length);
  const copy = (inner: unknown): unknown => {
    left -= 1;
    if (left === 0) return put;
    if (Array.isArray(inner)) return inner.map(copy);
    if (typeof inner !== "object" || inner === null) return inner;
    return Object.fromEntries(Object.entries(inner).map(([name, item]) => [name, copy(item)]));
  };
  return copy(value);
}

describe("parseMachine", () => {
  it("answers soundly to any text", { timeout: 60_000 }, () => {
    fc.assert(
      fc.property(fc.string({ unit: "binary", maxLength: 300 }), (source) =>
        expectSound(parseMachine(source, options)),
      ),
    );
  });

  it("answers soundly to any heap of YAML", () => {
    const heap = fc.array(token, { maxLength: 60 }).map((tokens) => tokens.join(""));

    fc.assert(
      fc.property(heap, (source) => expectSound(parseMachine(source, options))),
      { numRuns: SHARE * 500 },
    );
  });

  it("answers soundly to machines with a piece cut out or put in", () => {
    const mutation = fc.record({
      source: fc.constantFrom(...sources),
      at: fc.nat(),
      cut: fc.nat(20),
      put: token,
      strict: fc.boolean(),
    });

    fc.assert(
      fc.property(mutation, ({ source, at, cut, put, strict }) => {
        const start = at % (source.length + 1);
        const mutated = source.slice(0, start) + put + source.slice(start + cut);
        expectSound(parseMachine(mutated, { ...options, strict }));
      }),
      { numRuns: SHARE * 500 },
    );
  });

  it("answers the same to a document and to its YAML, JSON and source", () => {
    fc.assert(
      fc.property(fc.oneof(document, machineLike), (value) => {
        const fromValue = parseMachineDocument(value, options);
        const fromJson = parseMachine(toMachineSource(value) ?? "", options);
        const fromYaml = parseMachine(stringify(value, { aliasDuplicateObjects: false }), options);

        expectSound(fromValue);
        const codes = ({ problems }: CompileResult) => problems.map(({ code, path }) => `${code} ${path}`).toSorted();
        expect(codes(fromJson)).toEqual(codes(fromValue));
        // Unquoted texts may look ambiguous.
        expect(codes(fromYaml).filter((text) => !text.startsWith("scalar"))).toEqual(codes(fromValue));
        expect(fromJson.machine).toEqual(fromValue.machine);
      }),
      { numRuns: SHARE * 300 },
    );
  });

  it("accepts no document of version 2 that the published schema refuses", { timeout: 60_000 }, () => {
    const documents = sources.map((source) => parse(source, { merge: true, uniqueKeys: false, maxAliasCount: -1 }));
    const change = fc.record({
      at: fc.nat(),
      put: fc.oneof(word, document, fc.constantFrom(0, 2.5, null, true, "", `\${metadata.url}`, [], {})),
    });
    const known = fc.constantFrom(...documents.filter(({ version }) => version === 2));

    fc.assert(
      fc.property(known, fc.array(change, { minLength: 1, maxLength: 3 }), (before, changes) => {
        const changed = changes.reduce((value, { at, put }) => replaceOne(value, at, put), before);
        const { machine } = parseMachineDocument(changed, { ...options, uncheckedExecutors: ["sleeper", "ecs"] });

        // Another version may have taken the place of 2.
        expect(machine?.version === 2 ? validator.Errors(changed) : []).toEqual([]);
      }),
      { numRuns: SHARE * 1_000 },
    );
  });

  it("answers soundly to any value at all", () => {
    const anything = fc.anything({
      withBigInt: true,
      withDate: true,
      withMap: true,
      withNullPrototype: true,
      withSparseArray: true,
    });

    fc.assert(fc.property(anything, (value) => expectSound(parseMachineDocument(value, options))));
  });
});
