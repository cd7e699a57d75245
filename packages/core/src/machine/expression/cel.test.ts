// biome-ignore-all lint/suspicious/noTemplateCurlyInString: the placeholders are those of templates, in plain strings.
import { describe, expect, it } from "vitest";
import { compileCel } from "./compile-expression.ts";
import { compileCelTemplate } from "./compile-template.ts";

const hook = { kind: "pull", pull: { number: 7, labels: ["preview"], draft: false, size: 1.5, merged: null } };

function evaluate(source: string, values: Readonly<Record<string, unknown>> = { hook }) {
  const compiled = compileCel(source, ["hook", "now"]);
  return compiled.kind === "faults" ? compiled.faults : compiled.cel.evaluate(values);
}

const value = (of: unknown) => ({ kind: "value", value: of });

describe("compileCel", () => {
  it.each([
    ["hook.pull.number + 1", 8],
    ["'preview' in hook.pull.labels && !hook.pull.draft", true],
    ["hook.pull.merged == null", true],
    ["hook.pull.size * 2.0", 3],
    ["has(hook.push)", false],
    ["hook.pull.labels.exists(label, label.startsWith('pre'))", true],
  ])("evaluates %s", (source, expected) => {
    expect(evaluate(source)).toEqual(value(expected));
  });

  it("takes dates as instants", () => {
    const values = { hook, now: new Date("2030-01-31T12:00:00Z") };

    expect(evaluate("now + duration('1h')", values)).toEqual(value("2030-01-31T13:00:00.000Z"));
  });

  it("has the variables that it is given, and no others", () => {
    expect(evaluate("hok.pull")).toEqual([
      { code: "expression-unknown-name", message: 'Unknown variable "hok". Did you mean hook?', offset: 0 },
    ]);
    expect(evaluate("stack.id")).toEqual([
      { code: "expression-unknown-name", message: 'Unknown variable "stack". Valid: hook, now.', offset: 0 },
    ]);
  });

  it("has the functions and the bounds of expressions in machines", () => {
    expect(evaluate("hook.fetch()")).toEqual([expect.objectContaining({ code: "expression-unknown-name" })]);
    expect(evaluate("{'__proto__': 1}")).toEqual([expect.objectContaining({ code: "expression-syntax" })]);
    expect(evaluate("hook.pull.title")).toEqual({
      kind: "error",
      reason: '"hook.pull.title": hook.pull has no "title"; ask has() before',
    });
    const nested = "hook.a.map(a, hook.a.map(b, hook.a.map(c, hook.a.map(d, a + b + c + d))))";
    expect(evaluate(nested, { hook: { a: Array.from({ length: 40 }, (_, index) => index) } })).toEqual({
      kind: "error",
      reason: expect.stringContaining("it takes more than 100000 steps"),
    });
  });

  it("refuses values that are nested too deep, and never throws", () => {
    let deep: unknown = 1;
    for (let level = 0; level < 100_000; level++) deep = [deep];

    expect(evaluate("hook.a", { hook: { a: deep } })).toEqual(
      expect.objectContaining({ kind: "error", reason: expect.stringContaining("too deep") }),
    );
  });
});

describe("compileCelTemplate", () => {
  const resolve = (source: unknown) => {
    const compiled = compileCelTemplate(source, ["hook"]);
    return compiled.kind === "faults" ? compiled.faults : compiled.template.resolve({ hook });
  };

  it("resolves placeholders however deep; a whole placeholder keeps its type", () => {
    const source = { stack: "pr-${hook.pull.number}", facts: [{ number: "${hook.pull.number}" }], cost: "$${x}" };

    expect(resolve(source)).toEqual(value({ stack: "pr-7", facts: [{ number: 7 }], cost: "${x}" }));
  });

  it("has no place for sensitive values: metadata is an unknown variable", () => {
    expect(resolve({ deep: ["${metadata.password}"] })).toEqual([
      {
        code: "expression-unknown-name",
        message: 'Unknown variable "metadata". Valid: hook.',
        offset: 2,
        path: ["deep", "0"],
      },
    ]);
  });

  it("reports what a placeholder lacks", () => {
    expect(resolve("${hook.pull.title}")).toEqual(
      expect.objectContaining({ kind: "error", reason: expect.stringContaining('hook.pull has no "title"') }),
    );
  });
});
