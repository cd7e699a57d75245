// biome-ignore-all lint/suspicious/noTemplateCurlyInString: the placeholders are those of machines, in plain strings.
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { aPlace, aScope } from "../../testing/builders.ts";
import { compileExpression } from "./compile-expression.ts";
import { compileTemplate, splitTemplate } from "./compile-template.ts";
import type { ExpressionPlace } from "./expression.ts";

const places: readonly ExpressionPlace[] = [
  aPlace(),
  aPlace({ event: false, sensitive: "placeholder" }),
  aPlace({ sensitive: "always", metadata: { additional: false } }),
];

const secret = "hunter2-is-the-password";
const scope = aScope({ metadata: { image: "shop:1.2", count: 3, ratio: 1.5, url: null, password: secret } });

const leaf = fc.constantFrom(
  ..."0 1 -3 1.5 9223372036854775807 'a' '' 'a:b' b'x' true null [] {} now stack.id stack.visits metadata".split(" "),
  ..."metadata.image metadata.count metadata.ratio metadata.url metadata.none event.name tasks.app tasks x y".split(
    " ",
  ),
  ..."metadata.password event.metadata stack.createdAt duration('1h') int type(1) -1.0 1u '^(a+)+$'".split(" "),
);

const { tree } = fc.letrec<{ tree: string }>((tie) => ({
  tree: fc.oneof(
    { depthSize: "small", withCrossShrink: true },
    leaf,
    fc
      .tuple(tie("tree"), fc.constantFrom(..."+ - * / % == != < >= && || in".split(" ")), tie("tree"))
      .map(([left, operator, right]) => `(${left} ${operator} ${right})`),
    fc.tuple(tie("tree"), tie("tree"), tie("tree")).map(([a, b, c]) => `(${a} ? ${b} : ${c})`),
    fc
      .tuple(tie("tree"), fc.constantFrom("all", "exists", "exists_one", "map", "filter"), tie("tree"))
      .map(([of, macro, body]) => `${of}.${macro}(x, ${body})`),
    fc
      .tuple(
        tie("tree"),
        fc.constantFrom(..."split join replace contains matches getHours size trim".split(" ")),
        tie("tree"),
      )
      .map(([of, name, arg]) => `${of}.${name}(${arg})`),
    fc
      .tuple(
        fc.constantFrom(..."size int string double bool has dyn type timestamp duration bytes".split(" ")),
        tie("tree"),
      )
      .map(([name, arg]) => `${name}(${arg})`),
    fc.array(tie("tree"), { maxLength: 3 }).map((items) => `[${items.join(", ")}]`),
    fc.tuple(tie("tree"), tie("tree")).map(([key, value]) => `{${key}: ${value}}`),
    fc.tuple(tie("tree"), tie("tree")).map(([of, index]) => `${of}[${index}]`),
    fc.tuple(fc.constantFrom("!", "-"), tie("tree")).map(([sign, of]) => `${sign}${of}`),
  ),
}));

const noise = fc.string({
  unit: fc.oneof(
    fc.constantFrom(..."${ } { ( ) [ ] ' \" \\ . , ? : && || - ! metadata stack .all( x, // \n r' ''' $".split(" ")),
    fc.string({ maxLength: 3 }),
  ),
  maxLength: 40,
});

const json = fc.jsonValue({ maxDepth: 4 });

function checkExpression(source: string): void {
  for (const place of places) {
    const compiled = compileExpression(source, place);
    if (compiled.kind === "faults") {
      expect(compiled.faults.length).toBeGreaterThan(0);
      for (const { offset, message } of compiled.faults) {
        expect(offset).toBeLessThanOrEqual(source.length);
        expect(message).not.toBe("");
      }
      continue;
    }
    const evaluated = compiled.expression.evaluate(scope);
    const told = JSON.stringify(evaluated);
    expect(JSON.parse(told)).toEqual(evaluated);
    if (place.sensitive !== "always" || evaluated.kind === "error") expect(told).not.toContain(secret);
    expect(compiled.expression.evaluate(scope)).toEqual(evaluated);
  }
}

describe("any expression", () => {
  it("compiles and evaluates to JSON or a reason, twice the same, and shows no secret", () => {
    fc.assert(fc.property(tree, checkExpression), { numRuns: 400 });
  });

  it("may be any text", () => {
    fc.assert(fc.property(fc.oneof(noise, fc.string({ unit: "binary" })), checkExpression), { numRuns: 400 });
  });
});

describe("any template", () => {
  it("resolves to a value or a reason, and shows no secret", () => {
    const strings = fc.oneof(
      noise,
      tree.map((source) => `\${${source}}`),
      fc.tuple(noise, tree).map(([before, source]) => `${before}\${${source}}`),
    );
    fc.assert(
      fc.property(fc.array(strings, { maxLength: 3 }), fc.constantFrom(...places), (source, place) => {
        const compiled = compileTemplate({ source }, place);
        if (compiled.kind === "faults") return;

        const resolved = compiled.template.resolve(scope, ({ kind }) =>
          kind === "metadata" ? "password#1" : undefined,
        );

        const told = JSON.stringify(resolved);
        expect(JSON.parse(told)).toEqual(resolved);
        if (place.sensitive !== "always") expect(told).not.toContain(secret);
      }),
      { numRuns: 400 },
    );
  });

  it("without a dollar sign gives its value back", () => {
    const plain = json.filter((value) => !JSON.stringify(value).includes("$"));
    fc.assert(
      fc.property(plain, (source) => {
        const compiled = compileTemplate(source, aPlace());

        const resolved = compiled.kind === "template" && compiled.template.resolve(scope, () => undefined);
        expect(resolved).toEqual({ kind: "value", value: source });
      }),
    );
  });

  it("is taken apart without losing a character", () => {
    fc.assert(
      fc.property(noise, (template) => {
        const written = splitTemplate(template).map((part) => {
          if (part.kind === "text") return part.text.replaceAll("${", () => "$${");
          return part.kind === "expression" ? `\${${part.source}}` : template.slice(part.offset);
        });

        expect(written.join("")).toBe(template);
      }),
    );
  });
});
