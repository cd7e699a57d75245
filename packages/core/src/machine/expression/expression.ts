// Its use; none of these throws:
//
//   compileExpression(source, place)  → { kind: "expression", expression } | { kind: "faults", faults }
//   compileTemplate(value, place)     → { kind: "template", template, hasExpressions } | { kind: "faults", faults }
//   escapeTemplate(text)              → the template that evaluates to this text
//
// A place (`ExpressionPlace`) lists the names that an expression may use. A fault has a code, a message and an offset
// into its string; one of a template also has the path of keys to that string.
import type { MetadataValue } from "../stack.ts";

/** The values that an expression may use. All are readonly copies; instants are epoch milliseconds. */
export interface ExpressionScope {
  readonly stack: {
    readonly id: string;
    readonly machine: string;
    readonly state: string;
    readonly previousState: string | null;
    readonly createdAt: number;
    readonly enteredAt: number;
    /** Every state of the machine; 0 for one that was never entered. */
    readonly visits: Readonly<Record<string, number>>;
  };
  /** Declared keys without a value are null here; sensitive ones only where the place allows them. */
  readonly metadata: Readonly<Record<string, MetadataValue>>;
  /** In reactions only. */
  readonly event?: { readonly name: string; readonly metadata: Readonly<Record<string, MetadataValue>> };
  /** Tasks of the present entry. Sensitive outputs are not in it. */
  readonly tasks?: Readonly<Record<string, ScopeTask>>;
  /** In `allow` only: who sends the event. */
  readonly actor?: ScopeActor;
  /** The instant of the decision. */
  readonly now: number;
}

/** The sender of an event in expressions. */
export interface ScopeActor {
  /** Unique within its kind. A name is left out: others can take the same one. */
  readonly id: string;
  readonly kind: string;
  readonly groups: readonly string[];
  /** The machine of a stack. Missing: an empty text. */
  readonly machine?: string;
}

/** A task in expressions. */
export interface ScopeTask {
  /** The detail, else the status. */
  readonly status: string;
  readonly outputs: Readonly<Record<string, MetadataValue>>;
}

/** The result of evaluating. Integral numbers are JavaScript numbers, instants are ISO 8601 text. Never throws. */
export type Evaluated =
  | { readonly kind: "value"; readonly value: unknown }
  | { readonly kind: "error"; readonly reason: string };

/** A compiled expression; pure, bounded in size and time. */
export interface Expression {
  readonly source: string;
  evaluate(scope: ExpressionScope): Evaluated;
}

/** A compiled CEL expression outside of machines; pure, bounded in size and time. */
export interface Cel {
  readonly source: string;
  /** Takes a value for each of its variables: JSON, and dates as instants. */
  evaluate(values: Readonly<Record<string, unknown>>): Evaluated;
}

/** Where a sensitive value may come from. */
export type SecretPlace =
  | { readonly kind: "metadata"; readonly key: string }
  | { readonly kind: "output"; readonly task: string; readonly output: string };

/** Returns the reference (`password#3`) of a sensitive value; undefined when the place contains none. */
export type FindSecret = (place: SecretPlace) => string | undefined;

/**
 * A value (scalar, list or map) with `${…}` in its strings. A string that is exactly one placeholder keeps the type of
 * its value. A whole placeholder of a sensitive value becomes `{"$secret": ref}`, or `{"$concat": [...]}` inside text.
 */
export interface Template {
  /** The text in the document. */
  readonly source: unknown;
  resolve(scope: ExpressionScope, findSecret: FindSecret): Evaluated;
}

/** A value (scalar, list or map) with `${…}` in its strings, outside of machines. */
export interface CelTemplate {
  /** The text in the document. */
  readonly source: unknown;
  /** Takes a value for each of its variables: JSON, and dates as instants. */
  resolve(values: Readonly<Record<string, unknown>>): Evaluated;
}

/**
 * The position of an expression, which decides the names that it may use. `stack`, `metadata` and `now` are always
 * allowed.
 */
export interface ExpressionPlace {
  /** Only these variables, of those that are there. Default: all. */
  readonly variables?: readonly string[];
  /** True in reactions. In `allow` it has a name only. */
  readonly event: boolean;
  /** True in `allow`. Default: false. */
  readonly actor?: true;
  /** The tasks in `tasks` here; undefined where `tasks` does not exist. */
  readonly tasks?: readonly string[];
  /** All states of the machine, so that `stack.visits.TYPO` is found; undefined leaves them unchecked. */
  readonly states?: readonly string[];
  readonly metadata: PlaceMetadata;
  /**
   * The use of a sensitive metadata key here. `never`: naming it is a fault. `placeholder`: it may be a whole `${…}` of
   * a template, which becomes a reference. `always`: values are computed with it (in `set` of a key that is sensitive
   * itself).
   */
  readonly sensitive: "never" | "placeholder" | "always";
}

/** Which metadata keys there are. */
export interface PlaceMetadata {
  /** Keys that the document declares. */
  readonly declared: ReadonlySet<string>;
  /** Those of them that are sensitive. */
  readonly sensitive: ReadonlySet<string>;
  /** True when stacks may have other keys too. */
  readonly additional: boolean;
  /** The declared types of the keys; undefined where the types of names are not checked. */
  readonly types?: ReadonlyMap<string, DeclaredType>;
}

/** The declared type of a metadata key's values. */
export interface DeclaredType {
  readonly type?: "string" | "number" | "boolean";
  readonly enum?: readonly MetadataValue[];
  readonly sensitive?: boolean;
}

/** A fault of an expression or template. */
export interface ExpressionFault {
  readonly code: ExpressionFaultCode;
  readonly message: string;
  /** Characters from the start of the string that contains the expression. */
  readonly offset: number;
}

/** Codes of problems that expressions cause. */
export type ExpressionFaultCode =
  | "expression-syntax"
  | "expression-type"
  | "expression-fails"
  | "expression-unterminated"
  | "expression-unknown-name"
  | "expression-variable-unavailable"
  | "expression-task-not-available"
  | "sensitive-leak"
  | "metadata-undeclared"
  | "limit-exceeded";
