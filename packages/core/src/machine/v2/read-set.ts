import { onValue } from "../document/compile-context.ts";
import { type Field, findScalar, isMapField, toFields } from "../document/tree.ts";
import { describe } from "../document/wording.ts";
import type { Template } from "../expression/expression.ts";
import { checkDeclared } from "./read-metadata.ts";
import { readTemplate } from "./read-template.ts";
import type { StateScope } from "./state-scope.ts";
import type { V2Context } from "./v2-context.ts";

/** Metadata that an entry sets, by key. A sensitive key may be set from sensitive values, no other one may. */
export function readSet(
  context: V2Context,
  set: Field | undefined,
  { metadata, place }: StateScope,
): ReadonlyMap<string, Template> {
  if (set === undefined) return new Map();
  if (!isMapField(set)) {
    const message = `set must be a map of metadata keys to values, but it is ${describe(set.node)}.`;
    context.problems.error("set-not-map", onValue(set), message);
    return new Map();
  }
  const templates = new Map<string, Template>();
  for (const [key, field] of toFields(set)) {
    checkDeclared(context, field, key, metadata);
    if (findScalar(field) === undefined) {
      const message = `Metadata is flat: a value of set must be a text, number, boolean or null, but this is ${describe(field.node)}.`;
      context.problems.error("set-value-not-scalar", onValue(field), message);
      continue;
    }
    const sensitive = metadata.place.sensitive.has(key) ? "always" : "never";
    const template = readTemplate(context, field, { ...place, sensitive });
    if (template) templates.set(key, template);
  }
  return templates;
}
