import { checkConfigAndLimit, checkExecutor, checkTasks, needsNoConfig } from "../config/check-config.ts";
import {
  ADVICE_TO_UPGRADE,
  type AdvanceDraft,
  checkFlow,
  checkVersion,
  createStateReferences,
  type Declared,
  type FlowHandler,
  type FlowState,
  readStateMap,
  readStateTasks,
  readTarget,
  readTaskMap,
  type StateReferences,
  warnSelfAdvance,
  warnUnused,
} from "../document/check-document.ts";
import { checkStructure } from "../document/check-structure.ts";
import { type CompileContext, onKey, onMissing, onValue } from "../document/compile-context.ts";
import {
  type Field,
  findField,
  findFlag,
  findText,
  isListField,
  isMapField,
  isNull,
  type MapNode,
  toFields,
  toItems,
  toRecord,
} from "../document/tree.ts";
import { quote, suggest } from "../document/wording.ts";
import { toCancelWithinMs } from "../executor-definition.ts";
import { defined } from "../json.ts";
import {
  FAILED,
  type Machine,
  NEXT,
  PLAIN_MACHINE,
  PLAIN_STATE,
  PLAIN_TASK,
  type State,
  type Task,
  TIMEOUT,
  toReactions,
} from "../machine.ts";
import { isUpperName, machineV1Schema } from "./machine-v1-schema.ts";

/**
 * Compiles a machine of version 1, without its hash; undefined when the document has an error, which is among the
 * problems.
 */
export function compileV1(context: CompileContext, root: Field<MapNode>): Omit<Machine, "hash"> | undefined {
  checkVersion(context, root, 1);
  checkStructure(context, machineV1Schema, root);
  const events = readEvents(context, findField(root, "events"));
  const tasksField = findField(root, "tasks");
  const taskFields = tasksField && readTaskMap(context, tasksField);
  const tasks = [...(taskFields ?? [])].flatMap(([name, field]) => readTask(context, name, field) ?? []);
  const states = readStates(context, findField(root, "states"), { events, tasks: taskFields });
  checkTasks(context, tasks, states ?? new Map());
  if (context.problems.hasErrors() || !events || !states) return undefined;
  return {
    ...PLAIN_MACHINE,
    name: context.name,
    revision: "follow",
    events: new Set(events.keys()),
    states: new Map([...states].map(([name, draft]) => [name, toState(name, draft)])),
    tasks: new Map(tasks.map((draft) => [draft.name, compileTask(context, draft)])),
  };
}

function readStates(
  context: CompileContext,
  statesField: Field | undefined,
  known: Declared,
): ReadonlyMap<string, FlowState> | undefined {
  const fields = readStateMap(context, statesField);
  if (fields === undefined || statesField === undefined) return undefined;
  const references = createStateReferences({ ...known, states: fields }, [NEXT]);
  const states = new Map<string, FlowState>();
  for (const [name, field] of fields) states.set(name, readState(context, field, references));
  checkFlow(context, { states, statesField });
  for (const [name, { on }] of states) warnSelfAdvance(context, name, on);
  const isReadable = [...states.values()].every(({ tasks, on }) => tasks && on);
  // Names that events cannot have are already reported.
  const events = known.events && new Map([...known.events].filter(([name]) => isUpperName(name)));
  if (isReadable) warnUnused(context, { events, tasks: known.tasks }, references);
  return states;
}

function toState(name: string, { terminal = false, tasks = [], on = new Map() }: FlowState): State {
  const reactions = [...on].map(([event, { advances }]) => {
    return [event, toReactions(advances.map(({ target }) => target))] as const;
  });
  return { ...PLAIN_STATE, name, terminal, tasks, on: new Map(reactions) };
}

/**
 * Returns the declared events by name, also those with a faulty name, so that one fault is not reported again wherever
 * the event is used. Undefined when `events` is not a list.
 */
function readEvents(context: CompileContext, events: Field | undefined): ReadonlyMap<string, Field> | undefined {
  if (events === undefined || !isListField(events)) return undefined;
  const declared = new Map<string, Field>();
  for (const item of toItems(events)) {
    const name = findText(item);
    if (name !== undefined && declared.has(name)) {
      context.problems.error("event-duplicate", onValue(item), `The event ${quote(name)} is declared twice.`);
    } else if (name !== undefined && name !== NEXT) {
      declared.set(name, item);
    }
  }
  return declared;
}

function readState(context: CompileContext, field: Field, references: StateReferences): FlowState {
  if (!isMapField(field)) return { field };
  return defined({
    field,
    terminal: readTerminal(context, field),
    tasks: readStateTasks(context, field, references.tasks),
    on: readHandlers(context, findField(field, "on"), references),
  });
}

function readTerminal({ problems }: CompileContext, state: Field): boolean | undefined {
  const field = findField(state, "terminal");
  const text = findText(field);
  if (field === undefined || (text !== "true" && text !== "false")) return findFlag(state, "terminal");
  const message = `terminal is the text ${quote(text)}; write ${text} without quotes.`;
  problems.warn("terminal-coerced", onValue(field), message);
  return text === "true";
}

/** Handlers by event; undefined when `on` is not a map. */
function readHandlers(
  context: CompileContext,
  on: Field | undefined,
  references: StateReferences,
): ReadonlyMap<string, FlowHandler> | undefined {
  if (on && !isMapField(on)) return undefined;
  const handlers = new Map<string, FlowHandler>();
  for (const [event, field] of toFields(on)) {
    if (event !== NEXT) checkEvent(context, event, { field, references });
    const advances = toItems(field).flatMap((item) => readAction(context, item, references) ?? []);
    handlers.set(event, { field, advances });
  }
  return handlers;
}

interface Handled {
  readonly field: Field;
  readonly references: StateReferences;
}

function checkEvent({ problems }: CompileContext, event: string, { field, references }: Handled): void {
  if (references.events.use(event)) return;
  const system = /^(TASK_(COMPLETED|ERROR)|RETRY_(FAILED|PENDING)_TASKS)$/.test(event);
  const newer = event === FAILED || event === TIMEOUT ? ADVICE_TO_UPGRADE : "";
  const message = system
    ? `${event} is handled by the engine; a state can only handle declared events and NEXT.`
    : `The event ${quote(event)} is not declared in events.${newer || suggest(references.events.resolve(event))}`;
  problems.error("on-event-undeclared", onKey(field), message);
}

function readAction(context: CompileContext, item: Field, { states }: StateReferences): AdvanceDraft | undefined {
  if (!isMapField(item)) return undefined;
  const action = findField(item, "action");
  const state = findField(item, "state");
  if (findText(action) === "advance") return state && !isNull(state) ? readTarget(context, state, states) : undefined;
  if (action !== undefined) return undefined;
  // The predecessor read such an entry as an advance without its action: a state in it must exist.
  const message = 'This entry has no action and does nothing. Write "action: advance".';
  context.problems.warn("action-missing", onMissing(item, "action"), message);
  if (state) readTarget(context, state, states);
  return undefined;
}

/** A task that could be read. */
interface TaskDraft {
  readonly name: string;
  readonly field: Field<MapNode>;
  readonly executor?: string;
  readonly config?: Field<MapNode>;
  /** The executor's own limit. */
  readonly timeoutMs?: number;
}

/** Reads one task; undefined when it is not a map. */
function readTask(context: CompileContext, name: string, field: Field): TaskDraft | undefined {
  if (!isMapField(field)) return undefined;
  const executorField = findField(field, "executor");
  const executor = executorField && checkExecutor(context, executorField);
  if (executorField === undefined) {
    const message = "The task names no executor; it will fail when it runs.";
    context.problems.warn("executor-missing", onMissing(field, "executor"), message);
  }
  const config = readConfig(context, field, executor);
  // The config of an unknown executor is not checked.
  const isChecked = config && (executor !== undefined || executorField === undefined);
  const timeoutMs = isChecked ? checkConfigAndLimit(context, config, executor) : undefined;
  return defined({ name, field, executor, config, timeoutMs });
}

function readConfig(
  { problems, executors }: CompileContext,
  task: Field<MapNode>,
  executor: string | undefined,
): Field<MapNode> | undefined {
  const config = findField(task, "config");
  if (config === undefined) {
    const definition = executor === undefined ? undefined : executors.get(executor);
    const fate =
      definition && needsNoConfig(definition)
        ? `${quote(definition.name)} uses its defaults. Write {} to confirm this.`
        : "it will fail when it runs.";
    problems.warn("config-missing", onMissing(task, "config"), `The task has no config; ${fate}`);
    return undefined;
  }
  return isMapField(config) ? config : undefined;
}

/** The time limit of an attempt of a v1 task when its executor has none, in milliseconds. */
export const V1_TIMEOUT_MS = 24 * 3_600_000;

/** Compiles a task without faults. */
function compileTask({ executors }: CompileContext, { name, executor, field, timeoutMs }: TaskDraft): Task {
  const definition = executor === undefined ? undefined : executors.get(executor);
  return defined({
    ...PLAIN_TASK,
    name,
    executor,
    definition: toRecord(field.node),
    timeoutMs: timeoutMs ?? V1_TIMEOUT_MS,
    cancelWithinMs: toCancelWithinMs(definition),
  });
}
