import type { Machine, State } from "../machine.ts";
import { type Field, findField, type MapNode, toFields } from "../tree.ts";
import { quote } from "../wording.ts";
import { checkFlow } from "./check-flow.ts";
import { compileTask } from "./compile-task.ts";
import { readEvents } from "./read-events.ts";
import { findStates, readState, type StateDraft } from "./read-states.ts";
import { findTasks, readTask } from "./read-tasks.ts";
import { createReferences, type References } from "./references.ts";
import { onKey, suggestOrList, type V1Context } from "./v1-context.ts";
import { warnSharedKeys } from "./warn-shared-keys.ts";

/** A v1 machine without its hash; undefined when the document has an error, which is then among the problems. */
export function compileV1(context: V1Context, root: Field<MapNode>): Omit<Machine, "hash"> | undefined {
  checkTopLevel(context, root);
  const eventsField = findField(root, "events");
  if (eventsField === undefined) {
    const message = "events is missing: a list of the events that may come. Without events write [].";
    context.problems.error("events-required", onKey(root), message);
  }
  const events = eventsField && readEvents(context, eventsField);
  const taskFields = findTasks(context, root);
  const tasks = [...(taskFields ?? [])].flatMap(([name, field]) => readTask(context, name, field) ?? []);
  warnSharedKeys(context, tasks);
  const states = readStates(context, root, { events, tasks: taskFields });
  if (context.problems.hasErrors() || !events || !states) return undefined;
  return {
    name: context.name,
    revision: "follow",
    events: new Set(events.keys()),
    states: toStates(states),
    tasks: new Map(tasks.map((draft) => [draft.name, compileTask(context, draft)])),
  };
}

const KEYS = ["version", "events", "states", "tasks"];

function checkTopLevel({ problems }: V1Context, root: Field<MapNode>): void {
  for (const [key, field] of toFields(root)) {
    if (KEYS.includes(key) || key.startsWith("x-")) continue;
    const extension = /^x[-_]/i.test(key) ? ' Keys of your own begin with "x-".' : suggestOrList(key, [...KEYS, "x-…"]);
    problems.error("top-level-unknown-key", onKey(field), `${quote(key)} is no key of a machine.${extension}`);
  }
}

interface Known {
  readonly events: ReadonlyMap<string, Field> | undefined;
  readonly tasks: ReadonlyMap<string, Field> | undefined;
}

function readStates(
  context: V1Context,
  root: Field<MapNode>,
  known: Known,
): ReadonlyMap<string, StateDraft> | undefined {
  const fields = findStates(context, root);
  const statesField = findField(root, "states");
  if (fields === undefined || statesField === undefined) return undefined;
  const references = {
    events: createReferences(known.events),
    tasks: createReferences(known.tasks),
    states: createReferences(fields),
  };
  const states = new Map<string, StateDraft>();
  for (const [name, field] of fields) states.set(name, readState(context, field, references));
  checkFlow(context, { states, statesField });
  const readable = [...states.values()].every(({ tasks, on }) => tasks && on);
  if (readable) warnUnused(context, known, references);
  return states;
}

interface Used {
  readonly events: References;
  readonly tasks: References;
}

function warnUnused({ problems }: V1Context, known: Known, used: Used): void {
  for (const [name, field] of known.events ?? []) {
    if (used.events.isUsed(name)) continue;
    problems.warn("unused-event", onKey(field), `No state handles the event ${quote(name)}.`);
  }
  for (const [name, field] of known.tasks ?? []) {
    if (used.tasks.isUsed(name)) continue;
    problems.warn("unused-task", onKey(field), `No state runs the task ${quote(name)}.`);
  }
}

function toStates(drafts: ReadonlyMap<string, StateDraft>): ReadonlyMap<string, State> {
  return new Map([...drafts].map(([name, draft]) => [name, toState(name, draft)]));
}

function toState(name: string, { terminal = false, tasks = [], on = new Map() }: StateDraft): State {
  const reactions = [...on].map(([event, { advances }]) => {
    return [event, { advance: advances.map(({ target }) => target) }] as const;
  });
  return { name, terminal, tasks, on: new Map(reactions), after: [] };
}
