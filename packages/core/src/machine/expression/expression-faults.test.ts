import { describe, expect, it } from "vitest";
import { aPlace } from "../../testing/builders.ts";
import { compileExpression } from "./compile-expression.ts";
import type { ExpressionPlace } from "./expression.ts";

function faults(source: string, place: ExpressionPlace = aPlace()) {
  const compiled = compileExpression(source, place);
  return compiled.kind === "faults" ? compiled.faults : [];
}

const told = (source: string, place?: ExpressionPlace) =>
  faults(source, place).map(({ code, offset, message }) => `${code} ${offset}: ${message}`);

const closed = aPlace({ metadata: { additional: false } });
const config = aPlace({ event: false, tasks: ["network"], sensitive: "placeholder" });
const entry = aPlace({ event: false, sensitive: "never" });
const when: ExpressionPlace = (({ tasks: _, ...rest }) => rest)(entry);

describe("faults of an expression", () => {
  it.each([
    ["stack.stat", 'expression-unknown-name 6: stack has no "stat". Did you mean "state"?'],
    [
      "stack['foo']",
      'expression-unknown-name 6: stack has no "foo". Valid: "id", "machine", "state", "previousState", "createdAt", "enteredAt", "visits".',
    ],
    ["stack.visits.BULID < 3", 'expression-unknown-name 13: stack.visits has no "BULID". Did you mean "BUILD"?'],
    ["event.nam", 'expression-unknown-name 6: event has no "nam". Did you mean "name"?'],
    ["tasks.app.output.x", `expression-unknown-name 10: tasks['app'] has no "output". Did you mean "outputs"?`],
    ["metdata.image", 'expression-unknown-name 0: Unknown variable "metdata". Did you mean metadata?'],
    ["image + '!'", 'expression-unknown-name 0: Unknown variable "image". Did you mean metadata.image?'],
    [
      "nothing + '!'",
      'expression-unknown-name 0: Unknown variable "nothing". Valid: stack, metadata, event, tasks, now.',
    ],
    ["'a'.spilt('b')", 'expression-unknown-name 4: Unknown function "spilt". Did you mean "split"?'],
    ["split('a', 'b')", 'expression-unknown-name 0: Unknown function "split". It is written x.split(…).'],
    ["'a'.int()", 'expression-unknown-name 4: Unknown function "int". It is written int(x).'],
  ])("names what is unknown in %s", (source, expected) => {
    expect(told(source.replace("metdata.image", "metdata.image + ''"))).toEqual([expected]);
  });

  it.each(["has('image')", "has(metadata)", "has()", "has(metadata['a-b'])", "has(metadata.image, metadata.image)"])(
    "takes has() of a selection by a dot only, and suggests a replacement for %s",
    (source) => {
      expect(told(source)).toEqual([
        "expression-syntax 0: has() requires one name after a dot, such as has(metadata.image). For other names write 'the-name' in metadata.",
      ]);
    },
  );

  it.each(["has(metadata.image)", "has(stack.previousState)", "has(tasks.app.outputs.url)"])("takes %s", (source) => {
    expect(told(source)).toEqual([]);
  });

  it.each([
    "'a'.substring(1)",
    "'a'.indexOf('b')",
    "'a'.lastIndexOf('b')",
    "b'a'.hex()",
    "b'{}'.json()",
    "b'a'.base64()",
    "b'a'.at(0)",
    "cel.bind(x, 1, x)",
    "optional.of(1)",
    "'a'.split_('b')",
    "meter_(1)",
    "constructor",
    "toString()",
    "'a'.constructor('b')",
    "'a'.__proto__()",
  ])("knows nothing but the language and its six text functions: not %s", (source) => {
    expect(new Set(faults(source).map(({ code }) => code))).toEqual(new Set(["expression-unknown-name"]));
  });

  it.each([
    ["shared-db", `Unknown variable "shared". Put a fixed text in its own quotes inside those of YAML: "'shared-db'".`],
    ["yard", `Unknown variable "yard". Put a fixed text in its own quotes inside those of YAML: "'yard'".`],
    ["db/main", `Unknown variable "db". Put a fixed text in its own quotes inside those of YAML: "'db/main'".`],
    [
      "image",
      `Unknown variable "image". Did you mean metadata.image? Put a fixed text in its own quotes inside those of YAML: "'image'".`,
    ],
  ])("proposes inner quotes for the bare text %s", (source, message) => {
    expect(faults(source)).toEqual([{ code: "expression-unknown-name", message, offset: 0 }]);
  });

  it.each([
    ["stack.visits.CLEAN-UP < 3", "CLEAN-UP", 13],
    ["metadata.my-key == 'a'", "my-key", 9],
    ["metadata.other-key == 'a'", "other-key", 15],
    ["metadata.a-b-c", "a-b-c", 11],
    ["tasks.make-db.outputs.x", "make-db", 6],
  ])("explains the hyphen in %s", (source, name, offset) => {
    const [first] = faults(source);

    expect(first).toEqual({
      code: "expression-unknown-name",
      message: `"${name}" after a dot is read as a subtraction; write ['${name}'].`,
      offset,
    });
  });

  it("reports a name with a hyphen once", () => {
    expect(faults("stack.visits.CLEAN-UP < 3")).toHaveLength(1);
  });

  it.each([
    ["metadata.sign-in", `"sign-in" after a dot is read as a subtraction; write ['sign-in'].`],
    ["metadata.in == 3", "Write ['in']."],
    ["shared db", `Put a fixed text in its own quotes inside those of YAML: "'shared db'".`],
  ])("helps with the syntax of %s", (source, hint) => {
    const [first] = faults(source);

    expect(first?.code).toBe("expression-syntax");
    expect(first?.message).toContain(hint);
  });

  it.each([
    ["", "expression-syntax 0: The expression is empty."],
    ["  ", "expression-syntax 2: The expression is empty."],
    ["1 +", "expression-syntax 3: The expression cannot be read at its end: Unexpected token: EOF."],
    ["1 + * 2", 'expression-syntax 4: The expression cannot be read at "* 2": Unexpected token: MULTIPLY.'],
    ["'abc", `expression-syntax 0: The expression cannot be read at "'abc": Unterminated string.`],
    ["a = b", 'expression-syntax 2: The expression cannot be read at "= b": Unexpected character: =.'],
    ["{'__proto__': 1}", 'expression-syntax 1: "__proto__" cannot be the key of a map.'],
  ])("refuses the syntax of %j", (source, expected) => {
    expect(told(source)).toEqual([expected]);
  });

  it.each([
    ["event.name", entry, "expression-variable-unavailable"],
    ["event.metadata.image", config, "expression-variable-unavailable"],
    ["tasks.app.status", when, "expression-variable-unavailable"],
    ["tasks", when, "expression-variable-unavailable"],
    ["tasks.app.outputs.x", config, "expression-task-not-available"],
    ["tasks['nope'].status", aPlace(), "expression-task-not-available"],
    ["metadata.imag", closed, "metadata-undeclared"],
    ["event.metadata['imag']", closed, "metadata-undeclared"],
    ["has(metadata.imag)", closed, "metadata-undeclared"],
    ["metadata.password == 'a'", aPlace(), "sensitive-leak"],
    ["metadata['password']", aPlace(), "sensitive-leak"],
    ["has(metadata.password)", aPlace(), "sensitive-leak"],
    ["event.metadata.password", aPlace(), "sensitive-leak"],
    ["[1].all(x, metadata.password == 'a')", aPlace(), "sensitive-leak"],
    ["metadata.password", config, "sensitive-leak"],
  ])("refuses %s where it stands", (source, place, code) => {
    expect(faults(source, place).map((fault) => fault.code)).toEqual([code]);
  });

  it("says which variables a place has that takes only some, for each other one", () => {
    const place = aPlace({ variables: ["metadata"] });

    expect(told("metadata.image + stack.id + event.name + string(now) + stack.state", place)).toEqual([
      "expression-variable-unavailable 17: Only metadata can be used here, not stack.",
      "expression-variable-unavailable 28: Only metadata can be used here, not event.",
      "expression-variable-unavailable 48: Only metadata can be used here, not now.",
    ]);
    expect(told("[1].all(stack, stack == 1)", place)).toEqual([]);
    expect(told("stak", place)).toEqual([expect.stringContaining("expression-unknown-name 0:")]);
  });

  it("suggests the most similar key or task", () => {
    expect(told("metadata.imag", closed)).toEqual([
      'metadata-undeclared 9: The metadata key "imag" is not declared. Did you mean "image"?',
    ]);
    expect(told("tasks.netwrk.status", config)).toEqual([
      'expression-task-not-available 6: The task "netwrk" is not in the needs of this task. Did you mean "network"?',
    ]);
    expect(told("tasks.x.status")).toEqual([
      'expression-task-not-available 6: The task "x" is not a task of this state. Valid: "app", "make db".',
    ]);
  });

  it("allows what the place allows", () => {
    expect(faults("metadata.password", aPlace({ sensitive: "always" }))).toEqual([]);
    expect(faults("metadata.anything")).toEqual([]);
    expect(faults("metadata[stack.id] == stack.visits[stack.state]", closed)).toEqual([]);
    const { states: _, ...unchecked } = aPlace();
    expect(faults("stack.visits.ANY", unchecked)).toEqual([]);
  });

  it("reports every fault once, in order", () => {
    expect(told("stack.a + stack.a + event.b").map((text) => text.slice(0, 42))).toEqual([
      'expression-unknown-name 6: stack has no "a',
      'expression-unknown-name 26: event has no "',
    ]);
  });

  it.each([
    ["4097 characters", `'${"a".repeat(4095)}'`],
    ["2001 nodes", Array.from({ length: 1001 }, () => "1").join("+")],
    ["depth 49", `${"(".repeat(49)}1${")".repeat(49)}`],
    ["1001 entries", `[${"1,".repeat(1001)}]`],
    ["a chain of minus signs", "-".repeat(4000)],
    ["a chain of not", `${"!".repeat(4000)}true`],
  ])("bounds an expression of %s", (_, source) => {
    expect(faults(source).map(({ code }) => code)).toEqual(
      source.startsWith("-") ? ["expression-syntax"] : ["limit-exceeded"],
    );
  });
});
