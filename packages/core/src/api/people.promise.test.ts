import { describe, expect, it } from "vitest";
import * as api from "./index.ts";

type Schema = Readonly<Record<string, unknown>>;

const isSchema = (value: unknown): value is Schema => typeof value === "object" && value !== null;

/** Names of fields that say who did something: `by`, `startedBy`, `actor`. An event is `raisedBy` an event, work is `heldBy` a code. */
const SAYS_WHO = /^(by|actor|(?!raised|held)[a-z]+By)$/;

/** Lists the fields of a schema that name who did something without saying which of several people of that name. */
function listNameless(schema: unknown, at: string): readonly string[] {
  if (!isSchema(schema)) return [];
  const properties = isSchema(schema["properties"]) ? schema["properties"] : {};
  const own = Object.entries(properties).flatMap(([name, field]) => {
    if (!(SAYS_WHO.test(name) && isSchema(field)) || saysWhich(field, properties[`${name}Id`])) return [];
    return [`${at}.${name}`];
  });
  const inner = Object.entries(properties).map(([name, field]) => [field, `${at}.${name}`] as const);
  const parts = ["anyOf", "allOf", "oneOf"].flatMap((key) => schema[key] ?? []).map((part) => [part, at] as const);
  const items = [schema["items"], schema["additionalProperties"]].map((part) => [part, `${at}[]`] as const);
  return [...own, ...[...inner, ...parts, ...items].flatMap(([part, where]) => listNameless(part, where))];
}

/** Returns true if a field has an id next to its name, and if it contains no name. */
function saysWhich({ type, items, properties, anyOf }: Schema, beside: unknown): boolean {
  if (Array.isArray(anyOf)) return anyOf.every((part) => isSchema(part) && saysWhich(part, beside));
  if (type === "string") return beside !== undefined;
  if (type === "array") return isSchema(items) && saysWhich(items, undefined);
  return !(isSchema(properties) && "name" in properties) || "id" in properties;
}

describe("who did something", () => {
  it("has an id next to each name in all answers of the API, because names repeat (grafana#17635)", () => {
    const answers = Object.entries<unknown>(api);

    expect(answers.flatMap(([name, schema]) => listNameless(schema, name))).toEqual([]);
    expect(answers.filter(([, schema]) => (JSON.stringify(schema) ?? "").includes('"byId"')).length).toBeGreaterThan(3);
  });

  it("is found where the id is missing", () => {
    const schema = {
      properties: {
        stop: { properties: { by: { type: "string" }, startedBy: { type: "array", items: { type: "string" } } } },
        end: { properties: { endedBy: { anyOf: [{ type: "string" }, { type: "null" }] } } },
      },
    };

    expect(listNameless(schema, "Release")).toEqual([
      "Release.stop.by",
      "Release.stop.startedBy",
      "Release.end.endedBy",
    ]);
  });
});
