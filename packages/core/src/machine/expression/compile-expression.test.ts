import { describe, expect, it } from "vitest";
import { aPlace, aScope } from "../../testing/builders.ts";
import { compileExpression } from "./compile-expression.ts";
import type { ExpressionPlace, ExpressionScope } from "./expression.ts";

function evaluate(source: string, scope: ExpressionScope = aScope(), place: ExpressionPlace = aPlace()) {
  const compiled = compileExpression(source, place);
  if (compiled.kind === "faults") throw new Error(JSON.stringify(compiled.faults));
  return compiled.expression.evaluate(scope);
}

const value = (source: string, scope?: ExpressionScope) => {
  const evaluated = evaluate(source, scope);
  if (evaluated.kind === "error") throw new Error(evaluated.reason);
  return evaluated.value;
};

const reason = (source: string, scope?: ExpressionScope) => {
  const evaluated = evaluate(source, scope);
  return evaluated.kind === "error" ? evaluated.reason : evaluated;
};

describe("compileExpression", () => {
  it.each([
    ["stack.id", "pr-1"],
    ["stack.machine + '/' + stack.state", "review/BUILD"],
    ["stack.previousState", null],
    ["stack.previousState == null", true],
    ["stack.visits.BUILD < 3", true],
    ["stack.visits['CLEAN-UP'] == 0", true],
    ["stack.createdAt", "2030-01-31T10:00:00.000Z"],
    ["now", "2030-01-31T12:00:00.000Z"],
    ["now - stack.enteredAt >= duration('30m')", true],
    ["now - stack.createdAt > duration('2h')", false],
    ["event.name", "PUSHED"],
    ["event.metadata.image != metadata.image", true],
    ["tasks.app.status == 'SATISFIED' && tasks.app.outputs.port == 80", true],
    ["tasks['make db'].status", "RUNNING"],
    ["metadata['my-key']", "v"],
    ["metadata.url == null", true],
    ["has(metadata.url)", false],
    ["has(metadata.image)", true],
    ["has(metadata.url) || metadata.url == null", true],
    ["'url' in metadata", false],
    ["['image', 'url', 'never'].filter(key, key in metadata)", ["image"]],
    ["[metadata].exists(m, has(m.url))", false],
    ["has(event.metadata.image) && has(event.metadata.note) && 'note' in event.metadata", true],
    ["[{'url': null}].all(metadata, has(metadata.url))", true],
    ["has(metadata.never)", false],
    ["has(metadata.never) ? metadata.never : 'none'", "none"],
    ["'image' in metadata && !('never' in metadata)", true],
    ["metadata[stack.state == 'BUILD' ? 'image' : 'url']", "shop:1.2"],
  ])("evaluates %s", (source, expected) => {
    expect(value(source)).toEqual(expected);
  });

  it.each([
    ["metadata.count + 1", 4],
    ["metadata.count * 2 - 10 / 3 % 2", 5],
    ["metadata.count == 3 && metadata.count == 3.0 && 3.0 == metadata.count && 3 == 3.0", true],
    ["metadata.count != 3.0 || metadata.ratio == 1", false],
    ["metadata.count > metadata.ratio && metadata.ratio < 2 && metadata.count >= 2.5", true],
    ["metadata.count in [1, 3.0] && 1.5 in [metadata.ratio]", true],
    ["metadata.ratio * 2.0", 3],
    ["double(metadata.count) * 2.0 + double(metadata.ratio) * 2.0", 9],
    ["int(metadata.ratio) + metadata.count", 4],
    ["uint(7)", 7],
    ["string(metadata.count) + string(metadata.ratio) + string(metadata.on)", "31.5true"],
    ["9007199254740992", 2 ** 53],
    ["-metadata.count", -3],
    ["-(1.0 - 1.0)", 0],
  ])("computes %s", (source, expected) => {
    expect(value(source)).toEqual(expected);
  });

  it("takes a number beyond 64 bits as a double, and -0 as a whole number", () => {
    const scope = aScope({ metadata: { huge: 1e300, zero: -0 } });

    expect(value("metadata.huge > 9223372036854775807", scope)).toBe(true);
    expect(value("metadata.zero + 1", scope)).toBe(1);
  });

  it.each([
    ["metadata.image.split(':')[1]", "1.2"],
    ["'a,b,c'.split(',', 2)", ["a", "b,c"]],
    ["'a,b,c'.split(',', 0)", []],
    ["'añ'.split('')", ["a", "ñ"]],
    ["['a', 'b'].join('-') + ['c', 'd'].join()", "a-bcd"],
    ["'hello hello'.replace('he', 'we')", "wello wello"],
    ["'hello hello'.replace('he', 'we', 1)", "wello hello"],
    ["'hello hello'.replace('he', 'we', 0)", "hello hello"],
    ["'ab'.replace('', '_')", "_a_b_"],
    ["'ab'.replace('', '_', 2)", "_a_b"],
    ["'TÄst'.lowerAscii()", "tÄst"],
    ["'täst'.upperAscii()", "TäST"],
    ["'  a '.trim()", "a"],
    ["'abc'.contains('b') && 'abc'.startsWith('a') && 'abc'.endsWith('c')", true],
    ["'shop:1.2'.matches('^[a-z]+:[0-9.]+$') && matches('abc', 'b')", true],
    ["'ab'.matches('^b')", false],
    ["size('añ') + 'abc'.size() + size([1, 2]) + size({'a': 1})", 8],
    ["int('42') + int(2.9) + int(timestamp('1970-01-01T00:01:00Z'))", 104],
    ["bool('true') && !bool('false')", true],
    ["string(timestamp('2030-01-01T02:00:00+02:00'))", "2030-01-01T00:00:00Z"],
    ["timestamp(60)", "1970-01-01T00:01:00.000Z"],
    ["timestamp(now) == now", true],
    ["string(duration('1h30m')) + string(duration('-1.5s')) + string(duration(duration('1ms')))", "5400s-1.5s0.001s"],
    ["duration('90m').getHours() == 1 && duration('1h') + duration('-1ms') < duration('1h')", true],
    ["now.getFullYear() == 2030 && now.getMonth() == 0 && now.getDate() == 31 && now.getDayOfMonth() == 30", true],
    ["now.getDayOfYear() == 30 && now.getDayOfWeek() == 4", true],
    ["now.getHours() == 12 && now.getMinutes() == 0 && now.getSeconds() == 0 && now.getMilliseconds() == 0", true],
    ["now.getHours('Europe/Berlin') + now.getHours('-05:30') + now.getMinutes('-05:30')", 49],
    ["timestamp('2030-12-31T23:30:00Z').getFullYear('Europe/Berlin')", 2031],
    ["timestamp('2030-12-31T23:30:00Z').getDayOfYear('Europe/Berlin')", 0],
    ["type(1) == int && type('a') == string && type(now) == google.protobuf.Timestamp", true],
    ["string(b'abc')", "abc"],
    ["dyn(1) == 1", true],
  ])("knows the function in %s", (source, expected) => {
    expect(value(source)).toEqual(expected);
  });

  it.each([
    ["[1, 2, 3].all(x, x > 0)", true],
    ["[1, 2, 3].exists(x, x == 2)", true],
    ["[1, 2, 3].exists_one(x, x > 2)", true],
    ["[1, 2, 3].map(x, x * 2)", [2, 4, 6]],
    ["[1, 2, 3].map(x, x > 1, x * 2)", [4, 6]],
    ["[1, 2, 3].filter(x, x > 1)", [2, 3]],
    ["{'b': 1, 'a': 2}.map(k, k)", ["b", "a"]],
    ["[1].map(stack, stack + 1)", [2]],
    ["['x'].map(a, ['y'].map(b, a + b))", [["xy"]]],
    ["[1, 'a', null, true, 1.5]", [1, "a", null, true, 1.5]],
    ["{'a': [1, {'b': now}], 'c': metadata.count}", { a: [1, { b: "2030-01-31T12:00:00.000Z" }], c: 3 }],
    ["metadata == {'image': 'shop:1.2'}", false],
  ])("evaluates the list or map %s", (source, expected) => {
    expect(value(source)).toEqual(expected);
  });

  it("gives the same answer each time, also after an error", () => {
    const compiled = compileExpression("[metadata.x, 2].map(x, 4 / x)", aPlace());
    if (compiled.kind === "faults") throw new Error("faults");
    const run = (x: number) => compiled.expression.evaluate(aScope({ metadata: { x } })).kind;

    expect([run(1), run(0), run(1), run(0)]).toEqual(["value", "error", "value", "error"]);
  });

  it.each([
    ["metadata.nope", '"metadata.nope": metadata has no "nope"; ask has() before'],
    ["metadata['no-pe']", `"metadata['no-pe']": metadata has no "no-pe"; ask has() before`],
    ["stack.visits[stack.id]", '"stack.visits[stack.id]": the key does not exist'],
    [
      "'a' + tasks.app.outputs.password",
      `"'a' + tasks.app.outputs.password": tasks.app.outputs has no "password"; a sensitive output may stand only as a whole placeholder of a config`,
    ],
    ["metadata.image + 1", '"metadata.image + 1": no such overload: string + int'],
    ["metadata.count.split(':')", `"metadata.count.split(':')": found no matching overload for 'int.split(string)'`],
    ["1 / (metadata.count - 3)", '"1 / (metadata.count - 3)": division by zero'],
    ["1 % (metadata.count - 3)", '"1 % (metadata.count - 3)": division by zero'],
    ["bool(metadata.image)", '"bool(metadata.image)": bool() cannot convert this text'],
    ["int(metadata.image)", '"int(metadata.image)": int() cannot convert this text'],
    ["[1][metadata.count]", '"[1][metadata.count]": an index is outside its list'],
    ["metadata.image ? 1 : 2", `"metadata.image ? 1 : 2": Ternary condition must be bool, got 'string'`],
    ["metadata.image && true", `"metadata.image && true": Logical operator requires bool operands, got 'string'`],
    [
      "metadata.image.matches('(')",
      `"metadata.image.matches('(')": matches() needs a regular expression that RE2 supports`,
    ],
    [
      "timestamp('Jan 1 2030 00:00:00')",
      `"timestamp('Jan 1 2030 00:00:00')": timestamp() needs RFC 3339 text such as 2030-01-31T09:00:00Z, or seconds since 1970`,
    ],
    ["duration(metadata.image)", '"duration(metadata.image)": duration() needs text such as 90m or 1h30m'],
    ["now.getHours('Nowhere/Here')", `"now.getHours('Nowhere/Here')": the time zone is unknown`],
    ["[1].join('a')", `"[1].join('a')": join() needs a list of texts; write string(x) for other values`],
    ["9223372036854775807 + 1", '"9223372036854775807 + 1": a number is out of the range of its type'],
    ["9007199254740993", '"9007199254740993": the result is a whole number beyond 2^53, which JSON cannot hold'],
    ["1.0 / 0.0", '"1.0 / 0.0": the result is infinite or not a number, which JSON does not support'],
    ["b'abc'", `"b'abc'": the result is bytes; write string(x) for a string`],
    ["now - stack.createdAt", '"now - stack.createdAt": the result is a duration; write string(x) for a string'],
    ["type(1)", '"type(1)": the result is a type, which JSON does not support'],
    ["now + duration('9999999999h')", `"now + duration('9999999999h')": a duration is longer than 292 years`],
    ["{'$secret': 'password#1'}", `"{'$secret': 'password#1'}": the result has the key "$secret", which is reserved`],
  ])("says why %s cannot be evaluated", (source, expected) => {
    expect(reason(source)).toEqual(expected);
  });

  it("keeps values out of reasons, and bounds them", () => {
    const scope = aScope({ metadata: { s: "hunter2" } });
    const sources = [
      "bool(metadata.s)",
      "int(metadata.s)",
      "stack.visits[metadata.s]",
      "'a'.matches('(' + metadata.s)",
    ];
    const long = `metadata.${"x".repeat(3000)}`;

    for (const source of sources) expect(reason(source, scope)).not.toContain("hunter2");
    expect(reason(long)).toHaveLength(Math.min(500, String(reason(long)).length));
  });

  it("does not see what its place has not, whatever the scope holds", () => {
    const secret = aScope({
      metadata: { password: "hunter2" },
      event: { name: "PUSHED", metadata: { password: "hunter2" } },
    });

    expect(value("metadata.map(k, k)", secret)).toEqual([]);
    expect(value("event.metadata.map(k, k)", secret)).toEqual([]);
    expect(evaluate("tasks.map(k, k)", aScope(), aPlace({ tasks: ["app"] }))).toEqual({
      kind: "value",
      value: ["app"],
    });
    const inSet = aPlace({ sensitive: "always" });
    expect(evaluate("metadata.password + '!'", secret, inSet)).toEqual({ kind: "value", value: "hunter2!" });
  });

  it("is not confused by keys that every object has", () => {
    const scope = aScope({ metadata: JSON.parse('{"constructor":"a","__proto__":"b","toString":"c"}') });

    expect(value("metadata.constructor + metadata.toString", scope)).toBe("ac");
    expect(value("has(metadata.hasOwnProperty)", scope)).toBe(false);
    expect(value("metadata['__proto__']", scope)).toBe("b");
  });
});
