import type { CelProgram, CelScope } from "./cel-engine.ts";
import { EvaluationError } from "./evaluation-error.ts";
import type { FindSecret, SecretPlace } from "./expression.ts";
import { EXPRESSION_LIMITS } from "./expression-limits.ts";
import { fromCelValue, toPlaceholderText } from "./from-cel-value.ts";
import type { Meter } from "./meter.ts";

/** A compiled template: what a value of the document becomes. */
export type TemplateNode =
  | { readonly kind: "constant"; readonly value: unknown }
  | { readonly kind: "placeholder"; readonly placeholder: Placeholder }
  /** Text around placeholders, at least one. */
  | { readonly kind: "text"; readonly parts: readonly (string | Placeholder)[] }
  | { readonly kind: "list"; readonly items: readonly TemplateNode[] }
  | { readonly kind: "map"; readonly entries: readonly (readonly [string, TemplateNode])[] };

/** One `${…}`. */
export interface Placeholder {
  readonly source: string;
  readonly program: CelProgram;
  /** Where a reference may come from; undefined when it names more than one value, or where values are computed. */
  readonly secret?: SecretPlace;
  /** True when it is a key that is declared sensitive: without a reference it is null, never the value. */
  readonly sensitive: boolean;
}

/** What resolving needs. */
export interface ResolveDeps {
  readonly scope: CelScope;
  readonly findSecret: FindSecret;
  /** One for the whole template. */
  readonly meter: Meter;
  /** Called before each placeholder, so that an error can name it. */
  enter(source: string): void;
}

/** The value of a node. Throws for every error. */
export function resolveNode(node: TemplateNode, deps: ResolveDeps): unknown {
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
