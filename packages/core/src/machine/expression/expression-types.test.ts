import { describe, expect, it } from "vitest";
import { aPlace, aScope } from "../../testing/builders.ts";
import { compileExpression } from "./compile-expression.ts";
import { compileTemplate } from "./compile-template.ts";

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
    ["([1] + [2, 'x', null]).map(e, e)", [1, 2, "x", null]],
    ["(['a'] + dyn([2])).exists(e, e == 2)", true],
    ["([[1]] + [null, 2]).filter(e, e != null)", [[1], 2]],
    ["([1] + [2]).map(e, e + 1)", [2, 3]],
    ["uint('007') + uint(2.9) + uint(-0.0) + uint(3) + uint(4u)", 16],
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
    ["uint('')", "uint() cannot convert this text"],
    ["uint('0b1') == 1u", "uint() cannot convert this text"],
    ["uint('-0')", "uint() cannot convert this text"],
    ["uint('18446744073709551616')", "a number is out of the range of its type"],
    ["uint(0.0 / 0.0)", "uint() cannot convert this number"],
    ["uint(metadata.two - 3)", "a number is out of the range of its type"],
    ["uint(-0.5)", "a number is out of the range of its type"],
    ["uint(0.0 - 1.0)", "a number is out of the range of its type"],
  ])("%s fails instead of giving another number [cel-spec conversions]", (source, why) => {
    expect(run(source)).toEqual({ kind: "error", reason: `${JSON.stringify(source)}: ${why}` });
  });
});

describe("reports about expressions of other tools", () => {
  it.each<readonly [source: string, value: number | boolean, report: string]>([
    ["0.3 * metadata.two + 0.7 * metadata.two * 2", 3.4, "cel-go#706"],
    ["10 < 4.0", false, "cel-python#114"],
    ["4.0 < 10", true, "cel-python#114"],
    ["1 == 1.0 && 1.0 == 1 && 1u == 1.0", true, "cel-python#114"],
    ["metadata.two == 2 && metadata.two + 1 == 2 + 1", true, "cerbos#2847"],
    ["metadata.half * 2 - metadata.half / 1", 2.5, "objectstack#1928"],
    ["[{'port': 0}, {}].all(p, !has(p.port) || p.port == 0.0)", true, "cel-js#24"],
    ["9007199254740993 == 9007199254740992.0", false, "cel-go#1377"],
    ["9223372036854775807 < 9223372036854775808.0", true, "cel-go#1377"],
    ["{'a': metadata.env, 'b': 'x'} == {'b': 'x', 'a': 'prod'} && ['x', metadata.two][1] == 2", true, "swamp#1994"],
  ])("%s is %j [%s]", (source, value) => {
    expect(run(source)).toEqual({ kind: "value", value });
  });
});

/** Cases of the conformance suite of the language, by its names. */
describe("values of an expression are those of the language", () => {
  it.each([
    ["lists/in/int_in_uints", "dyn(3) in [5u, 4u, 3u]", true],
    ["lists/in/uint_in_doubles", "dyn(3u) in [5.0, 3.0]", true],
    ["lists/index/zero_based_uint", "[7, 8, 9][dyn(0u)]", 7],
    ["eq_literal/eq_list_mixed_type_numbers", "[1.0, 2.0, 3] == [1u, 2, 3u]", true],
    ["eq_literal/eq_map_mixed_type_numbers", "{1: 1.0, 2u: 3u} == {1u: 1, 2: 3.0}", true],
    ["eq_literal/eq_list_elem_mixed_types", "[1] == [1.0] && [[1], [2]] == [[1u], [2u]]", true],
    ["eq_literal/not_eq_dyn", "dyn('a') == 1 || dyn([1]) == 'x'", false],
    ["ne_literal/ne_mixed_types", "2u != 2", false],
    ["lt_literal/lt_bytes", "b'a' < b'b' && b'a' < b'aa' && b'' <= b'' && b'b' > b'aa'", true],
    ["macros/exists_one/map", "{6: 'six', 7: 'seven', 8: 'eight'}.exists_one(n, n % 5 == 2)", true],
    ["fields/map_key_mixed_numbers", "{1: 'a', 2u: 'b'}[1u] + {1: 'a', 2u: 'b'}[dyn(2.0)]", "ab"],
    ["string_ext/trim/unicode_space_chars", "'\\u0085\\u00a0\\u1680text\\u3000'.trim()", "text"],
    ["string_ext/trim/unicode_no_trim", "size('\\ufefftext\\u200b'.trim())", 6],
    ["duration_converters/get_milliseconds", "duration('123s321ms').getMilliseconds()", 321],
    [
      "timestamps of a difference",
      "stack.createdAt - (stack.createdAt + duration('1500ms')) == duration('-1.5s')",
      true,
    ],
    ["a key that objects of JavaScript have", "{'constructor': 1}.constructor + {'toString': 2}['toString']", 3],
  ])("%s: %s", (_, source, value) => {
    expect(run(source)).toEqual({ kind: "value", value });
  });

  const range = "a number is out of the range of its type";
  const instants = "an instant is out of the years 1 to 9999";
  const long = "a duration is longer than 292 years";
  it.each([
    ["int64_math/int64_min_negate", "-(-9223372036854775808)", range],
    ["int64_math/int64_min_negate_div", "(-9223372036854775808) / -1", range],
    ["conversions/int/double_int_min_range", "int(-9223372036854775808.0)", range],
    ["timestamp_range/add_duration_under", "timestamp('0001-01-01T00:00:00Z') + duration('-1s')", instants],
    ["timestamp_range/add_duration_over", "timestamp('9999-12-31T23:59:59Z') + duration('1s')", instants],
    ["timestamp_range/sub_duration_over", "timestamp('9999-12-31T23:59:59Z') - duration('-1s')", instants],
    ["timestamp_range/sub_time", "timestamp('9999-12-31T23:59:59Z') - timestamp('0001-01-01T00:00:00Z')", long],
    ["duration_range/from_string_over", "duration('320000000000s')", long],
    ["duration_range/add_over", "duration('9000000000s') + duration('9000000000s')", long],
    ["duration_range/sub_under", "duration('-9000000000s') - duration('9000000000s')", long],
    ["conversions/string/bytes_invalid", "string(b'\\x00\\xff')", "string() needs bytes that are UTF-8"],
    ["fields/map_key_float", "{3.3: 1}", "a key of a map must be a text, a whole number, true or false"],
    ["fields/map_key_null", "{null: false}[null]", "a key of a map must be a text, a whole number, true or false"],
    ["fields/map_value_repeat_key_heterogeneous", "{1: 'a', 1u: 'b'}", "a map has a duplicate key"],
  ])("%s: %s fails", (_, source, why) => {
    const evaluated = run(source);

    expect(evaluated).toMatchObject({ kind: "error" });
    expect(JSON.stringify(evaluated)).toContain(why);
  });

  it("bytes are not written with characters of which the library makes other bytes", () => {
    expect(run("b'ÿ' == b'x'")).toMatchObject([{ code: "expression-syntax", offset: 0 }]);
    expect(run("b'\\xff' == b'x' || 'ÿ' == 'x'")).toEqual({ kind: "value", value: false });
  });
});

const declared = aPlace({
  metadata: {
    types: new Map<string, { type?: "string" | "number" | "boolean"; enum?: readonly (string | number)[] }>([
      ["env", { type: "string", enum: ["prod", "test"] }],
      ["tier", { enum: [1, 2, 3] }],
      ["image", { type: "string" }],
      ["count", { type: "number" }],
      ["isOn", { type: "boolean" }],
      ["free", {}],
    ]),
  },
});

function compileDeclared(source: string, wanted?: "bool" | "key") {
  const compiled = compileExpression(source, declared, wanted);
  return compiled.kind === "faults" ? compiled.faults.map(({ code, message }) => `${code}: ${message}`) : "fits";
}

describe("declared types of metadata", () => {
  it.each([
    ["metadata.count + 'x'", "no such overload: int + string"],
    ["metadata['count'] == 'three'", "no such overload: int == string"],
    ["event.metadata.count > 'three'", "no such overload: int > string"],
    ["metadata.image + 1", "no such overload: string + int"],
    ["size(metadata.count) > 1", "found no matching overload for 'size(int)'"],
    ["metadata.image.tag == 'x'", "Cannot index type 'string'"],
    ["metadata.isOn > 1", "no such overload: bool > int"],
    ["metadata.isOn == 'true'", "no such overload: bool == string"],
    ["metadata.image && true", "Logical operator requires bool operands, got 'string'"],
    ["!metadata.image", "no such overload: !string"],
    ["metadata.image ? 1 : 2", "Ternary condition must be bool, got 'string'"],
    ["metadata.image in [1, 2]", "no such overload: string in list<int>"],
    ["[1].exists(n, n == metadata.image)", "no such overload: int == string"],
    ["metadata.tier == 'high'", "no such overload: int == string"],
    ["stack.createdAt > 5", "no such overload: google.protobuf.Timestamp > int"],
    ["stack.visits['BUILD'] + 'x'", "no such overload: int + string"],
    ["stack.previousState + 1", "no such overload: string + int"],
    ["tasks.app.status == 2", "no such overload: string == int"],
    ["event.name == 1", "no such overload: string == int"],
    ["metadata.env == 'prd'", "metadata.env never has this value; its enum has prod, test"],
    ["'x' != event.metadata.env", "metadata.env never has this value; its enum has prod, test"],
    ["metadata.tier == 4", "metadata.tier never has this value; its enum has 1, 2, 3"],
  ])("refuse %s when the document is read", (source, why) => {
    expect(compileDeclared(source)).toEqual([`expression-type: ${JSON.stringify(source)}: ${why}.`]);
  });

  it.each([
    "metadata.image == null || metadata.count != null || null == metadata.isOn",
    "metadata.env == 'prod' && metadata.tier == 2 && metadata.tier == 2.0",
    "metadata.env in ['prod', 'dev'] && null in [metadata.image]",
    "metadata.count + 0.5 > 2 && metadata.count in [0.5, 1.5] && 2.5 == metadata.count",
    "(metadata.image == null ? 'none' : metadata.image) + '!' == 'x'",
    "[null] == [metadata.image] && [0.5, 1.5] == [metadata.count] && [[1u]] != [[metadata.count]]",
    "metadata.image != null ? size(metadata.image) > 3 : metadata.isOn",
    "[metadata.count, 0.5].exists(n, n > 1) && [metadata.image, null].exists(t, t == 'a')",
    "metadata.free == 1 || metadata.free == 'one' || metadata.other > 2",
    "metadata[metadata.image] == 4 && has(metadata.image) && 'image' in metadata",
    "[{'count': 'x'}].exists(metadata, metadata.count == 'x')",
    "stack.previousState == null || stack.visits.BUILD > 2 || now - stack.enteredAt > duration('1h')",
    "tasks.app.outputs.url.startsWith('https') && event.metadata.image.contains(':')",
    "timestamp(metadata.image) > now && string(metadata.count) == '2' && int(metadata.image) == 2",
  ])("accept %s", (source) => {
    expect(compileDeclared(source)).toBe("fits");
  });

  it("are not required where they are not known", () => {
    expect(compileExpression("metadata.count + 'x'", aPlace()).kind).toBe("expression");
  });

  it("do not choose operators for a value that is null", () => {
    const compiled = compileExpression("metadata.image + '!'", declared);

    const value = compiled.kind === "expression" && compiled.expression.evaluate(aScope({ metadata: { image: null } }));
    expect(value).toEqual({ kind: "error", reason: `"metadata.image + '!'": no such overload: null + string` });
  });

  it.each([
    ["size(stack.state)", "bool", "must give true or false, but its type is int"],
    ["metadata.image", "bool", "must give true or false, but its type is string"],
    ["metadata.isOn ? 'yes' : 'no'", "bool", "must give true or false, but its type is string"],
    ["null", "bool", "must give true or false, but its type is null"],
    ["[stack.id]", "key", "must give a text, a number, or null for no key, but its type is list<string>"],
    ["{'id': stack.id}", "key", "must give a text, a number, or null for no key, but its type is map<string, string>"],
    ["now", "key", "must give a text, a number, or null for no key, but its type is google.protobuf.Timestamp"],
  ] as const)("of results: %s is no %s", (source, wanted, why) => {
    expect(compileDeclared(source, wanted)).toEqual([`expression-type: ${JSON.stringify(source)} ${why}.`]);
  });

  it.each([
    ["metadata.isOn", "bool"],
    ["metadata.free", "bool"],
    ["metadata.env == 'prod' ? metadata.isOn : metadata.free", "bool"],
    ["metadata.env == 'prod' ? 'prod-db' : null", "key"],
    ["metadata.count", "key"],
    ["null", "key"],
  ] as const)("of results: %s may be a %s", (source, wanted) => {
    expect(compileDeclared(source, wanted)).toBe("fits");
  });
});

describe("types of placeholders", () => {
  const placeholder = (source: string) => `\${${source}}`;
  const faults = (template: string) => {
    const compiled = compileTemplate(template, declared);
    return compiled.kind === "faults" ? compiled.faults.map(({ message }) => message) : compiled.result;
  };

  it.each([
    [placeholder("metadata.count + 'x'"), `"metadata.count + 'x'": no such overload: int + string.`],
    [`a-${placeholder("[metadata.image]")}`, '"[metadata.image]" is a list<string>, which cannot be part of a string.'],
    [`a-${placeholder("null")}`, '"null" is a null, which cannot be part of a string.'],
    [placeholder("now - stack.createdAt"), '"now - stack.createdAt" is a duration; write string(x) for a string.'],
  ])("%s is refused when the document is read", (template, message) => {
    expect(faults(template)).toEqual([message]);
  });

  it.each([
    [placeholder("metadata.image"), "string"],
    [placeholder("metadata.free"), "dyn"],
    [`x-${placeholder("metadata.count")}`, "string"],
    [placeholder("metadata.isOn"), "bool"],
  ])("%s gives a value of the type %s", (template, type) => {
    expect(faults(template)).toEqual({ kind: "type", type });
  });
});

describe("what users of other implementations have reported", () => {
  it.each([
    ["cel-python#48", "metadata.env != null && metadata.two != null", true],
    ["cel-go#1060", "(true ? 'a' : null) == 'a' && (false ? 'a' : null) == null", true],
    ["cel-go#357", "timestamp(0) == timestamp(0) && timestamp(1) > timestamp(0)", true],
    ["cel-go#1020", "metadata.absent == null", true],
    ["cel-spec#361", "has(metadata.absent) || 'absent' in metadata", false],
  ])("[%s] %s", (_, source, value) => {
    const scopeOfNull = aScope({ metadata: { env: "prod", two: 2, absent: null } });
    const compiled = compileExpression(source, aPlace());

    expect(compiled.kind === "expression" && compiled.expression.evaluate(scopeOfNull)).toEqual({
      kind: "value",
      value,
    });
  });

  it.each([
    ["cel-rust#151", "timestamp('9999-12-31T23:59:59Z') + duration('1s') > now"],
    ["cel-cpp#118", "duration('9223372036s') + duration('1s') > duration('1s')"],
    ["cel-go#421", "9223372036854775807 + int(metadata.two) > 0"],
    ["cel-go#422", "timestamp('0001-01-01T00:00:00Z') - duration('1s') < now"],
    ["cel-go#1066", "metadata.absent > 3"],
  ])("[%s] %s fails, and is neither true nor false", (_, source) => {
    const compiled = compileExpression(source, aPlace());

    const evaluated =
      compiled.kind === "expression" && compiled.expression.evaluate(aScope({ metadata: { two: 2, absent: null } }));
    expect(evaluated).toMatchObject({ kind: "error" });
  });
});
