// biome-ignore-all lint/suspicious/noTemplateCurlyInString: the placeholders are those of machines, in plain strings.
import { describe, expect, it } from "vitest";
import { aPlace, aScope } from "../../testing/builders.ts";
import { compileExpression } from "./compile-expression.ts";
import { compileTemplate } from "./compile-template.ts";

const TEN = "[0,1,2,3,4,5,6,7,8,9]";
const steps = "it takes more than 100000 steps";
const text = "it makes a text of more than 262144 characters";
const list = "it makes a list of more than 10000 entries";
const big = "a".repeat(65_536);

const scope = aScope({
  metadata: {
    big,
    digits: "9".repeat(65_536),
    numbers: Array.from({ length: 9000 }, (_, index) => index).join(","),
    ...Object.fromEntries(Array.from({ length: 3000 }, (_, index) => [`key${index}`, index])),
  },
});

function reason(source: string): string {
  const compiled = compileExpression(source, aPlace());
  if (compiled.kind === "faults") throw new Error(JSON.stringify(compiled.faults));
  const evaluated = compiled.expression.evaluate(scope);
  return evaluated.kind === "error" ? evaluated.reason : `value ${JSON.stringify(evaluated.value).slice(0, 100)}`;
}

const nested = (macro: string, body: string, levels = 20): string => {
  let source = body;
  for (let level = 0; level < levels; level++) source = `${TEN}.${macro}(x${level}, ${source})`;
  return source;
};

const doubled = (start: string): string => {
  let source = start;
  for (let level = 0; level < 12; level++) {
    const sum = Array.from({ length: 8 }, () => `s${level}`).join(" + ");
    source = `[${source}].map(s${level}, ${sum})[0]`;
  }
  return source;
};

describe("a hostile expression ends", () => {
  it.each([
    ["nested all", nested("all", "true"), steps],
    ["nested exists", nested("exists", "false"), steps],
    ["nested exists_one", nested("exists_one", "true"), steps],
    ["nested map", nested("map", "1"), steps],
    ["nested filter", nested("map", `${TEN}.filter(y, true)`), steps],
    ["errors that exists swallows", nested("exists", "1 / 0 == 1"), steps],
    ["limits that || may not swallow", nested("exists", `metadata.big.split("") == [] || false`), list],
    ["doubling text", doubled("'ab'"), text],
    ["doubling lists", doubled(TEN), steps],
    ["copied text", Array.from({ length: 200 }, () => "metadata.big").join(" + "), text],
    ["text read again and again", "metadata.numbers.split(',').all(x, size(metadata.big) > 0)", steps],
    ["maps read again and again", "metadata.numbers.split(',').all(x, size(metadata) > 0)", steps],
    ["lists copied again and again", "[metadata.numbers.split(',')].all(l, l.all(x, l == l + []))", steps],
    ["split into characters", "metadata.big.split('')", list],
    ["join with long text", "metadata.numbers.split(',').join(metadata.big)", text],
    ["replace by long text", "metadata.numbers.replace(',', metadata.big)", text],
    ["replace of nothing by long text", "'abcd'.replace('', metadata.big)", text],
    ["long searches", `metadata.big.contains(metadata.big.replace(${"'aa'"}, 'b', 1))`, list],
    ["many searches", "metadata.numbers.split(',').all(x, !metadata.big.contains('b' + x))", steps],
    ["exponential patterns", "metadata.big.matches('^(a+)+$')", steps],
    ["large patterns", "metadata.big.matches('(?i)(a.{50}){8}b')", steps],
    ["counted patterns", `'a'.matches('${"(a?){1000}".repeat(20)}')`, steps],
    ["long patterns", "'a'.matches(metadata.big)", "it uses a pattern of more than 256 characters"],
    ["many patterns", "metadata.numbers.split(',').exists(x, 'a'.matches('(a{30}){30}' + x))", steps],
    ["many time zones", "metadata.numbers.split(',').all(x, now.getHours('Europe/Berlin') > 0)", steps],
    ["long durations", "duration(metadata.digits)", "duration() needs text such as 90m or 1h30m"],
    ["long instants", "timestamp(metadata.digits)", /timestamp\(\) needs RFC 3339 text/],
    ["long zones", "now.getHours(metadata.big)", "the time zone is unknown"],
    ["long numbers", "int(metadata.digits)", "int() cannot convert this text"],
    ["large numbers", "int(1e308) * int(1e308)", "a number is out of the range of its type"],
    ["large results", "[metadata.big, metadata.big, metadata.big, metadata.big, 1]", /the result has more than 262144/],
    ["a part that stands twice in a map", "{'a': 1, 'A'.lowerAscii(): 2}", "a map has a duplicate key"],
    ["a computed constructor", "{'Constructor'.lowerAscii(): 2}", 'value {"constructor":2}'],
    [
      "a computed key in a list",
      "[{'__PROTO__'.lowerAscii(): 2}]",
      'the result has the key "__proto__", which is reserved',
    ],
  ])("with %s", (_, source, expected) => {
    const told = reason(source);

    if (typeof expected === "string") expect(told.slice(-expected.length)).toBe(expected);
    else expect(told).toMatch(expected);
    expect(told.length).toBeLessThanOrEqual(500);
  });

  it("does honest work within the limits", () => {
    expect(reason("metadata.numbers.split(',').filter(x, x.endsWith('99')).size()")).toBe("value 90");
    expect(reason("metadata.all(k, metadata[k] != 'x')")).toBe("value true");
    expect(reason("metadata.numbers.replace(',', '').contains('89988999')")).toBe("value true");
    expect(reason("metadata.big.matches('b')")).toBe("value false");
    expect(reason(Array.from({ length: 999 }, () => "1").join("+"))).toBe("value 999");
  });

  it("shares the allowance between the placeholders of a template", () => {
    const half = "${metadata.numbers.split(',').map(x, x + x).size()}";
    const resolve = (source: unknown) => {
      const compiled = compileTemplate(source, aPlace());
      return compiled.kind === "template" ? compiled.template.resolve(scope, () => undefined) : compiled;
    };

    expect(resolve([half])).toEqual({ kind: "value", value: [9000] });
    expect(resolve([half, half, half, half])).toMatchObject({ kind: "error" });
    expect(resolve(["${metadata.big}", "${metadata.big}", "${metadata.big}"])).toMatchObject({ kind: "value" });
    expect(resolve(Array.from({ length: 5 }, () => "x${metadata.big}"))).toMatchObject({ kind: "error" });
  });

  it("refuses more placeholders than a template may have", () => {
    expect(compileTemplate("${1}".repeat(1000), aPlace()).kind).toBe("template");
    expect(compileTemplate(["${1}".repeat(500), "${1}".repeat(501)], aPlace())).toMatchObject({
      kind: "faults",
      faults: [{ code: "limit-exceeded", path: ["1"], offset: 2002 }],
    });
  });
});
