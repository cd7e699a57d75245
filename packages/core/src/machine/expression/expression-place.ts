/** Where an expression stands, which decides what it may name. `stack`, `metadata` and `now` are there always. */
export interface ExpressionPlace {
  /** Only these variables, of those that are there. Default: all. */
  readonly variables?: readonly string[];
  /** True in reactions. */
  readonly event: boolean;
  /** The tasks that `tasks` holds here; undefined where there is no `tasks` at all. */
  readonly tasks?: readonly string[];
  /** All states of the machine, so that `stack.visits.TYPO` is found; undefined leaves them unchecked. */
  readonly states?: readonly string[];
  readonly metadata: PlaceMetadata;
  /**
   * What a sensitive metadata key may do here. `never`: naming it is a fault. `placeholder`: it may be a whole `${…}` of a
   * template, which becomes a reference. `always`: values are computed with it (in `set` of a key that is sensitive itself).
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
}

/** What is wrong with an expression or template. */
export interface ExpressionFault {
  readonly code: ExpressionFaultCode;
  readonly message: string;
  /** Characters from the start of the string that holds the expression. */
  readonly offset: number;
}

/** Codes of problems that expressions cause. */
export type ExpressionFaultCode =
  | "expression-syntax"
  | "expression-unterminated"
  | "expression-unknown-name"
  | "expression-variable-unavailable"
  | "expression-task-not-available"
  | "sensitive-leak"
  | "metadata-undeclared"
  | "limit-exceeded";
