import { Validator } from "@seriousme/openapi-schema-validator";
import { describe, expect, it } from "vitest";
import { findBreaks } from "./find-breaks.ts";
import { type ApiDocument, loadDocument } from "./load-document.ts";

describe("the API's document", () => {
  it("is valid OpenAPI 3.1", async () => {
    const validator = new Validator();

    const { errors } = await validator.validate({ ...(await loadDocument("1.0.0")) });

    expect(errors).toBeUndefined();
    expect(validator.version).toBe("3.1");
  });
});

const text = { type: "string" };

/** What may differ between two versions. */
interface Parts {
  readonly path?: string;
  readonly query?: Readonly<Record<string, object>>;
  readonly required?: readonly string[];
  readonly body?: object;
  readonly item?: object;
}

const BODY = { type: "object", properties: { as: { enum: ["done", "failed"] }, reason: text }, required: ["as"] };
const ITEM = {
  type: "object",
  properties: { id: text, state: { enum: ["up", "down"] }, note: text, count: { type: "integer" } },
  required: ["id", "state", "count"],
};

function aDocument(parts: Parts = {}): ApiDocument {
  const { path = "/v1/things", query = { limit: text }, required = [], body = BODY, item = ITEM } = parts;
  const parameters = Object.entries(query).map(([name, schema]) => ({
    name,
    in: "query",
    required: required.includes(name),
    schema,
  }));
  const content = { "application/json": { schema: { $ref: "#/components/schemas/Thing" } } };
  const operation = {
    operationId: "changeThings",
    parameters,
    requestBody: { required: true, content: { "application/json": { schema: body } } },
    responses: { 200: { description: "A thing.", content }, default: { description: "A problem." } },
  };
  const head = { openapi: "3.1.0", info: { title: "Things", version: "1" } };
  return { ...head, paths: { [path]: { post: operation } }, components: { schemas: { Thing: item } } };
}

const withProperties = (schema: typeof BODY | typeof ITEM, properties: object, required?: readonly string[]) => ({
  ...schema,
  properties: { ...schema.properties, ...properties },
  ...(required && { required }),
});
const without = (schema: typeof BODY | typeof ITEM, key: string) => ({
  ...schema,
  properties: Object.fromEntries(Object.entries(schema.properties).filter(([name]) => name !== key)),
  required: schema.required.filter((name) => name !== key),
});

describe("findBreaks", () => {
  it.each<[string, Parts]>([
    ["nothing", {}],
    ["a parameter", { query: { limit: text, cursor: text } }],
    ["an optional field of a request", { body: withProperties(BODY, { force: { type: "boolean" } }) }],
    ["a value that a request may have", { body: withProperties(BODY, { as: { enum: ["done", "failed", "none"] } }) }],
    ["a field of an answer", { item: withProperties(ITEM, { owner: text }) }],
    ["a value of an answer", { item: withProperties(ITEM, { state: { enum: ["up", "down", "away"] } }) }],
    ["a promise of a field", { item: withProperties(ITEM, {}, ["id", "state", "count", "note"]) }],
  ])("finds nothing where a version adds %s", async (_, parts) => {
    expect(await findBreaks(aDocument(), aDocument(parts))).toEqual([]);
  });

  it.each<[string, RegExp, Parts]>([
    ["an operation", /operation is missing/, { path: "/v1/others" }],
    ["a parameter", /'limit'/, { query: { cursor: text } }],
    ["an optional field of a request", /'reason'/, { body: without(BODY, "reason") }],
    ["a value of a request", /"failed"/, { body: withProperties(BODY, { as: { enum: ["done"] } }) }],
    ["a field of an answer", /'count'/, { item: without(ITEM, "count") }],
    ["an optional field of an answer", /'note'/, { item: without(ITEM, "note") }],
    ["the promise of a field", /'count'/, { item: { ...ITEM, required: ["id", "state"] } }],
    ["the type of a field", /'string'/, { item: withProperties(ITEM, { count: text }) }],
  ])("finds that a version takes away %s", async (_, message, parts) => {
    const breaks = await findBreaks(aDocument(), aDocument(parts));

    expect(breaks.map(({ operation }) => operation)).toContain("POST /v1/things");
    expect(breaks.map((each) => each.message).join("\n")).toMatch(message);
  });

  it.each<[string, RegExp, Parts]>([
    ["a parameter", /'yard'/, { query: { limit: text, yard: text }, required: ["yard"] }],
    ["a field of a request", /'force'/, { body: withProperties(BODY, { force: text }, ["as", "force"]) }],
  ])("finds that a version needs %s", async (_, message, parts) => {
    const [found] = await findBreaks(aDocument(), aDocument(parts));

    expect(found?.message).toMatch(message);
  });
});
