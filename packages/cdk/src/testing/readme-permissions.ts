import { readFileSync } from "node:fs";
import { join } from "node:path";
import { toJson } from "./resolve-template.ts";

const PACKAGES = join(import.meta.dirname, "../../..");

/**
 * Returns the permissions that a package's README documents, as pairs `action resource`. Tests of those packages check
 * that they match the calls of the code exactly.
 */
export function listDocumented(name: string, pick: (document: unknown) => unknown): readonly string[] {
  const readme = readFileSync(join(PACKAGES, name, "README.md"), "utf8");
  const blocks = [...readme.matchAll(/```json\n([\s\S]*?)```/g)].map(([, json = "{}"]): unknown => JSON.parse(json));
  const found = blocks.map(pick).find((statements) => statements !== undefined);
  if (found === undefined) throw new TypeError(`${name}/README.md documents no such permissions.`);
  return [found].flat().flatMap((statement) => listPairs(statement));
}

function listPairs(statement: unknown): readonly string[] {
  const { Action, Resource } = toJson(statement);
  return [Action].flat().flatMap((action) => [Resource].flat().map((each) => `${action} ${each}`));
}
