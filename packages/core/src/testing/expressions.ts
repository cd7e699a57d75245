import type { Evaluated, Expression, ExpressionScope, FindSecret, Template } from "../machine/expression/expression.ts";

/** An expression that gives what this function says about its scope; one that throws is an error of evaluation. */
export function anExpression(evaluate: (scope: ExpressionScope) => unknown, source = "…"): Expression {
  return { source, evaluate: (scope) => attempt(() => evaluate(scope)) };
}

/** A value with placeholders that is resolved by this function; one that throws is an error of evaluation. */
export function aTemplate(
  resolve: (scope: ExpressionScope, findSecret: FindSecret) => unknown,
  source: unknown = "…",
): Template {
  return { source, resolve: (scope, findSecret) => attempt(() => resolve(scope, findSecret)) };
}

/** A metadata key of the scope; throws where the scope does not have it, as the real language does. */
export function readKey({ metadata }: ExpressionScope, key: string): unknown {
  if (!Object.hasOwn(metadata, key)) throw new Error(`No such key: ${key}`);
  return metadata[key];
}

/** An output of a task in the scope; throws where the scope does not have it. */
export function readOutput({ tasks = {} }: ExpressionScope, task: string, output: string): unknown {
  const outputs = tasks[task]?.outputs ?? {};
  if (!Object.hasOwn(outputs, output)) throw new Error(`No such key: ${task}.${output}`);
  return outputs[output];
}

function attempt(run: () => unknown): Evaluated {
  try {
    return { kind: "value", value: run() };
  } catch (error) {
    return { kind: "error", reason: error instanceof Error ? error.message : String(error) };
  }
}
