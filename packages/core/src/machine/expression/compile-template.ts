import type { Path } from "../document/tree.ts";
import { quote } from "../document/wording.ts";
import { isMap } from "../message/parse-event-message.ts";
import { REFERENCE_KEYS } from "../secrets.ts";
import { compileText } from "./compile-text.ts";
import { toReason } from "./evaluation-reason.ts";
import type { Evaluated, ExpressionScope, FindSecret, Template } from "./expression.ts";
import { EXPRESSION_LIMITS } from "./expression-limits.ts";
import type { ExpressionFault, ExpressionPlace } from "./expression-place.ts";
import { createMeter } from "./meter.ts";
import { resolveNode, type TemplateNode } from "./template-node.ts";
import { toCelScope } from "./to-cel-scope.ts";

/** A fault of a template, with the keys that lead to its string. */
export interface TemplateFault extends ExpressionFault {
  /** From the value that was compiled; empty for the value itself. Indexes of lists are texts, as in a document's paths. */
  readonly path: Path;
}

/** A template that may be resolved, or what is wrong with it. */
export type CompiledTemplate =
  | {
      readonly kind: "template";
      readonly template: Template;
      /** False for a constant: resolving gives the same value in every scope and never fails. */
      readonly hasExpressions: boolean;
    }
  | { readonly kind: "faults"; readonly faults: readonly TemplateFault[] };

/**
 * Compiles a scalar, list or map with `${…}` in its strings, however deep; keys of maps are taken as they are. The source
 * must not be changed afterwards. Never throws.
 */
export function compileTemplate(source: unknown, place: ExpressionPlace): CompiledTemplate {
  const work: Work = { place, faults: [], count: { placeholders: 0 } };
  const node = compileNode(work, source, []);
  if (work.faults.length > 0) return { kind: "faults", faults: work.faults };
  const resolve: Template["resolve"] = (scope, findSecret) => resolveTemplate(node, { place, scope, findSecret });
  return { kind: "template", template: { source, resolve }, hasExpressions: node.kind !== "constant" };
}

interface Work {
  readonly place: ExpressionPlace;
  readonly faults: TemplateFault[];
  readonly count: { placeholders: number };
}

function compileNode(work: Work, value: unknown, path: Path): TemplateNode {
  const fault = (found: ExpressionFault): void => {
    work.faults.push({ ...found, path });
  };
  if (typeof value === "string") return compileText({ ...work, fault }, value);
  if (path.length > EXPRESSION_LIMITS.maxNesting) {
    fault({ code: "limit-exceeded", message: "The value is nested too deep.", offset: 0 });
    return { kind: "constant", value: null };
  }
  if (Array.isArray(value)) return compileList(work, value, path);
  return isMap(value) ? compileMap(work, value, path) : { kind: "constant", value };
}

function compileList(work: Work, list: readonly unknown[], path: Path): TemplateNode {
  const items = list.map((item, index) => compileNode(work, item, [...path, String(index)]));
  if (!items.every(isConstant)) return { kind: "list", items };
  return { kind: "constant", value: items.map(({ value }) => value) };
}

function compileMap(work: Work, map: Readonly<Record<string, unknown>>, path: Path): TemplateNode {
  const entries = Object.entries(map).map(([key, item]) => {
    const inside = [...path, key];
    if (REFERENCE_KEYS.includes(key)) {
      const message = `The key ${quote(key)} is reserved; a sensitive value is written \${metadata.key}.`;
      work.faults.push({ code: "sensitive-leak", message, offset: 0, path: inside });
    }
    return [key, compileNode(work, item, inside)] as const;
  });
  const constants = entries.flatMap(([key, node]) => (isConstant(node) ? [[key, node.value] as const] : []));
  if (constants.length < entries.length) return { kind: "map", entries };
  return { kind: "constant", value: Object.fromEntries(constants) };
}

function isConstant(node: TemplateNode): node is TemplateNode & { kind: "constant" } {
  return node.kind === "constant";
}

interface ResolveInput {
  readonly place: ExpressionPlace;
  readonly scope: ExpressionScope;
  readonly findSecret: FindSecret;
}

function resolveTemplate(node: TemplateNode, { place, scope, findSecret }: ResolveInput): Evaluated {
  if (isConstant(node)) return { kind: "value", value: node.value };
  let source = "";
  const enter = (entered: string): void => {
    source = entered;
  };
  try {
    const deps = { scope: toCelScope(scope, place), findSecret, meter: createMeter(), enter };
    return { kind: "value", value: resolveNode(node, deps) };
  } catch (error) {
    return { kind: "error", reason: toReason(error, source) };
  }
}
