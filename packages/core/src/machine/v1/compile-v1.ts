import { checkTasks } from "../config/check-config.ts";
import { checkFlow } from "../document/check-flow.ts";
import { ADVICE_TO_UPGRADE, adviseTopLevel } from "../document/check-keys.ts";
import { checkVersion } from "../document/check-version.ts";
import { type CompileContext, onKey, onMissing, onValue } from "../document/compile-context.ts";
import { KEYS_OF_2 } from "../document/find-version.ts";
import { readStateMap } from "../document/read-state-map.ts";
import { readTaskMap } from "../document/read-task-map.ts";
import { createReferences } from "../document/references.ts";
import { type Field, findField, isNull, type MapNode, toFields } from "../document/tree.ts";
import { warnSelfAdvance } from "../document/warn-self-advance.ts";
import { warnUnused } from "../document/warn-unused.ts";
import { quote } from "../document/wording.ts";
import { INIT, type Machine, NEXT, PLAIN_MACHINE, PLAIN_STATE, type State, toReactions } from "../machine.ts";
import { compileTask } from "./compile-task.ts";
import { explainUpperName, isUpperName, readEvents } from "./read-events.ts";
import { readState, type StateDraft } from "./read-states.ts";
import { readTask } from "./read-tasks.ts";

/** A v1 machine without its hash; undefined when the document has an error, which is then among the problems. */
export function compileV1(context: CompileContext, root: Field<MapNode>): Omit<Machine, "hash"> | undefined {
  checkVersion(context, root, 1);
  const fields = findRequired(context, root);
  checkTopLevel(context, root);
  const events = fields.events && readEvents(context, fields.events);
  const taskFields = fields.tasks && readTaskMap(context, fields.tasks);
  const tasks = [...(taskFields ?? [])].flatMap(([name, field]) => readTask(context, name, field) ?? []);
  checkTasks(context, tasks);
  const states = fields.states && readStates(context, fields.states, { events, tasks: taskFields });
  if (context.problems.hasErrors() || !events || !states) return undefined;
  return {
    ...PLAIN_MACHINE,
    name: context.name,
    revision: "follow",
    events: new Set(events.keys()),
    states: toStates(states),
    tasks: new Map(tasks.map((draft) => [draft.name, compileTask(context, draft)])),
  };
}

const KEYS = ["version", "events", "states", "tasks"];

function checkTopLevel({ problems }: CompileContext, root: Field<MapNode>): void {
  for (const [key, field] of toFields(root)) {
    if (KEYS.includes(key) || key.startsWith("x-")) continue;
    const advice = KEYS_OF_2.includes(key) ? ADVICE_TO_UPGRADE : adviseTopLevel(key, KEYS);
    problems.error("top-level-unknown-key", onKey(field), `${quote(key)} is no key of a machine.${advice}`);
  }
}

interface RequiredFields {
  readonly events: Field | undefined;
  readonly states: Field | undefined;
  readonly tasks: Field | undefined;
}

function findRequired({ problems }: CompileContext, root: Field<MapNode>): RequiredFields {
  // A key with nothing after it says as little as no key.
  const find = (key: string, code: string, what: string): Field | undefined => {
    const field = findField(root, key);
    if (field && !isNull(field)) return field;
    problems.error(code, field ? onValue(field) : onMissing(root, key), `${key} is missing: ${what}`);
    return undefined;
  };
  return {
    events: find("events", "events-required", "a list of the events that may come. Without events write []."),
    states: find("states", "states-required", "a map of the machine's states, with INIT."),
    tasks: find("tasks", "tasks-required", "a map of the machine's tasks. Without tasks write {}."),
  };
}

interface Known {
  readonly events: ReadonlyMap<string, Field> | undefined;
  readonly tasks: ReadonlyMap<string, Field> | undefined;
}

function readStates(
  context: CompileContext,
  statesField: Field,
  known: Known,
): ReadonlyMap<string, StateDraft> | undefined {
  const fields = readStateMap(context, statesField, { isName: isUpperName, explainName: explainUpperName });
  if (fields === undefined) return undefined;
  const references = {
    events: createReferences(known.events && new Set([...known.events.keys(), NEXT])),
    tasks: createReferences(known.tasks),
    // That INIT is missing is told once, not again wherever a state leads to it.
    states: createReferences(new Set([INIT, ...fields.keys()])),
  };
  const states = new Map<string, StateDraft>();
  for (const [name, field] of fields) states.set(name, readState(context, field, references));
  checkFlow(context, { states, statesField });
  for (const [name, { on }] of states) warnSelfAdvance(context, name, on);
  const readable = [...states.values()].every(({ tasks, on }) => tasks && on);
  // What is misspelt in events is told there.
  const events = known.events && new Map([...known.events].filter(([name]) => isUpperName(name)));
  if (readable) warnUnused(context, { ...known, events }, references);
  return states;
}

function toStates(drafts: ReadonlyMap<string, StateDraft>): ReadonlyMap<string, State> {
  return new Map([...drafts].map(([name, draft]) => [name, toState(name, draft)]));
}

function toState(name: string, { terminal = false, tasks = [], on = new Map() }: StateDraft): State {
  const reactions = [...on].map(([event, { advances }]) => {
    return [event, toReactions(advances.map(({ target }) => target))] as const;
  });
  return { ...PLAIN_STATE, name, terminal, tasks, on: new Map(reactions) };
}
