import { describe, expect, it } from "vitest";
import { aPlace, aScope } from "../../testing/builders.ts";
import { compileExpression } from "./compile-expression.ts";

const scope = aScope({ metadata: { empty: "", two: 2, half: 2.5, env: "prod", huge: 1e99 } });

function run(source: string) {
  const compiled = compileExpression(source, aPlace());
  return compiled.kind === "faults" ? compiled.faults : compiled.expression.evaluate(scope);
}

describe("types of an expression", () => {
  it.each([
    ["metadata.env == 'prod' ? 'prod-db' : null", "prod-db"],
    ["metadata.env == 'test' ? 'prod-db' : null", null],
    ["true ? 'cows' : 17", "cows"],
    ["(metadata.env == 'x' ? null : 5) == null", false],
    ["[].exists(e, e == 2)", false],
    ["[].all(e, e > 0)", true],
    ["[[]].exists(l, l.exists(e, e == 1))", false],
    ["{}.exists(k, k == 'a')", false],
    ["duration('72h') + stack.createdAt > stack.createdAt", true],
    ["duration('1h') + timestamp('2030-01-01T00:00:00Z')", "2030-01-01T01:00:00.000Z"],
    ["duration('1h') + duration('1h') == duration('2h')", true],
    ["metadata.two + 0.5", 2.5],
    ["metadata.half + 0.5", 3],
    ["2 * metadata.half - metadata.two / 4.0", 4.5],
    ["int('42') + int('-7') + int(2.9) + int(42u)", 79],
  ])("%s gives a value, as in the reference implementation", (source, value) => {
    expect(run(source)).toEqual({ kind: "value", value });
  });

  it.each([
    ["1 + 'a'", "no such overload: int + string."],
    ["'a' && true", "Logical operator requires bool operands, got 'string'."],
    ["size(3)", "found no matching overload for 'size(int)'."],
    ["size(stack.state) > 'three'", "no such overload: int > string."],
    ["'a' ? 1 : 2", "Ternary condition must be bool, got 'string'."],
    ["has({'a': 1}.a)", "has() and other macros take a field of a variable, such as metadata.x."],
    ["now + 5", "no such overload: google.protobuf.Timestamp + int."],
  ])("%s is refused when the document is read", (source, why) => {
    expect(run(source)).toMatchObject([{ code: "expression-type", message: `${JSON.stringify(source)}: ${why}` }]);
  });

  it.each([
    ["int('')", "int() cannot convert this text"],
    ["int(metadata.empty) == 0", "int() cannot convert this text"],
    ["int('1e3')", "int() cannot convert this text"],
    ["int(1e99)", "a number is out of the range of its type"],
    ["int(metadata.huge)", "a number is out of the range of its type"],
    ["int('9223372036854775808')", "a number is out of the range of its type"],
    ["int(18446744073709551615u)", "a number is out of the range of its type"],
  ])("%s fails instead of giving another number [cel-spec conversions]", (source, why) => {
    expect(run(source)).toEqual({ kind: "error", reason: `${JSON.stringify(source)}: ${why}` });
  });
});
