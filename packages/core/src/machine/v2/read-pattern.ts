import { createMetadataPattern, MAX_PATTERN } from "../decide/metadata-pattern.ts";
import { type CompileContext, onKey, onValue } from "../document/compile-context.ts";
import { type Field, findField, findText, type MapNode } from "../document/tree.ts";
import { describe, quote } from "../document/wording.ts";
import type { MetadataRule } from "../machine.ts";

/** The `pattern` of a metadata key, in JavaScript's syntax with the flag `u`, as far as it can be searched in linear time. */
export function readPattern(
  { problems, isKept }: CompileContext,
  rule: Field<MapNode>,
  type: MetadataRule["type"],
): Pick<MetadataRule, "pattern"> {
  const field = findField(rule, "pattern");
  if (field === undefined) return {};
  if (type !== undefined && type !== "string") {
    const message = `pattern is for texts, and this key is a ${type}.`;
    problems.error("constraint-not-applicable", onKey(field), message);
    return {};
  }
  const source = findText(field);
  if (source === undefined) {
    const message = `pattern must be a text, a regular expression, but it is ${describe(field.node)}.`;
    problems.error("pattern-invalid", onValue(field), message);
    return {};
  }
  if (source.length > MAX_PATTERN) {
    const message = `The pattern has ${source.length} characters; ${MAX_PATTERN} are allowed.`;
    problems.error("pattern-invalid", onValue(field), message);
    return {};
  }
  try {
    const pattern = createMetadataPattern(source);
    // Stacks on a kept revision go on: `decide` refuses what the pattern would have to judge.
    if (pattern.kind === "linear" || isKept) return { pattern };
    const message = `The pattern uses ${pattern.construct}, which cannot be searched in linear time. Rewrite the pattern without it.`;
    problems.error("pattern-not-linear", onValue(field), message);
    return {};
  } catch (cause) {
    const why = cause instanceof Error ? ` ${cause.message.slice(0, 200)}.` : "";
    problems.error("pattern-invalid", onValue(field), `${quote(source)} is no regular expression.${why}`);
    return {};
  }
}
