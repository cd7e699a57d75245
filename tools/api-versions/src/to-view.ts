import type { ApiDocument } from "./load-document.ts";

/**
 * What is compared. `requests`: unchanged. `answers`: with open enumerations, since clients ignore values that they do not know.
 * `whole`: the same, and nothing is optional, so that a type of it lacks what is removed.
 */
export type View = "requests" | "answers" | "whole";

type Json = Readonly<Record<string, unknown>>;

/** Returns a document for one comparison. Only successful answers stay: errors are all of one form. */
export function toView(document: ApiDocument, view: View): ApiDocument {
  const answers = Object.fromEntries(
    Object.entries(document.paths).map(([path, methods]) => [
      path,
      Object.fromEntries(Object.entries(methods).map(([method, each]) => [method, withoutErrors(each)])),
    ]),
  );
  const shown = { ...document, paths: answers };
  return view === "requests" ? shown : (change(shown, view === "whole") as ApiDocument);
}

function withoutErrors<Operation extends Json>(operation: Operation): Operation {
  const responses = Object.entries(operation["responses"] as Json).filter(([status]) => status.startsWith("2"));
  return { ...operation, responses: Object.fromEntries(responses) };
}

function change(node: unknown, isWhole: boolean): unknown {
  if (Array.isArray(node)) return node.map((item) => change(item, isWhole));
  if (typeof node !== "object" || node === null) return node;
  const children = Object.fromEntries(Object.entries(node).map(([key, child]) => [key, change(child, isWhole)]));
  return isWhole ? withoutOptional(openEnumeration(children)) : openEnumeration(children);
}

/** Returns an enumeration of texts only: `true` and `null` do not grow. */
function openEnumeration(schema: Json): Json {
  const { enum: values, const: value, ...rest } = schema;
  const all = Array.isArray(values) ? values : [value];
  return all.every((each) => typeof each === "string") ? { ...rest, type: "string" } : schema;
}

function withoutOptional(node: Json): Json {
  if (typeof node["in"] === "string" && "schema" in node) return { ...node, required: true };
  if (node["type"] !== "object" || typeof node["properties"] !== "object") return node;
  return { ...node, required: Object.keys(node["properties"] ?? {}) };
}
