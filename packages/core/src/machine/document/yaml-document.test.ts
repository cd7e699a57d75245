import { Type } from "typebox";
import { describe, expect, it } from "vitest";
import { parseYamlDocument } from "./yaml-document.ts";

const Rule = Type.Object(
  { on: Type.String({ maxLength: 20 }), times: Type.Optional(Type.Integer({ minimum: 1 })) },
  closed(),
);
const Rules = Type.Object(
  {
    host: Type.String(),
    forks: Type.Optional(Type.Union([Type.Literal("ignore"), Type.Literal("trust")])),
    rules: Type.Record(Type.String({ pattern: "^[a-z]+$" }), Rule, closed()),
  },
  closed(),
);

function closed() {
  return { additionalProperties: false };
}

const faultsOf = (source: string) =>
  parseYamlDocument(source, Rules).problems.map(({ code, path, line, message }) => [code, path, line, message]);

describe("parseYamlDocument", () => {
  it("returns the value, with aliases and merges written out", () => {
    const source = "host: github\nrules:\n  a: &a {on: x, times: 2}\n  b: {<<: *a, on: z}\n";

    expect(parseYamlDocument(source, Rules).value).toEqual({
      host: "github",
      rules: { a: { on: "x", times: 2 }, b: { on: "z", times: 2 } },
    });
  });

  it("reports each fault where it is", () => {
    expect(faultsOf("forks: always\nrules:\n  a: {on: x, tmes: 2}\nB: 1\n")).toEqual([
      ["missing-key", "host", 1, 'The key "host" is missing.'],
      ["invalid-value", "forks", 1, 'forks must be "ignore" or "trust".'],
      ["unknown-key", "rules.a.tmes", 3, 'Unknown key "tmes". Did you mean "times"?'],
      ["unknown-key", "B", 4, 'Unknown key "B". Known: "host", "forks", "rules".'],
    ]);
  });

  it("reports keys that are missing in a map of names, and values out of their bounds", () => {
    expect(faultsOf("host: a\nrules:\n  b: {times: 0}\n")).toEqual([
      ["missing-key", "rules.b.on", 3, 'The key "on" is missing.'],
      ["invalid-value", "rules.b.times", 3, "rules.b.times must be >= 1."],
    ]);
  });

  it("reports a key of a map of names that is not a valid name", () => {
    expect(faultsOf("host: a\nrules:\n  B: {on: x}\n")).toEqual([
      ["invalid-value", "rules.B", 3, "rules.B is not a valid name: names match ^[a-z]+$."],
    ]);
  });

  it.each([
    ["a list", "[1]", ["invalid-value", "", 1, "The document must be a map."]],
    ["a broken document", "host: [", ["yaml-syntax", "", 1, expect.stringContaining("Flow sequence")]],
    ["a duplicate key", "host: a\nhost: b\nrules: {}", expect.arrayContaining(["duplicate-mapping-key"])],
    ["a huge document", `host: "${"x".repeat(300_000)}"`, ["limit-exceeded", "", 1, expect.stringContaining("262144")]],
  ])("refuses %s", (_, source, fault) => {
    expect(faultsOf(source)).toEqual([fault]);
  });

  it("makes problems of its own reader's, at the place of a value", () => {
    const document = parseYamlDocument("host: github\nrules:\n  a:\n    on: x\n", Rules);

    expect(document.problemAt(["rules", "a", "on"], "hook-event", "Unknown event.")).toEqual({
      severity: "error",
      code: "hook-event",
      path: "rules.a.on",
      line: 4,
      column: 9,
      message: "Unknown event.",
    });
  });
});
