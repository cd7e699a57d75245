/** Why an expression cannot be evaluated, in words that hold no value. It never leaves this folder. */
export class EvaluationError extends Error {
  override readonly name = "EvaluationError";
}

/** An evaluation has used up what it may cost. Unlike other errors, no `||` and no `exists` may swallow it. */
export class CostError extends EvaluationError {}
