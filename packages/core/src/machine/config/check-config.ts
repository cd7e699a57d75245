import { describeThrown } from "../../errors/describe-value.ts";
import { checkKeys } from "../document/check-keys.ts";
import {
  type CompileContext,
  onKey,
  onMissing,
  onValue,
  suggestFrom,
  suggestOrList,
} from "../document/compile-context.ts";
import { findInside } from "../document/find-inside.ts";
import { createProblemList, type ProblemList, type Spot } from "../document/problem-list.ts";
import { type Field, findText, isMapField, type MapNode, type Path, type Place, toRecord } from "../document/tree.ts";
import { describe, listNames, quote } from "../document/wording.ts";
import type { ConfigReport, ExecutorDefinition, ExecutorRegistry } from "../executor-definition.ts";
import { findTimeoutMs } from "../executor-limits.ts";
import { hasExpression } from "../expression/split-template.ts";
import { checkRegistered } from "./check-registered.ts";
import type { OpenConfig } from "./open-config.ts";
import { relaxSchema } from "./relax-schema.ts";
import { warnAmbiguous } from "./scalar-ambiguity.ts";

/** What is looked at of a task when all tasks of a machine are checked together. */
export interface ConfiguredTask {
  readonly name: string;
  readonly executor?: string;
  readonly config?: Field<MapNode>;
}

/** Returns the name of an executor that exists; undefined, with `executor-unknown`, for anything else. */
export function checkExecutor(context: CompileContext, executor: Field): string | undefined {
  const name = findText(executor);
  const known = new Set([...context.executors.keys(), ...context.uncheckedExecutors]);
  if (name !== undefined && (known.has(name) || isAccepted(context, name))) return name;
  const near = name === undefined ? "" : suggestFrom(name, known);
  const registered = context.anyExecutor ? "" : ` Registered: ${listNames(known)}.`;
  const message = `There is no executor ${describe(executor.node)}.${near}${registered}`;
  context.problems.error("executor-unknown", onValue(executor), message);
  return undefined;
}

// A revision in use must not stop its stacks where an engine lacks a definition: the runner that has it checks the config.
function isAccepted({ anyExecutor, isKept }: CompileContext, name: string): boolean {
  return name !== "" && (anyExecutor || isKept);
}

/** Checks a config, and returns the executor's own time limit for one without fault. */
export function checkConfigAndLimit(
  context: CompileContext,
  config: Field<MapNode>,
  executor: string | undefined,
): number | undefined {
  const errors = context.problems.countErrors();
  checkConfig(context, config, executor);
  const definition = executor === undefined ? undefined : context.executors.get(executor);
  if (definition === undefined || context.problems.countErrors() > errors) return undefined;
  try {
    return findTimeoutMs(definition, toRecord(config.node));
  } catch (cause) {
    const why = describeThrown(cause);
    const message = `The executor ${quote(definition.name)} cannot tell its time limit from this config: ${why.slice(0, 200)}`;
    context.problems.error("config-invalid", onKey(config), message);
    return undefined;
  }
}

/** Checks of a config with expressions what can be known before they are resolved: its keys, and the values without any. */
export function checkOpenConfig(
  context: CompileContext,
  config: Field<MapNode>,
  { executor, open }: { readonly executor: string; readonly open: OpenConfig },
): void {
  const problems = withoutPlaces(context.problems, open.places);
  const executors = relaxExecutor(context.executors, executor, open);
  checkConfig({ ...context, problems, executors }, { ...config, node: open.node }, executor);
}

/** Lets executors check the configs of all tasks of a machine together. */
export function checkTasks({ executors, problems }: CompileContext, tasks: readonly ConfiguredTask[]): void {
  for (const definition of executors.values()) {
    if (definition.checkTasks === undefined) continue;
    const own = tasks.flatMap(({ name, executor, config }) =>
      config && executor === definition.name ? [[name, config] as const] : [],
    );
    const fields = new Map(own);
    definition.checkTasks(new Map(own.map(([name, { node }]) => [name, toRecord(node)])), {
      quote,
      warn(code, { task, path }, message) {
        const field = fields.get(task);
        if (field) problems.warn(code, findSpot(field, path), message);
      },
    });
  }
}

function checkConfig(context: CompileContext, config: Field<MapNode>, executor: string | undefined): void {
  const registered = executor === undefined ? undefined : context.executors.get(executor);
  if (executor === undefined) checkNearest(context, config);
  else if (registered?.checkConfig) checkByExecutor(context, config, registered);
  else if (registered) checkRegistered(context, config, registered);
  else if (!context.anyExecutor) warnUnchecked(context, config, executor);
}

function warnUnchecked({ problems }: CompileContext, config: Field<MapNode>, executor: string): void {
  const message = `The definition of the executor ${quote(executor)} is not here, so the runner checks this config.`;
  problems.warn("executor-unchecked", onKey(config), message);
}

// A task of version 1 without an executor: valid when its config is one of any, otherwise the fewest faults are reported.
function checkNearest(context: CompileContext, config: Field<MapNode>): void {
  const [nearest] = [...context.executors.values()]
    .filter(({ checkConfig }) => checkConfig !== undefined)
    .map((definition) => ({ definition, errors: countErrors(context, config, definition) }))
    .toSorted((a, b) => a.errors - b.errors);
  if (nearest) checkByExecutor(context, config, nearest.definition);
}

function countErrors(context: CompileContext, config: Field<MapNode>, definition: ExecutorDefinition): number {
  const problems = createProblemList({ strict: false, maxProblems: context.limits.maxProblems });
  checkByExecutor({ ...context, problems }, config, definition);
  return problems.toProblems().filter(({ severity }) => severity === "error").length;
}

function checkByExecutor(context: CompileContext, config: Field<MapNode>, definition: ExecutorDefinition): void {
  try {
    definition.checkConfig?.(toRecord(config.node), toReport(context, config));
  } catch (cause) {
    const why = describeThrown(cause);
    const message = `The executor ${quote(definition.name)} cannot check this config: ${why.slice(0, 200)}`;
    context.problems.error("config-invalid", onKey(config), message);
  }
}

function toReport(context: CompileContext, config: Field<MapNode>): ConfigReport {
  const { problems, version } = context;
  return {
    version,
    quote,
    error: (code, path, message) => problems.error(code, findSpot(config, path), message),
    warn: (code, path, message) => problems.warn(code, findSpot(config, path), message),
    unknownKeys(path, keys) {
      const map = findInside(config, path);
      if (isMapField(map)) checkKeys(context, map, keys);
    },
    ambiguousScalars: (path) => warnAmbiguous(context, findInside(config, path)),
    describe: (path) => describe(findInside(config, path).node),
    suggest: (name, known) => (name === undefined ? ` Known: ${known.join(", ")}.` : suggestOrList(name, known)),
    hasExpression: (path) => hasExpression(findText(findInside(config, path)) ?? ""),
  };
}

function findSpot(config: Field, path: Path): Spot {
  const field = findInside(config, path);
  const missing = path[field.path.length - config.path.length];
  return missing === undefined ? onValue(field) : onMissing(field, missing);
}

/** A list that leaves out what is reported about the values at these places; what is reported about their keys stays. */
function withoutPlaces(problems: ProblemList, places: ReadonlySet<Place>): ProblemList {
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
