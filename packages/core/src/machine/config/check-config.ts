import { type CompileContext, onKey } from "../document/compile-context.ts";
import { createProblemList } from "../document/problem-list.ts";
import type { Field, MapNode } from "../document/tree.ts";
import { quote } from "../document/wording.ts";
import { checkLambda } from "./check-lambda.ts";
import { checkRegistered } from "./check-registered.ts";
import { checkTerraform } from "./check-terraform.ts";

/** Checks a config by its executor; without one, by the shape that it resembles most. */
export function checkConfig(context: CompileContext, config: Field<MapNode>, executor: string | undefined): void {
  const registered = executor === undefined ? undefined : context.executors.get(executor);
  if (executor === "terraform") checkTerraform(context, config);
  else if (executor === "lambda") checkLambda(context, config);
  else if (executor === undefined) checkEitherShape(context, config);
  else if (registered) checkRegistered(context, config, registered);
  else warnUnchecked(context, config, executor);
}

function warnUnchecked({ problems }: CompileContext, config: Field<MapNode>, executor: string): void {
  const message = `The definition of the executor ${quote(executor)} is not here, so the runner checks this config.`;
  problems.warn("executor-unchecked", onKey(config), message);
}

// Valid when it has either shape; otherwise the faults of the one with fewer are told.
function checkEitherShape(context: CompileContext, config: Field<MapNode>): void {
  const [best] = [checkTerraform, checkLambda]
    .map((check) => ({ check, errors: countErrors(context, config, check) }))
    .toSorted((a, b) => a.errors - b.errors);
  best?.check(context, config);
}

type ConfigCheck = (context: CompileContext, config: Field<MapNode>) => void;

function countErrors(context: CompileContext, config: Field<MapNode>, check: ConfigCheck): number {
  const problems = createProblemList({ strict: false, maxProblems: context.limits.maxProblems });
  check({ ...context, problems }, config);
  return problems.toProblems().filter(({ severity }) => severity === "error").length;
}
