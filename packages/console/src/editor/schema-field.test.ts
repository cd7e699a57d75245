import { describe, expect, it } from "vitest";
import type { JsonSchema } from "../machine/messages.ts";
import { tasks } from "../machine/tasks.ts";
import { findSchemas } from "./completion.ts";
import { findKeyChoice, listFields, listReplaced, matchShape, type Shape, toShapes } from "./schema-field.ts";

function fieldsOf(properties: Readonly<Record<string, JsonSchema>>, more: JsonSchema = {}) {
  const root = { ...more, properties };
  return listFields([root], undefined, root);
}

function shapeOf(schema: JsonSchema, root: JsonSchema = schema): Shape | undefined {
  return matchShape(toShapes(schema, root), undefined);
}

describe("a field", () => {
  it("has its label, help, default, bounds and unit from the schema (argo-workflows#15746)", () => {
    const [memory, wait] = fieldsOf(
      {
        memoryMb: { type: "integer", minimum: 32, maximum: 10_240, description: "Heap. Default: `512`" },
        waitFor: {
          title: "Patience",
          type: "string",
          pattern: "^[1-9][0-9]{0,8}(?:ms|s|m|h|d)$",
          description: "Before it fails",
          default: "5m",
        },
      },
      { required: ["memoryMb"] },
    );

    expect(memory).toMatchObject({
      label: "Memory",
      unit: "MB",
      fallback: "512",
      isRequired: true,
      help: "Heap. Default: 512. From 32 to 10240.",
    });
    expect(wait).toMatchObject({
      label: "Patience",
      fallback: "5m",
      isRequired: false,
      help: "Before it fails. A number with a unit: ms, s, m, h or d.",
    });
  });

  it("says which form a text has, in the words of its executor", () => {
    const [field] = fieldsOf({ id: { type: "string", pattern: "^i-[0-9a-f]+$", expected: "the id of an instance" } });

    expect(field?.help).toBe("Enter the id of an instance.");
  });

  it("is a choice for constants and a checkbox for true and false (argo-workflows#6824, argo-workflows#12195)", () => {
    expect(shapeOf({ enum: ["yes", "no"] })).toEqual({ kind: "choice", options: ["yes", "no"] });
    expect(shapeOf({ anyOf: [{ const: "a" }, { const: "b" }] })).toEqual({ kind: "choice", options: ["a", "b"] });
    expect(shapeOf({ type: "boolean" })).toEqual({ kind: "flag" });
  });

  it("offers constants where an expression is possible too", () => {
    const schema = { anyOf: [{ const: "required" }, { const: "optional" }, { type: "string", pattern: "\\$\\{" }] };

    expect(shapeOf(schema)).toEqual({ kind: "scalar", types: new Set(["string"]), offers: ["required", "optional"] });
  });

  it("is what its reference describes, also one within another (backstage#28996)", () => {
    const root: JsonSchema & { readonly $defs: Readonly<Record<string, JsonSchema>> } = {
      properties: { size: { $ref: "#/$defs/Size" }, more: { allOf: [{ $ref: "#/$defs/More" }] } },
      $defs: {
        Size: { enum: ["s", "l"], description: "How large" },
        More: { type: "object", properties: { at: { $ref: "#/$defs/Size" } } },
      },
    };
    const [size, more] = listFields([root], undefined, root);

    expect(size && [size.help, shapeOf(size.schema, root)]).toEqual([
      "How large.",
      { kind: "choice", options: ["s", "l"] },
    ]);
    expect(more && shapeOf(more.schema, root)).toMatchObject({ kind: "group" });
  });

  it("ends where a schema refers to itself for ever", () => {
    const root = { $ref: "#" };

    expect(toShapes(root, root)).toEqual([{ kind: "any" }]);
  });

  it("is missing where no value is possible", () => {
    expect(toShapes({ not: {} }, {})).toEqual([]);
  });

  it("of several maps is one of that with the constants of the value, and of all without a value", () => {
    const plan = { properties: { action: { const: "plan" }, out: {} }, required: ["action"] };
    const apply = { properties: { action: { const: "apply" }, plan: {} }, required: ["action"] };
    const keysOf = (value: { action: string } | undefined) =>
      listFields([plan, apply], value, {}).map(({ key }) => key);

    expect(keysOf({ action: "apply" })).toEqual(["action", "plan"]);
    expect(keysOf(undefined)).toEqual(["action", "out", "plan"]);
  });
});

describe("a choice of keys", () => {
  const one: JsonSchema = {
    properties: { in: {}, at: {}, cron: {}, zone: {}, event: {} },
    oneOf: [{ required: ["in"] }, { required: ["at"] }, { required: ["cron"] }],
    dependentRequired: { zone: ["cron"] },
  };

  it("is what the branches of a map require, and no kind of value (react-jsonschema-form#3710, react-jsonschema-form#4469)", () => {
    expect(toShapes(one, one)).toEqual([{ kind: "group", schemas: [one] }]);
    expect(findKeyChoice([one])).toEqual(["in", "at", "cron"]);
    expect([listReplaced([one], "in"), listReplaced([one], "cron")]).toEqual([
      ["at", "cron", "zone"],
      ["in", "at"],
    ]);
  });

  it("is not what only some branches require, or where several keys may be given", () => {
    const some = { ...one, oneOf: [{ required: ["in"] }, { required: ["at", "cron"] }] };
    const { oneOf = [], ...any } = one;

    expect([findKeyChoice([some]), findKeyChoice([{ ...any, anyOf: oneOf }]), findKeyChoice([])]).toEqual([[], [], []]);
    expect(shapeOf({ ...any, anyOf: oneOf })).toMatchObject({ kind: "group" });
  });

  it("is that of the timers of a machine", () => {
    const { v2 } = tasks.schemas(undefined);

    expect(findKeyChoice(findSchemas(v2, ["states", "LIVE", "after"]).filter(({ properties }) => properties))).toEqual([
      "in",
      "at",
      "cron",
    ]);
  });
});

describe("the schemas that exist", () => {
  const { v1, v2 } = tasks.schemas(undefined);

  it("have a way to enter each value, with a label", async () => {
    const executors = await tasks.executors(undefined);
    const configs = executors.flatMap(({ config = {}, documents }) => [config, documents?.v2 ?? {}]);
    const empty = [v1, v2, ...configs].flatMap((root) => listUnknown(root, root, []));

    expect(empty).toEqual([]);
  });

  function listUnknown(schema: JsonSchema, root: JsonSchema, path: readonly string[]): readonly string[] {
    return toShapes(schema, root).flatMap((shape) => {
      if (shape.kind === "list") return listUnknown(shape.item, root, [...path, "0"]);
      if (shape.kind === "map") return listUnknown(shape.entry, root, [...path, "key"]);
      if (shape.kind !== "group") return [];
      return listFields(shape.schemas, undefined, root).flatMap((field) => [
        ...(field.label === "" || toShapes(field.schema, root).length === 0 ? [[...path, field.key].join(".")] : []),
        ...listUnknown(field.schema, root, [...path, field.key]),
      ]);
    });
  }
});
