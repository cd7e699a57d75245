// biome-ignore-all lint/suspicious/noTemplateCurlyInString: the placeholders are those of machines, in plain strings.
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { aPlace, aScope } from "../../testing/builders.ts";
import { compileTemplate, escapeTemplate, splitTemplate } from "./compile-template.ts";
import type { ExpressionPlace, ExpressionScope, FindSecret } from "./expression.ts";

const config = aPlace({ event: false, sensitive: "placeholder" });
const none: FindSecret = () => undefined;
const secrets: FindSecret = (place) => {
  if (place.kind === "metadata") return place.key === "password" ? "password#3" : undefined;
  return place.task === "app" && place.output === "token" ? "app.token#1" : undefined;
};

interface ResolveInput {
  readonly place?: ExpressionPlace;
  readonly scope?: ExpressionScope;
  readonly findSecret?: FindSecret;
}

function resolve(source: unknown, { place = config, scope = aScope(), findSecret = secrets }: ResolveInput = {}) {
  const compiled = compileTemplate(source, place);
  return compiled.kind === "faults" ? compiled : compiled.template.resolve(scope, findSecret);
}

const value = (of: unknown) => ({ kind: "value", value: of });
const error = (reason: string) => ({ kind: "error", reason });

describe("compileTemplate", () => {
  it.each([
    ["${metadata.count}", 3],
    ["${metadata.on}", true],
    ["${metadata.url}", null],
    ["${ metadata.image }", "shop:1.2"],
    ["${[1, 'a']}", [1, "a"]],
    ["${{'a': now}}", { a: "2030-01-31T12:00:00.000Z" }],
    ["review:${metadata.image.split(':')[1]}", "review:1.2"],
    ["${metadata.count}${metadata.on}${metadata.ratio}", "3true1.5"],
    ["at ${now}", "at 2030-01-31T12:00:00.000Z"],
    ["$${metadata.count}", "${metadata.count}"],
    ["$$${metadata.count}", "$${metadata.count}"],
    ["${'$' + metadata.image}", "$shop:1.2"],
    ["$${a} ${metadata.count}", "${a} 3"],
    ["$$ $x ${'}'}", "$$ $x }"],
    [
      { a: ["${metadata.count}", { b: "x${metadata.count}", c: 1 }], d: null },
      { a: [3, { b: "x3", c: 1 }], d: null },
    ],
    [
      ["${metadata.image}", 1, false, "$${x}"],
      ["shop:1.2", 1, false, "${x}"],
    ],
    [{ "${metadata.count}": "${metadata.count}" }, { "${metadata.count}": 3 }],
  ])("resolves %j", (source, expected) => {
    expect(resolve(source)).toEqual(value(expected));
  });

  it.each(["plain", "", 0, -1.5, false, null, [], {}, { a: [{ b: "$ { }" }, null] }])(
    "gives the constant %j back",
    (source) => {
      const compiled = compileTemplate(source, config);

      expect(compiled).toMatchObject({ kind: "template", hasExpressions: false });
      expect(resolve(source)).toEqual(value(source));
    },
  );

  it("knows whether there are expressions", () => {
    const compiled = compileTemplate(["${metadata.a}", { x: "b ${tasks.app.outputs.c}" }, "$${metadata.d}"], config);

    expect(compiled).toMatchObject({
      kind: "template",
      hasExpressions: true,
    });
  });

  it.each([
    ["a ${metadata.url}", '"metadata.url": the value is null, which cannot be part of a string'],
    ["a ${[1]}", '"[1]": the value is a list, which cannot be part of a string'],
    ["a ${{'a': 1}}", `"{'a': 1}": the value is a map, which cannot be part of a string`],
    ["a ${9007199254740993}", '"9007199254740993": the result is a whole number beyond 2^53, which JSON cannot hold'],
    ["${now - now}", '"now - now": the result is a duration; write string(x) for a string'],
    [["${metadata.count}", "${metadata.nope}"], '"metadata.nope": metadata has no "nope"; ask has() before'],
    [
      "${tasks.app.outputs.token + 'x'}",
      `"tasks.app.outputs.token + 'x'": tasks.app.outputs has no "token"; a sensitive output may stand only as a whole placeholder of a config`,
    ],
  ])("says why %j cannot be resolved", (source, reason) => {
    expect(resolve(source)).toEqual(error(reason));
  });

  it("puts a reference in place of a sensitive value", () => {
    expect(
      resolve({ a: "${metadata.password}", b: "${ metadata['password'] }", c: "${tasks.app.outputs.token}" }),
    ).toEqual(value({ a: { $secret: "password#3" }, b: { $secret: "password#3" }, c: { $secret: "app.token#1" } }));
  });

  it("keeps the text around a sensitive value apart", () => {
    expect(resolve("postgres://u:${metadata.password}@${metadata.image}/${metadata.count}")).toEqual(
      value({ $concat: ["postgres://u:", { $secret: "password#3" }, "@shop:1.2/3"] }),
    );
    expect(resolve("${metadata.password}${tasks['app'].outputs['token']}")).toEqual(
      value({ $concat: [{ $secret: "password#3" }, { $secret: "app.token#1" }] }),
    );
  });

  it("never gives the value of a sensitive key: it is null without a reference", () => {
    const scope = aScope({ metadata: { password: "hunter2" } });

    expect(resolve("${metadata.password}", { scope, findSecret: none })).toEqual(value(null));
    expect(resolve("x${metadata.password}", { scope, findSecret: none })).toEqual(
      error('"metadata.password": the value is null, which cannot be part of a string'),
    );
  });

  it("reads an output that is not sensitive unchanged", () => {
    expect(resolve("${tasks.app.outputs.port}")).toEqual(value(80));
  });

  it.each([
    "${metadata.password + 'x'}",
    "${has(metadata.password)}",
    "${[metadata.password]}",
    "x${string(metadata.password)}",
  ])("refuses the sensitive key in %s", (source) => {
    expect(compileTemplate(source, config)).toMatchObject({
      kind: "faults",
      faults: [{ code: "sensitive-leak", path: [] }],
    });
  });

  it("computes with sensitive keys where the key that is set is sensitive itself", () => {
    const place = aPlace({ sensitive: "always" });
    const scope = aScope({ metadata: { password: "hunter2" } });

    expect(resolve("${metadata.password}", { place, scope })).toEqual(value("hunter2"));
    expect(resolve("x${metadata.password}", { place, scope })).toEqual(value("xhunter2"));
  });

  it("refuses every mention of a sensitive key elsewhere", () => {
    expect(compileTemplate("${metadata.password}", aPlace())).toMatchObject({
      kind: "faults",
      faults: [{ code: "sensitive-leak" }],
    });
  });

  it("reports every fault with its path and its place in the string", () => {
    const source = { a: ["ok", { b: "x ${stack.nope}" }], c: "y ${", d: "$${ ${event.name} ${tasks.nope.status}" };

    expect(compileTemplate(source, config)).toMatchObject({
      kind: "faults",
      faults: [
        { code: "expression-unknown-name", path: ["a", "1", "b"], offset: 10 },
        { code: "expression-unterminated", path: ["c"], offset: 2 },
        { code: "expression-variable-unavailable", path: ["d"], offset: 6 },
        { code: "expression-task-not-available", path: ["d"], offset: 26 },
      ],
    });
  });

  it("refuses written references, which would read secrets past the checks", () => {
    expect(compileTemplate({ a: { $secret: "password#1" } }, config)).toMatchObject({
      kind: "faults",
      faults: [{ code: "sensitive-leak", path: ["a", "$secret"] }],
    });
    expect(resolve("${{'$' + 'secret': metadata.image}}")).toMatchObject({ kind: "error" });
  });

  it("keeps the key __proto__ as data", () => {
    const source: unknown = JSON.parse('{"__proto__":{"a":"${metadata.count}"}}');

    const resolved = resolve(source);

    expect(JSON.stringify(resolved)).toBe('{"kind":"value","value":{"__proto__":{"a":3}}}');
  });

  it("bounds depth", () => {
    const deep = (levels: number): unknown => (levels === 0 ? "x" : [deep(levels - 1)]);

    expect(compileTemplate(deep(64), config).kind).toBe("template");
    expect(compileTemplate(deep(70), config)).toMatchObject({ kind: "faults", faults: [{ code: "limit-exceeded" }] });
  });
});

const text = (value: string) => ({ kind: "text", text: value });
const expression = (source: string, offset: number) => ({ kind: "expression", source, offset });

describe("splitTemplate", () => {
  it.each([
    ["", []],
    ["plain $ {text} $", [text("plain $ {text} $")]],
    ["${a}", [expression("a", 2)]],
    ["x${a}y${b}z", [text("x"), expression("a", 3), text("y"), expression("b", 8), text("z")]],
    ["${a}${b}", [expression("a", 2), expression("b", 6)]],
    ["$${a}", [text("${a}")]],
    ["$$${a}", [text("$${a}")]],
    ["$$$${a}", [text("$$${a}")]],
    ["$${${a}}", [text("${"), expression("a", 5), text("}")]],
    ["$${a}${b}", [text("${a}"), expression("b", 7)]],
    ["$${", [text("${")]],
    ["${}", [expression("", 2)]],
    ["${{'a': {'b': 1}}.a}", [expression("{'a': {'b': 1}}.a", 2)]],
    ["${'}'}", [expression("'}'", 2)]],
    [`\${"}"}`, [expression(`"}"`, 2)]],
    ["${'\\'}'}", [expression("'\\'}'", 2)]],
    ["${'''it's }'''}", [expression("'''it's }'''", 2)]],
    [`\${"""say "}" """}`, [expression(`"""say "}" """`, 2)]],
    ["${r'}'}", [expression("r'}'", 2)]],
    ["${'$' + '${x}'}", [expression("'$' + '${x}'", 2)]],
    ["${'$${'}", [expression("'$${'", 2)]],
    ["${1 // }\n}", [expression("1 // }\n", 2)]],
    ["a ${b", [text("a "), { kind: "unterminated", offset: 2 }]],
    ["${'}", [{ kind: "unterminated", offset: 0 }]],
    ["${{'a': 1}", [{ kind: "unterminated", offset: 0 }]],
    ["${a}${", [expression("a", 2), { kind: "unterminated", offset: 4 }]],
    ["${1 // }", [{ kind: "unterminated", offset: 0 }]],
  ])("takes %j apart", (template, parts) => {
    expect(splitTemplate(template)).toEqual(parts);
  });
});

const templateText = fc.string({ unit: fc.constantFrom("$", "{", "}", "$${", "${", "'", '"', "a", "\\", "\n", "/") });

describe("escapeTemplate", () => {
  it.each([
    ["a", "a"],
    ["$", "$"],
    ["${a}", "$${a}"],
    ["$${a}", "$$${a}"],
    ["${${", "$${$${"],
  ])("writes %j as %j", (text, escaped) => {
    expect(escapeTemplate(text)).toBe(escaped);
  });

  it("gives any text back when the template is resolved", { timeout: 60_000 }, () => {
    fc.assert(
      fc.property(fc.oneof(templateText, fc.string({ unit: "binary" })), (text) => {
        const compiled = compileTemplate(escapeTemplate(text), aPlace());

        expect(compiled).toMatchObject({ kind: "template", hasExpressions: false });
        const resolved = compiled.kind === "template" && compiled.template.resolve(aScope(), () => undefined);
        expect(resolved).toEqual({ kind: "value", value: text });
      }),
    );
  });
});
