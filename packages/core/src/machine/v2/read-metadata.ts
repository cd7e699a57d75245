import { type CompileContext, onKey, onValue } from "../document/compile-context.ts";
import { type Field, findField, isMapField, type MapNode, toFields } from "../document/tree.ts";
import { describe, quote } from "../document/wording.ts";
import type { PlaceMetadata } from "../expression/expression-place.ts";
import type { MetadataRule } from "../machine.ts";
import { readFlag } from "./read-flag.ts";
import { readMetadataRule } from "./read-metadata-rule.ts";

/** What a document says about its metadata; rules with a fault are in it as far as they could be read. */
export interface MetadataDraft {
  readonly rules: ReadonlyMap<string, MetadataRule>;
  /** What expressions need to know of it. */
  readonly place: PlaceMetadata;
}

/** The rules under `metadata`, and whether there may be other keys. */
export function readMetadata(context: CompileContext, root: Field<MapNode>): MetadataDraft {
  const flag = { key: "additionalMetadata", absent: true, code: "flag-not-boolean" };
  const additional = readFlag(context, root, flag) ?? true;
  const field = findField(root, "metadata");
  const rules = field === undefined ? new Map<string, MetadataRule>() : readRules(context, field);
  const sensitive = [...(rules ?? [])].flatMap(([key, rule]) => (rule.sensitive ? [key] : []));
  return {
    rules: rules ?? new Map(),
    // Where the keys could not be read, none is unknown.
    place: { declared: new Set(rules?.keys()), sensitive: new Set(sensitive), additional: additional || !rules },
  };
}

/** Refuses a key that stacks of this machine cannot have. */
export function checkDeclared({ problems }: CompileContext, key: Field, name: string, { place }: MetadataDraft): void {
  if (place.additional || place.declared.has(name)) return;
  problems.error("metadata-undeclared", onKey(key), tellUndeclared(name));
}

function tellUndeclared(name: string): string {
  return `${quote(name)} is not declared in metadata, and additionalMetadata is false.`;
}

function readRules(context: CompileContext, field: Field): ReadonlyMap<string, MetadataRule> | undefined {
  if (!isMapField(field)) {
    const message = `metadata must be a map of keys to rules, but it is ${describe(field.node)}. Without rules leave it out.`;
    context.problems.error("metadata-not-map", onValue(field), message);
    return undefined;
  }
  return new Map([...toFields(field)].map(([key, rule]) => [key, readMetadataRule(context, key, rule)]));
}
