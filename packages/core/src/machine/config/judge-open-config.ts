import type { CompileContext } from "../document/compile-context.ts";
import type { ProblemList } from "../document/problem-list.ts";
import type { Field, MapNode, Place } from "../document/tree.ts";
import type { ExecutorRegistry } from "../executor-definition.ts";
import { checkConfig } from "./check-config.ts";
import type { OpenConfig } from "./open-config.ts";
import { relaxSchema } from "./relax-schema.ts";

/** Checks of a config with expressions what can be known before they are resolved: its keys, and the values without any. */
export function judgeOpenConfig(
  context: CompileContext,
  config: Field<MapNode>,
  { executor, open }: { readonly executor: string; readonly open: OpenConfig },
): void {
  const problems = withoutPlaces(context.problems, open.places);
  const executors = relaxExecutor(context.executors, executor, open);
  checkConfig({ ...context, problems, executors }, { ...config, node: open.node }, executor);
}

/** A list that passes over what is said about the values at these places; what is said about their keys stays. */
export function withoutPlaces(problems: ProblemList, places: ReadonlySet<Place>): ProblemList {
  return {
    ...problems,
    error: (code, spot, message) => {
      if (!places.has(spot.at)) problems.error(code, spot, message);
    },
    warn: (code, spot, message) => {
      if (!places.has(spot.at)) problems.warn(code, spot, message);
    },
  };
}

function relaxExecutor(executors: ExecutorRegistry, name: string, { opening }: OpenConfig): ExecutorRegistry {
  const definition = executors.get(name);
  if (definition === undefined || opening === undefined) return executors;
  try {
    return new Map([...executors, [name, { ...definition, config: relaxSchema(definition.config, opening) }]]);
  } catch {
    // The check by the schema as it is tells why it cannot be used.
    return executors;
  }
}
