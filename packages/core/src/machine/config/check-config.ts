import { Check } from "typebox/value";
import { describeThrown } from "../../errors/stackyard-error.ts";
import { cutText } from "../cut-text.ts";
import { type EndingState, listEndsAfter } from "../document/check-ends.ts";
import { checkKeys } from "../document/check-structure.ts";
import {
  type CompileContext,
  onKey,
  onMissing,
  onValue,
  suggestFrom,
  suggestOrList,
} from "../document/compile-context.ts";
import { createProblemList, type ProblemList, type Spot } from "../document/problem-list.ts";
import { listSchemaFaults, type SchemaFault } from "../document/schema-faults.ts";
import {
  type Field,
  findField,
  findInside,
  findText,
  isListField,
  isMapField,
  type MapNode,
  type Path,
  type Place,
  toFields,
  toItems,
  toRecord,
} from "../document/tree.ts";
import { describe, listNames, quote } from "../document/wording.ts";
import {
  type ConfigReport,
  type ExecutorDefinition,
  type ExecutorRegistry,
  findTimeoutMs,
  type NeededTask,
  type TasksReport,
} from "../executor-definition.ts";
import { hasExpression } from "../expression/compile-template.ts";
import { defined, isRounded } from "../json.ts";
import { type OpenConfig, relaxSchema } from "./open-config.ts";

/** The parts of a task that matter when all tasks of a machine are checked together. */
interface ConfiguredTask {
  readonly name: string;
  readonly executor?: string;
  readonly config?: Field<MapNode>;
  /** Names of tasks. */
  readonly needs?: readonly string[];
}

/** Returns the name of an executor that exists; undefined, with `executor-unknown`, for anything else. */
export function checkExecutor(context: CompileContext, executor: Field): string | undefined {
  const name = findText(executor);
  const known = new Set([...context.executors.keys(), ...context.uncheckedExecutors]);
  if (name !== undefined && (known.has(name) || isAccepted(context, name))) return name;
  const near = name === undefined ? "" : suggestFrom(name, known);
  const registered = context.anyExecutor ? "" : ` Registered: ${listNames(known)}.`;
  const what = name
    ? `Unknown executor ${quote(name)}`
    : `executor must be a name, but it is ${describe(executor.node)}`;
  const message = `${what}.${near}${registered}`;
  context.problems.error("executor-unknown", onValue(executor), message);
  return undefined;
}

function isAccepted(context: CompileContext, name: string): boolean {
  return name !== "" && (context.anyExecutor || !judgesConfigs(context));
}

/**
 * Returns false for a revision that stacks are on: it compiles without its plugins, and with newer ones. A config that no
 * longer fits fails the start of its task.
 */
export function judgesConfigs({ isKept }: CompileContext): boolean {
  return !isKept;
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
    if (!judgesConfigs(context)) return undefined;
    const why = describeThrown(cause);
    const message = `The executor ${quote(definition.name)} cannot determine its time limit from this config: ${cutText(why, 200)}`;
    context.problems.error("config-invalid", onKey(config), message);
    return undefined;
  }
}

/**
 * Checks the parts of a config with expressions that are known before they are resolved: its keys, and the values
 * without expressions.
 */
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
export function checkTasks(
  context: CompileContext,
  tasks: readonly ConfiguredTask[],
  states: ReadonlyMap<string, EndingState>,
): void {
  const { executors, problems, version, name: machine } = context;
  if (!judgesConfigs(context)) return;
  for (const definition of executors.values()) {
    if (definition.checkTasks === undefined) continue;
    const own = tasks.flatMap(({ name, executor, config }) =>
      config && executor === definition.name ? [[name, config] as const] : [],
    );
    const fields = new Map(own);
    const report = (severity: "error" | "warn"): TasksReport["warn"] => {
      return (code, { task, path }, message) => {
        const field = fields.get(task);
        if (field) problems[severity](code, findSpot(field, path), message);
      };
    };
    definition.checkTasks(new Map(own.map(([name, { node }]) => [name, toRecord(node)])), {
      quote,
      error: report("error"),
      warn: report("warn"),
      suggest: (name, known) => suggestOrList(name, known),
      listTasks: () => tasks.map(toNeeded),
      version,
      machine,
      listStates: () => [...states.keys()],
      listEndsAfter: (task, without) => listEndsAfter(states, task, without),
      listNeeds(task) {
        const { needs = [] } = tasks.find(({ name }) => name === task) ?? {};
        return tasks.filter(({ name }) => needs.includes(name)).map(toNeeded);
      },
    });
  }
}

function toNeeded({ name, executor, config }: ConfiguredTask): NeededTask {
  return { name, ...defined({ executor, config: config && toRecord(config.node) }) };
}

function checkConfig(context: CompileContext, config: Field<MapNode>, executor: string | undefined): void {
  if (!judgesConfigs(context)) return;
  const registered = executor === undefined ? undefined : context.executors.get(executor);
  if (executor === undefined) checkNearest(context, config);
  else if (registered?.checkConfig) checkByExecutor(context, config, registered);
  else if (registered) checkRegistered(context, config, registered);
  else if (!context.anyExecutor) warnUnchecked(context, config, executor);
}

function warnUnchecked({ problems }: CompileContext, config: Field<MapNode>, executor: string): void {
  const message = `The definition of the executor ${quote(executor)} is not installed here, so the runner checks this config.`;
  problems.warn("executor-unchecked", onKey(config), message);
}

// A task of version 1 without an executor: valid when its config is one of any, otherwise the fewest faults are
// reported.
function checkNearest(context: CompileContext, config: Field<MapNode>): void {
  const [nearest] = [...context.executors.values()]
    .filter(({ checkConfig, documentSchemas }) => checkConfig !== undefined && !needsVersion2(documentSchemas))
    .map((definition) => ({ definition, errors: countErrors(context, config, definition) }))
    .toSorted((a, b) => a.errors - b.errors);
  if (nearest) checkByExecutor(context, config, nearest.definition);
}

function needsVersion2(schemas: ExecutorDefinition["documentSchemas"]): boolean {
  return schemas !== undefined && schemas.v1 === undefined;
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
    const message = `The executor ${quote(definition.name)} cannot check this config: ${cutText(why, 200)}`;
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

/** Returns a list that omits problems of the values at these places, and keeps problems of their keys. */
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
    // The check by the unchanged schema reports why it cannot be used.
    return executors;
  }
}

/**
 * Checks the config of a registered executor's task against the executor's own schema: `config-invalid` for each fault.
 */
function checkRegistered(context: CompileContext, config: Field<MapNode>, executor: ExecutorDefinition): void {
  try {
    for (const fault of listSchemaFaults(executor.config, toRecord(config.node))) {
      reportFault(context, config, { fault, executor });
    }
  } catch (cause) {
    const why = describeThrown(cause);
    const message = `The schema of the executor ${quote(executor.name)} cannot be used: ${cutText(why, 200)}`;
    context.problems.error("config-invalid", onKey(config), message);
  }
}

/** Returns true when an empty config fits the executor. */
export function needsNoConfig({ config }: ExecutorDefinition): boolean {
  try {
    return Check(config, {});
  } catch {
    // A schema that cannot be used is reported where a config is checked.
    return false;
  }
}

function reportFault({ problems }: CompileContext, config: Field<MapNode>, { fault, executor }: RegisteredFault): void {
  const { kind, path, what, known = [] } = fault;
  const whole = `this config of ${executor.name}`;
  if (kind === "value") {
    const subject = path.length === 0 ? `This config of ${executor.name}` : `${quote(path.join("."))} in ${whole}`;
    problems.error("config-invalid", onValue(findInside(config, path)), `${subject} ${what}.`);
    return;
  }
  const key = path.at(-1) ?? "";
  const field = findInside(config, path.slice(0, -1));
  if (kind === "missing") {
    problems.error("config-invalid", onMissing(field, key), `This config of ${executor.name} needs ${quote(key)}.`);
    return;
  }
  const near = known.length > 0 ? suggestOrList(key, known) : "";
  const spot = onKey((isMapField(field) && findField(field, key)) || field);
  problems.error("config-invalid", spot, `Unknown key ${quote(key)} in ${whole}.${near}`);
}

interface RegisteredFault {
  readonly fault: SchemaFault;
  readonly executor: ExecutorDefinition;
}

interface Reading {
  readonly pattern: RegExp;
  readonly otherwise: string;
}

// Plain scalars that the predecessor's parser, with its own dialect, reads differently from YAML 1.2. It read yes, no,
// on, off and 1_000 as texts, as we do, so these are not here.
const READINGS: readonly Reading[] = [
  { pattern: /^\d{4}-\d\d?-\d\d?(?:(?:t|[ \t]+)\d.*)?$/i, otherwise: "a date" },
  { pattern: /^-?0\d+$/, otherwise: "an octal number" },
  { pattern: /^[-+]?\d[\d,]*,[\d,]*(?:\.\d+)?$/, otherwise: "a number with thousands separators" },
  { pattern: /^[-+]?0[ob]\d+$/i, otherwise: "the number 0" },
  { pattern: /^\+\d+$/, otherwise: "a text" },
];

/** A whole number in decimal, hexadecimal or octal digits. */
const ALL_DIGITS = /^[-+]?(?:\d+|0x[\da-f]+|0o[0-7]+)$/i;

/** Warns of plain scalars anywhere in a value that other readers of YAML take for something else. */
function warnAmbiguous(context: CompileContext, field: Field): void {
  if (isMapField(field)) for (const inner of toFields(field).values()) warnAmbiguous(context, inner);
  else if (isListField(field)) for (const inner of toItems(field)) warnAmbiguous(context, inner);
  else warnScalar(context, field);
}

function warnScalar({ problems }: CompileContext, field: Field): void {
  if (field.node.kind !== "scalar" || field.node.plain === undefined) return;
  const { plain, value } = field.node;
  const otherwise = findOtherReading(plain, value);
  if (otherwise === undefined) return;
  const here = typeof value === "string" ? "the text" : `the ${typeof value}`;
  const message = `${quote(plain)} is read as ${here} ${cutText(String(value), 60)} here and as ${otherwise} elsewhere. Quote a text.`;
  problems.warn("scalar-ambiguous", onValue(field), message);
}

function findOtherReading(plain: string, value: unknown): string | undefined {
  if (typeof value === "number" && isRounded(value) && ALL_DIGITS.test(plain)) return "all its digits";
  if (typeof value === "number" && !Number.isFinite(value)) return "a number that JSON does not have";
  if (typeof value === "string" && /^(?:true|false|null)$/i.test(plain)) return plain.toLowerCase();
  return READINGS.find(({ pattern }) => pattern.test(plain))?.otherwise;
}
