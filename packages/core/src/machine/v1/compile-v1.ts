import { checkConfigAndLimit, checkExecutor, checkTasks, needsNoConfig } from "../config/check-config.ts";
import {
  ADVICE_TO_UPGRADE,
  checkKeys,
  checkTopLevel,
  checkVersion,
  findRequired,
  readStateMap,
  readTaskMap,
} from "../document/check-document.ts";
import {
  type AdvanceDraft,
  checkFlow,
  createStateReferences,
  type Declared,
  type FlowHandler,
  type FlowState,
  readAdvance,
  readStateTasks,
  readTarget,
  refuseAction,
  type StateReferences,
  warnSelfAdvance,
  warnUnused,
} from "../document/check-flow.ts";
import { type CompileContext, KEYS_OF_2, onKey, onMissing, onValue } from "../document/compile-context.ts";
import {
  type Field,
  findField,
  findText,
  isListField,
  isMapField,
  type MapNode,
  toFields,
  toItems,
  toRecord,
} from "../document/tree.ts";
import { describe, quote, suggest } from "../document/wording.ts";
import { toCancelWithinMs } from "../executor-definition.ts";
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

/** A v1 machine without its hash; undefined when the document has an error, which is then among the problems. */
export function compileV1(context: CompileContext, root: Field<MapNode>): Omit<Machine, "hash"> | undefined {
  checkVersion(context, root, 1);
  const [eventsField, statesField, tasksField] = [
    findRequired(context, root, "events"),
    findRequired(context, root, "states"),
    findRequired(context, root, "tasks"),
  ];
  checkTopLevel(context, root, { known: ["version", "events", "states", "tasks"], newer: KEYS_OF_2 });
  const events = eventsField && readEvents(context, eventsField);
  const taskFields = tasksField && readTaskMap(context, tasksField);
  const tasks = [...(taskFields ?? [])].flatMap(([name, field]) => readTask(context, name, field) ?? []);
  checkTasks(context, tasks);
  const states = statesField && readStates(context, statesField, { events, tasks: taskFields });
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
  statesField: Field,
  known: Declared,
): ReadonlyMap<string, FlowState> | undefined {
  const fields = readStateMap(context, statesField, { isName: isUpperName, explainName: explainUpperName });
  if (fields === undefined) return undefined;
  const references = createStateReferences({ ...known, states: fields }, [NEXT]);
  const states = new Map<string, FlowState>();
  for (const [name, field] of fields) states.set(name, readState(context, field, references));
  checkFlow(context, { states, statesField });
  for (const [name, { on }] of states) warnSelfAdvance(context, name, on);
  const readable = [...states.values()].every(({ tasks, on }) => tasks && on);
  // What is misspelt in events is told there.
  const events = known.events && new Map([...known.events].filter(([name]) => isUpperName(name)));
  if (readable) warnUnused(context, { ...known, events }, references);
  return states;
}

function toState(name: string, { terminal = false, tasks = [], on = new Map() }: FlowState): State {
  const reactions = [...on].map(([event, { advances }]) => {
    return [event, toReactions(advances.map(({ target }) => target))] as const;
  });
  return { ...PLAIN_STATE, name, terminal, tasks, on: new Map(reactions) };
}

const NAME = /^[A-Z0-9-]+$/;

/** True for names that events and states may have: capitals, digits and hyphens. */
function isUpperName(name: string): boolean {
  return NAME.test(name);
}

/** What is wrong with a name that `isUpperName` refuses. */
function explainUpperName(name: string): string {
  if (name === "") return "It is empty.";
  const proposal = name.toUpperCase().replaceAll(/[\s_.]+/g, "-");
  const example = isUpperName(proposal) ? ` Write ${quote(proposal)}.` : "";
  return `Only capitals, digits and hyphens are allowed.${example}`;
}

/**
 * Declared events by name. Misspelt ones are in it too, so that one fault is not told again wherever the event is used.
 * Undefined when there is no list to go by.
 */
function readEvents(context: CompileContext, events: Field): ReadonlyMap<string, Field> | undefined {
  if (!isListField(events)) {
    const advice = isMapField(events) ? ADVICE_TO_UPGRADE : " Without events write [].";
    const message = `events must be a list of names, but it is ${describe(events.node)}.${advice}`;
    context.problems.error("events-not-list", onValue(events), message);
    return undefined;
  }
  const declared = new Map<string, Field>();
  for (const item of toItems(events)) readEvent(context, item, declared);
  return declared;
}

function readEvent({ problems }: CompileContext, item: Field, declared: Map<string, Field>): void {
  const name = findText(item);
  if (name === undefined) {
    const hint = item.node.kind === "scalar" && item.node.value !== null ? " Write it in quotes." : "";
    problems.error(
      "event-not-string",
      onValue(item),
      `An event must be a name, but this is ${describe(item.node)}.${hint}`,
    );
  } else if (name === NEXT) {
    problems.error(
      "event-reserved",
      onValue(item),
      "NEXT is reserved: the engine sends it itself. Remove it from events.",
    );
  } else if (declared.has(name)) {
    problems.error("event-duplicate", onValue(item), `The event ${quote(name)} is declared twice.`);
  } else {
    declared.set(name, item);
    if (isUpperName(name)) return;
    problems.error("event-name-pattern", onValue(item), `${quote(name)} is no event name. ${explainUpperName(name)}`);
  }
}

// What version 2 lets a state have besides.
const STATE_KEYS_OF_2 = ["timeout", "after", "leaving", "protected"];

/** Reads one state. */
function readState(context: CompileContext, field: Field, references: StateReferences): FlowState {
  if (!isMapField(field)) {
    const message = `A state must be a map, but this is ${describe(field.node)}. A state without anything is {}.`;
    context.problems.error("state-not-map", onValue(field), message);
    return { field };
  }
  const owner = {
    known: ["terminal", "tasks", "on"],
    code: "state-unknown-key",
    owner: "a state",
    newer: STATE_KEYS_OF_2,
  };
  checkKeys(context, field, owner);
  const terminal = readTerminal(context, findField(field, "terminal"));
  const tasks = readStateTasks(context, field, references.tasks);
  const on = readHandlers(context, findField(field, "on"), references);
  return { field, ...(terminal !== undefined && { terminal }), ...(tasks && { tasks }), ...(on && { on }) };
}

function readTerminal({ problems }: CompileContext, field: Field | undefined): boolean | undefined {
  if (field === undefined) return false;
  const value = field.node.kind === "scalar" ? field.node.value : undefined;
  if (typeof value === "boolean") return value;
  if (value === "true" || value === "false") {
    problems.warn(
      "terminal-coerced",
      onValue(field),
      `terminal is the text ${quote(value)}; write ${value} without quotes.`,
    );
    return value === "true";
  }
  problems.error(
    "terminal-not-boolean",
    onValue(field),
    `terminal must be true or false, but it is ${describe(field.node)}.`,
  );
  return undefined;
}

/** Handlers by event; undefined when `on` is no map. */
function readHandlers(
  context: CompileContext,
  on: Field | undefined,
  references: StateReferences,
): ReadonlyMap<string, FlowHandler> | undefined {
  if (on === undefined) return new Map();
  if (!isMapField(on)) {
    const message = `on must be a map from events to lists of actions, but it is ${describe(on.node)}.`;
    context.problems.error("on-not-map", onValue(on), message);
    return undefined;
  }
  const handlers = new Map<string, FlowHandler>();
  for (const [event, field] of toFields(on)) {
    if (event !== NEXT) checkEvent(context, event, { field, references });
    handlers.set(event, { field, advances: readActions(context, field, references) });
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

function readActions(context: CompileContext, field: Field, references: StateReferences): readonly AdvanceDraft[] {
  if (!isListField(field)) {
    const advice = findText(field) === undefined ? ' Put "- " before the action.' : ADVICE_TO_UPGRADE;
    const message = `A handler must be a list of actions, but this is ${describe(field.node)}.${advice}`;
    context.problems.error("handler-not-list", onValue(field), message);
    return [];
  }
  return toItems(field).flatMap((item) => readAction(context, item, references) ?? []);
}

function readAction(context: CompileContext, item: Field, references: StateReferences): AdvanceDraft | undefined {
  if (!isMapField(item)) {
    const message = `An action must be a map such as {action: advance, state: NAME}, but this is ${describe(item.node)}.`;
    context.problems.error("action-not-map", onValue(item), message);
    return undefined;
  }
  const action = findField(item, "action");
  const name = action && findText(action);
  const takesState = name !== "no-op";
  const known = takesState ? ["action", "state"] : ["action"];
  checkKeys(context, item, {
    known,
    code: "action-unknown-key",
    owner: takesState ? "an action" : "a no-op",
    newer: ["when", "set"],
  });
  if (name === "advance") return readAdvance(context, item, references.states);
  if (action && name !== "no-op") refuseAction(context, action);
  else if (!action) checkIdle(context, item, references);
  return undefined;
}

// The predecessor took such an entry for an advance that lacks its action: a state in it must exist.
function checkIdle(context: CompileContext, item: Field<MapNode>, { states }: StateReferences): void {
  const message = 'This entry has no action and does nothing. Write "action: advance".';
  context.problems.warn("action-missing", onMissing(item, "action"), message);
  const state = findField(item, "state");
  if (state) readTarget(context, state, states);
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

// What version 2 lets a task have besides.
const TASK_KEYS_OF_2 = ["target", "needs", "timeout", "retry", "outputs", "exclusive", "when"];

/** Reads one task; undefined when it is no map. */
function readTask(context: CompileContext, name: string, field: Field): TaskDraft | undefined {
  if (name === "") context.problems.error("task-name-empty", onKey(field), "A task needs a name.");
  if (!isMapField(field)) {
    const message = `A task must be a map with executor and config, but this is ${describe(field.node)}.`;
    context.problems.error("task-not-map", onValue(field), message);
    return undefined;
  }
  checkKeys(context, field, {
    known: ["executor", "config"],
    code: "task-unknown-key",
    owner: "a task",
    newer: TASK_KEYS_OF_2,
  });
  const executor = readExecutor(context, field);
  const config = readConfig(context, field, executor.name);
  const timeoutMs = config && executor.known ? checkConfigAndLimit(context, config, executor.name) : undefined;
  return {
    name,
    field,
    ...(executor.name !== undefined && { executor: executor.name }),
    ...(config && { config }),
    ...(timeoutMs !== undefined && { timeoutMs }),
  };
}

interface ExecutorDraft {
  readonly name?: string;
  /** False when the config cannot be judged. */
  readonly known: boolean;
}

function readExecutor(context: CompileContext, task: Field<MapNode>): ExecutorDraft {
  const executor = findField(task, "executor");
  if (executor === undefined) {
    const message = "The task names no executor; it will fail when it runs.";
    context.problems.warn("executor-missing", onMissing(task, "executor"), message);
    return { known: true };
  }
  const name = checkExecutor(context, executor);
  return name === undefined ? { known: false } : { name, known: true };
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
        ? `${quote(definition.name)} takes its defaults. Write {} to say so.`
        : "it will fail when it runs.";
    problems.warn("config-missing", onMissing(task, "config"), `The task has no config; ${fate}`);
    return undefined;
  }
  if (isMapField(config)) return config;
  problems.error("config-not-map", onValue(config), `config must be a map, but it is ${describe(config.node)}.`);
  return undefined;
}

/** How long an attempt of a v1 task may run when its executor does not say. */
export const V1_TIMEOUT_MS = 24 * 3_600_000;

/** A task that has no fault. */
function compileTask({ executors }: CompileContext, { name, executor, field, timeoutMs }: TaskDraft): Task {
  const definition = executor === undefined ? undefined : executors.get(executor);
  return {
    ...PLAIN_TASK,
    name,
    ...(executor !== undefined && { executor }),
    definition: toRecord(field.node),
    timeoutMs: timeoutMs ?? V1_TIMEOUT_MS,
    cancelWithinMs: toCancelWithinMs(definition),
  };
}
