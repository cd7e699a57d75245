import { isMap } from "../json.ts";
import { parseCel } from "./cel-engine.ts";
import { splitTemplate } from "./compile-template.ts";
import { walkTree } from "./tree-walk.ts";

/**
 * Returns what the expressions of a template read, by root and first member: `metadata.image`, `tasks.plan`. A root that
 * is read as a whole, or by a computed key, has no member: `metadata`.
 */
export function listReferences(source: unknown): ReadonlySet<string> {
  const found = new Set<string>();
  collect(source, found);
  return found;
}

/** Returns whether two lists name the same value, where a root names all of its members. */
export function haveCommon(a: ReadonlySet<string>, b: ReadonlySet<string>): boolean {
  const covers = (all: ReadonlySet<string>, name: string) => all.has(name) || all.has(name.split(".")[0] ?? "");
  return [...a].some((name) => covers(b, name)) || [...b].some((name) => covers(a, name));
}

function collect(value: unknown, found: Set<string>): void {
  if (typeof value === "string") collectText(value, found);
  else if (Array.isArray(value)) for (const item of value) collect(item, found);
  else if (isMap(value)) for (const item of Object.values(value)) collect(item, found);
}

function collectText(text: string, found: Set<string>): void {
  for (const part of splitTemplate(text)) {
    if (part.kind !== "expression") continue;
    walkTree(parseCel(part.source).tree, {
      reference: ({ root, members: [first] }) => found.add(first?.name === undefined ? root : `${root}.${first.name}`),
      call: () => undefined,
      mapKey: () => undefined,
    });
  }
}
