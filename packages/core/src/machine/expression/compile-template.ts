// biome-ignore-all lint/suspicious/noTemplateCurlyInString: the placeholders are those of machines, in plain strings.
import type { Path } from "../document/tree.ts";
import { quote } from "../document/wording.ts";
import { isMap } from "../json.ts";
import { REFERENCE_KEYS } from "../secrets.ts";
import type { CelProgram, CelScope } from "./cel-engine.ts";
import { SPAN } from "./cel-functions.ts";
import { fromCelValue, toCelScope, toCelVariables, toPlaceholderText } from "./cel-values.ts";
import { checkNames, checkVariables } from "./check-names.ts";
import { compileProgram, type InferredType, inferDeclaredType, toReason } from "./compile-expression.ts";
import type {
  CelTemplate,
  Evaluated,
  ExpressionFault,
  ExpressionPlace,
  FindSecret,
  SecretPlace,
  Template,
} from "./expression.ts";
import { createMeter, EvaluationError, EXPRESSION_LIMITS, type Meter } from "./meter.ts";
import { findSecretPlace } from "./tree-walk.ts";

/** A fault of a template, with the keys that lead to its string. */
interface TemplateFault extends ExpressionFault {
  /**
   * From the value that was compiled; empty for the value itself. Indexes of lists are texts, as in a document's paths.
   */
  readonly path: Path;
}

/** A template that may be resolved, or what is wrong with it. */
type CompiledTemplate =
  | {
      readonly kind: "template";
      readonly template: Template;
      /** False for a constant: resolving returns the same value in every scope and never fails. */
      readonly hasExpressions: boolean;
      /** The known part of what resolving returns. */
      readonly result: TemplateResult;
    }
  | { readonly kind: "faults"; readonly faults: readonly TemplateFault[] };

/** The result of a template: always this value, or a value of this type such as `string` or `dyn`. */
export type TemplateResult =
  | { readonly kind: "constant"; readonly value: unknown }
  | { readonly kind: "type"; readonly type: string };

/**
 * Compiles a scalar, list or map with `${…}` in its strings, however deep; keys of maps are taken as they are. The
 * source must not be changed afterwards. Never throws.
 */
export function compileTemplate(source: unknown, place: ExpressionPlace): CompiledTemplate {
  const work: Work = { rules: toRules(place), faults: [], count: { placeholders: 0 } };
  const node = compileNode(work, source, []);
  if (work.faults.length > 0) return { kind: "faults", faults: work.faults };
  const resolve: Template["resolve"] = (scope, findSecret) =>
    resolveTemplate(node, { toScope: () => toCelScope(scope, place), findSecret });
  const hasExpressions = node.kind !== "constant";
  return { kind: "template", template: { source, resolve }, hasExpressions, result: toResult(node) };
}

function toResult(node: TemplateNode): TemplateResult {
  if (isConstant(node)) return { kind: "constant", value: node.value };
  if (node.kind === "placeholder") return { kind: "type", type: node.placeholder.type };
  return { kind: "type", type: node.kind === "text" ? "string" : node.kind };
}

/** Compiles a template outside of machines, over these variables. Never throws. @see compileCel */
export function compileCelTemplate(
  source: unknown,
  variables: readonly string[],
):
  | { readonly kind: "template"; readonly template: CelTemplate }
  | { readonly kind: "faults"; readonly faults: readonly TemplateFault[] } {
  const rules: PlaceholderRules = {
    findSecret: () => undefined,
    check: ({ tree }, text) => checkVariables(tree, text, variables),
    isSensitive: () => false,
    inferType: () => ({ kind: "type", type: "dyn" }),
  };
  const work: Work = { rules, faults: [], count: { placeholders: 0 } };
  const node = compileNode(work, source, []);
  if (work.faults.length > 0) return { kind: "faults", faults: work.faults };
  const resolve: CelTemplate["resolve"] = (values) =>
    resolveTemplate(node, { toScope: () => toCelVariables(values), findSecret: () => undefined });
  return { kind: "template", template: { source, resolve } };
}

/** The names that placeholders of a template may use. */
interface PlaceholderRules {
  /** Returns the sensitive value that a whole placeholder refers to. */
  findSecret(program: CelProgram): SecretPlace | undefined;
  check(program: CelProgram, source: string, secret: SecretPlace | undefined): readonly ExpressionFault[];
  isSensitive(secret: SecretPlace | undefined): boolean;
  inferType(source: string): InferredType;
}

function toRules(place: ExpressionPlace): PlaceholderRules {
  return {
    findSecret: ({ tree }) => (place.sensitive === "placeholder" ? findSecretPlace(tree) : undefined),
    // A whole placeholder may name sensitive keys, which others may not.
    check: ({ tree }, source, secret) => checkNames(tree, source, secret ? { ...place, sensitive: "always" } : place),
    isSensitive: (secret) => secret?.kind === "metadata" && place.metadata.sensitive.has(secret.key),
    inferType: (source) => inferDeclaredType(source, place),
  };
}

interface Work {
  readonly rules: PlaceholderRules;
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
  toScope(): CelScope;
  readonly findSecret: FindSecret;
}

function resolveTemplate(node: TemplateNode, { toScope, findSecret }: ResolveInput): Evaluated {
  if (isConstant(node)) return { kind: "value", value: node.value };
  let source = "";
  const enter = (entered: string): void => {
    source = entered;
  };
  try {
    const deps = { scope: toScope(), findSecret, meter: createMeter(), enter };
    return { kind: "value", value: resolveNode(node, deps) };
  } catch (error) {
    return { kind: "error", reason: toReason(error, source) };
  }
}

/** The state of one compilation of a template. */
interface TextWork {
  readonly rules: PlaceholderRules;
  /** The count of the whole template, so far. */
  readonly count: { placeholders: number };
  /** True in a string of several parts, which has text only. */
  readonly isPart?: boolean;
  /** Takes a fault of the string that is being compiled. */
  fault(fault: ExpressionFault): void;
}

/** Compiles a string with `${…}`. A string that is exactly one placeholder keeps the type of its value. */
function compileText(work: TextWork, text: string): TemplateNode {
  const pieces = splitTemplate(text);
  const parts = pieces.flatMap((part) => compilePart({ ...work, isPart: pieces.length > 1 }, part));
  const [only, ...more] = parts;
  if (only !== undefined && typeof only !== "string" && more.length === 0) {
    return { kind: "placeholder", placeholder: only };
  }
  const texts = parts.filter((part) => typeof part === "string");
  return texts.length < parts.length ? { kind: "text", parts } : { kind: "constant", value: texts.join("") };
}

function compilePart(work: TextWork, part: TemplatePart): readonly (string | Placeholder)[] {
  if (part.kind === "text") return [part.text];
  if (part.kind === "unterminated") {
    const message = "This `${` has no `}` behind it. Text with `${` is written `$${`.";
    work.fault({ code: "expression-unterminated", message, offset: part.offset });
    return [];
  }
  if (work.count.placeholders === EXPRESSION_LIMITS.maxPlaceholders) {
    const message = `More than ${EXPRESSION_LIMITS.maxPlaceholders} placeholders in one value.`;
    work.fault({ code: "limit-exceeded", message, offset: part.offset });
    return [];
  }
  return compilePlaceholder(work, part);
}

function compilePlaceholder(work: TextWork, { source, offset }: { source: string; offset: number }): Placeholder[] {
  const { rules } = work;
  let secret: SecretPlace | undefined;
  const checked = compileProgram(source, (program) => {
    secret = rules.findSecret(program);
    return rules.check(program, source, secret);
  });
  const inferred = checked.kind === "faults" ? checked : inferResult(work, source);
  if (checked.kind === "faults" || inferred.kind === "faults") {
    const faults = inferred.kind === "faults" ? inferred.faults : [];
    for (const fault of faults) work.fault({ ...fault, offset: fault.offset + offset });
    return [];
  }
  const { type } = inferred;
  work.count.placeholders += 1;
  return [{ source, program: checked.program, type, sensitive: rules.isSensitive(secret), ...(secret && { secret }) }];
}

/** Types whose values are no JSON, and why. */
const NO_JSON: Readonly<Record<string, string>> = {
  [SPAN]: "is a duration; write string(x) for a string",
  bytes: "is bytes; write string(x) for a string",
  type: "is a type, which JSON does not support",
};

function inferResult(
  { rules, isPart }: TextWork,
  source: string,
):
  | { readonly kind: "type"; readonly type: string }
  | { readonly kind: "faults"; readonly faults: readonly ExpressionFault[] } {
  const inferred = rules.inferType(source);
  if (inferred.kind === "fault") return { kind: "faults", faults: [inferred.fault] };
  const { type } = inferred;
  const ofText =
    isPart && /^(?:list|map|null)\b/.test(type) ? `is a ${type}, which cannot be part of a string` : undefined;
  const why = NO_JSON[type] ?? ofText;
  if (why === undefined) return inferred;
  return { kind: "faults", faults: [{ code: "expression-type", message: `${quote(source)} ${why}.`, offset: 0 }] };
}

/** A compiled template: the result of a value of the document. */
type TemplateNode =
  | { readonly kind: "constant"; readonly value: unknown }
  | { readonly kind: "placeholder"; readonly placeholder: Placeholder }
  /** Text around placeholders, at least one. */
  | { readonly kind: "text"; readonly parts: readonly (string | Placeholder)[] }
  | { readonly kind: "list"; readonly items: readonly TemplateNode[] }
  | { readonly kind: "map"; readonly entries: readonly (readonly [string, TemplateNode])[] };

/** One `${…}`. */
interface Placeholder {
  readonly source: string;
  readonly program: CelProgram;
  /** The type of its value, such as `string` or `dyn`. */
  readonly type: string;
  /** Where a reference may come from; undefined when it names more than one value, or where values are computed. */
  readonly secret?: SecretPlace;
  /** True when it is a key that is declared sensitive: without a reference it is null, never the value. */
  readonly sensitive: boolean;
}

/** The dependencies of resolving. */
interface ResolveDeps {
  readonly scope: CelScope;
  readonly findSecret: FindSecret;
  /** One for the whole template. */
  readonly meter: Meter;
  /** Called before each placeholder, so that an error can name it. */
  enter(source: string): void;
}

/** Returns the value of a node. Throws for every error. */
function resolveNode(node: TemplateNode, deps: ResolveDeps): unknown {
  switch (node.kind) {
    case "constant":
      return node.value;
    case "placeholder":
      return findRef(node.placeholder, deps) ?? fromCelValue(compute(node.placeholder, deps));
    case "text":
      return resolveText(node.parts, deps);
    case "list":
      return node.items.map((item) => resolveNode(item, deps));
    case "map":
      return Object.fromEntries(node.entries.map(([key, value]) => [key, resolveNode(value, deps)]));
  }
}

interface SecretRef {
  readonly $secret: string;
}

function findRef({ source, secret }: Placeholder, deps: ResolveDeps): SecretRef | undefined {
  deps.enter(source);
  const ref = secret && deps.findSecret(secret);
  return ref === undefined ? undefined : { $secret: ref };
}

function compute({ sensitive, program }: Placeholder, { scope, meter }: ResolveDeps): unknown {
  return sensitive ? null : program.run(scope, meter);
}

function resolveText(parts: readonly (string | Placeholder)[], deps: ResolveDeps): unknown {
  const pieces: (string | SecretRef)[] = [];
  let text = "";
  for (const part of parts) {
    const piece = typeof part === "string" ? part : resolvePart(part, deps);
    if (typeof piece === "string") text += piece;
    else {
      pieces.push(...(text === "" ? [] : [text]), piece);
      text = "";
    }
    if (text.length > EXPRESSION_LIMITS.maxText) throw new EvaluationError("the text becomes too long");
  }
  if (pieces.length === 0) return text;
  return { $concat: text === "" ? pieces : [...pieces, text] };
}

function resolvePart(placeholder: Placeholder, deps: ResolveDeps): string | SecretRef {
  return findRef(placeholder, deps) ?? toPlaceholderText(compute(placeholder, deps));
}

/** A piece of a template string. */
type TemplatePart =
  | { readonly kind: "text"; readonly text: string }
  | { readonly kind: "expression"; readonly source: string; readonly offset: number }
  /** A `${` without its `}`; nothing comes behind it. */
  | { readonly kind: "unterminated"; readonly offset: number };

/**
 * Splits a string into its parts, from left to right; `$${` is matched first and results in the text `${`. An
 * expression ends at the first `}` that is neither in a string or comment of CEL nor closes a `{` of a map.
 */
export function splitTemplate(template: string): readonly TemplatePart[] {
  const parts: TemplatePart[] = [];
  let text = "";
  let at = 0;
  for (const { index, 0: mark } of template.matchAll(/\$?\$\{/g)) {
    if (index < at) continue;
    text += template.slice(at, index);
    at = index + mark.length;
    if (mark === "$${") {
      text += "${";
      continue;
    }
    const end = findEnd(template, at);
    if (text !== "") parts.push({ kind: "text", text });
    if (end < 0) return [...parts, { kind: "unterminated", offset: index }];
    parts.push({ kind: "expression", source: template.slice(at, end), offset: at });
    text = "";
    at = end + 1;
  }
  text += template.slice(at);
  return text === "" ? parts : [...parts, { kind: "text", text }];
}

/** Returns true when a text contains `${…}`, also a broken one; `$${` does not count. */
export function hasExpression(text: string): boolean {
  return splitTemplate(text).some(({ kind }) => kind !== "text");
}

// Everything that may contain a brace that does not count, else one character. Sticky, so that no text is read twice.
const TOKEN =
  /'''(?:\\[\s\S]|(?!''')[^\\])*'''|"""(?:\\[\s\S]|(?!""")[^\\])*"""|'(?:\\[\s\S]|[^'\\])*'|"(?:\\[\s\S]|[^"\\])*"|\/\/[^\n]*|[\s\S]/y;
const DEPTH: Readonly<Record<string, number>> = { "{": 1, "}": -1 };

// Nothing after an unclosed quote is an expression.
function findEnd(template: string, start: number): number {
  let depth = 0;
  let at = start;
  while (at < template.length) {
    TOKEN.lastIndex = at;
    const token = TOKEN.exec(template)?.[0] ?? "'";
    if (token === "'" || token === '"') return -1;
    depth += DEPTH[token] ?? 0;
    if (depth < 0) return at;
    at += token.length;
  }
  return -1;
}

/** Escapes a text for a template: each `${` becomes `$${`. */
export function escapeTemplate(text: string): string {
  return text.replaceAll("${", () => "$${");
}
