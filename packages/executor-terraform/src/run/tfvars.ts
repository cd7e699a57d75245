import { isMap } from "@stackyard/core";
import { findAttributes, listTexts, toHclTokens } from "../source/hcl.ts";
import { parseRawJson } from "../state/exact-json.ts";

/**
 * Returns true for files that the program loads by itself. Their values override those in the environment (Terraform
 * docs, "Input Variables": precedence).
 */
export function isVariablesFile(name: string): boolean {
  return /^terraform\.tfvars(\.json)?$/.test(name) || /\.auto\.tfvars(\.json)?$/.test(name);
}

/** A file of variables without some of them. */
interface RestOfFile {
  readonly text: string;
  /** The names that it set, in their order. */
  readonly removed: readonly string[];
}

/** Removes the values of these names from a file of variables; the lines of other values do not move. */
export function removeVariables(name: string, text: string, names: ReadonlySet<string>): RestOfFile {
  return name.endsWith(".json") ? removeFromJson(text, names) : removeFromHcl(text, names);
}

/** Returns the variable within whose value a file of variables ends; undefined for a whole file. JSON has an end. */
export function findCut(name: string, text: string): string | undefined {
  return name.endsWith(".json") ? undefined : findAttributes(text).find(({ isWhole }) => !isWhole)?.name;
}

/** Returns the texts and numbers in the values of these names in a file of variables. */
export function listTextsOf(name: string, text: string, names: ReadonlySet<string>): readonly string[] {
  if (!name.endsWith(".json")) {
    const values = findAttributes(text).filter((attribute) => names.has(attribute.name));
    return values.flatMap(({ start, end }) => listTexts(toHclTokens(text.slice(start, end)).slice(1)));
  }
  const bodies = [parseRawJson(text.replace(/^\uFEFF/, ""))].flat().filter(isMap);
  const values = bodies.flatMap((body) => Object.entries(body).filter(([key]) => names.has(key)));
  return listTexts(toHclTokens(JSON.stringify(values.map(([, value]) => value))));
}

function removeFromHcl(text: string, names: ReadonlySet<string>): RestOfFile {
  const removed = findAttributes(text).filter((attribute) => names.has(attribute.name));
  let rest = text;
  for (const { start, end } of removed.toReversed()) {
    const lines = rest.slice(start, end).replace(/[^\n]/g, "");
    rest = rest.slice(0, start) + lines + rest.slice(end);
  }
  return { text: rest, removed: removed.map((attribute) => attribute.name) };
}

function removeFromJson(text: string, names: ReadonlySet<string>): RestOfFile {
  // Invalid JSON, which a program would refuse, is not changed.
  const found = parseRawJson(text.replace(/^\uFEFF/, ""));
  const bodies: readonly unknown[] = Array.isArray(found) ? found : [found];
  const removed = bodies.flatMap((body) => (isMap(body) ? Object.keys(body) : [])).filter((key) => names.has(key));
  if (removed.length === 0) return { text, removed };
  const rest = bodies.map((body) => {
    return isMap(body) ? Object.fromEntries(Object.entries(body).filter(([key]) => !names.has(key))) : body;
  });
  return { text: JSON.stringify(Array.isArray(found) ? rest : rest[0]), removed };
}
