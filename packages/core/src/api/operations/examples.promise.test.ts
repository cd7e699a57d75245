import { type TSchema, Type } from "typebox";
import { Compile } from "typebox/compile";
import { expect, it } from "vitest";
import type { AnyOperation } from "./define-operation.ts";
import * as exported from "./index.ts";

const all: readonly unknown[] = Object.values(exported);
const operations = all.filter(
  (each): each is AnyOperation => typeof each === "object" && each !== null && "operationId" in each,
);

/** Only the text form of a query reaches a server. */
const toTexts = (query: object = {}) =>
  Object.fromEntries(Object.entries(query).map(([name, value]) => [name, String(value)]));

const faultsOf = (schema: TSchema, value: unknown) => {
  const validator = Compile(schema);
  return validator.Check(value)
    ? []
    : validator.Errors(value).map(({ instancePath, message }) => `${instancePath} ${message}`);
};

it("are there for what is required, and fit the operation", () => {
  const wrong = operations.flatMap(({ operationId, query, body, describedBody, example = {} }) => {
    const needed = Type.Object(query) as TSchema & { readonly required?: readonly string[] };
    const lacking = (needed.required ?? []).filter((name) => !(name in toTexts(example.query)));
    const schema = describedBody ?? body;
    const faults = schema === undefined ? [] : faultsOf(schema, example.body ?? {});
    return [
      ...lacking.map((name) => `${operationId}: no ${name}`),
      ...faults.map((fault) => `${operationId}: ${fault}`),
    ];
  });

  expect(operations.length).toBeGreaterThan(50);
  expect(wrong).toEqual([]);
});

it("name no query that the operation does not have", () => {
  const unknown = operations.flatMap(({ operationId, query, example = {} }) =>
    Object.keys(example.query ?? {})
      .filter((name) => !(name in query))
      .map((name) => `${operationId} ${name}`),
  );

  expect(unknown).toEqual([]);
});
