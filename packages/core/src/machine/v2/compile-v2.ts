import { checkTasks } from "../config/check-config.ts";
import { checkTopLevel, checkVersion, findRequired, readStateMap, readTaskMap } from "../document/check-document.ts";
import { type CompileContext, onValue, suggestOrList } from "../document/compile-context.ts";
import { type Field, findField, findText, isMapField, type MapNode, toRecord } from "../document/tree.ts";
import { describe } from "../document/wording.ts";
import { toCancelWithinMs } from "../executor-definition.ts";
import { type Machine, type Reaction, SEMANTICS_V2, type State, type Task } from "../machine.ts";
import { type EventDraft, explainName, isName, readEvents } from "./read-events.ts";
import { checkDescription, createV2Context, type V2Context } from "./read-fields.ts";
import { checkDeclared, type MetadataDraft, readMetadata } from "./read-metadata.ts";
import { checkNeeds, type Needs, readNeeds } from "./read-needs.ts";
import type { EntryDraft } from "./read-reactions.ts";
import { readStates, type StateDraft, toStateTasks } from "./read-states.ts";
import { readTargets, readTask, type TargetDrafts, type TaskDraft } from "./read-tasks.ts";

/** A v2 machine without its hash; undefined when the document has an error, which is then among the problems. */
export function compileV2(base: CompileContext, root: Field<MapNode>): Omit<Machine, "hash"> | undefined {
  const context = createV2Context(base);
  checkVersion(context, root, 2);
  checkTopLevel(context, root, { known: KEYS });
  checkDescription(context, root);
  const revision = readRevision(context, root);
  const metadata = readMetadata(context, root);
  const events = readEvents(context, findField(root, "events"));
  for (const { metadata: keys } of events?.values() ?? []) {
    for (const { text, field } of keys) checkDeclared(context, field, text, metadata);
  }
  const targets = readTargets(context, findField(root, "targets"), metadata);
  const tasksField = findField(root, "tasks");
  const taskFields = tasksField ? readTaskMap(context, tasksField) : new Map<string, Field>();
  const statesField = findRequired(context, root, "states");
  const fields = statesField && readStateMap(context, statesField, { isName, explainName });
  const states =
    statesField && fields && readStates(context, { statesField, fields, events, tasks: taskFields, metadata });
  const tasks = readTasks(context, { metadata, targets, fields: taskFields, states: fields });
  checkNeeds(context, tasks.needs, states ? toStateTasks(states) : new Map());
  if (context.problems.hasErrors() || !events || !states || !targets) return undefined;
  return toMachine(context, { revision, events, metadata, targets, states, tasks: tasks.drafts });
}

interface TasksInput {
  readonly metadata: MetadataDraft;
  readonly targets: TargetDrafts | undefined;
  readonly fields: ReadonlyMap<string, Field> | undefined;
  readonly states: ReadonlyMap<string, Field> | undefined;
}

interface Tasks {
  readonly needs: Needs;
  readonly drafts: readonly TaskDraft[];
}

function readTasks(context: V2Context, { fields = new Map(), states, ...scope }: TasksInput): Tasks {
  const maps = [...fields].flatMap(([name, field]) => (isMapField(field) ? [[name, field] as const] : []));
  const needs = new Map(maps.map(([name, field]) => [name, readNeeds(context, field, fields)]));
  const names = states && { states: [...states.keys()] };
  const drafts = [...fields].flatMap(([name, field]) => {
    return readTask(context, field, { ...scope, ...names, name, needs }) ?? [];
  });
  const configured = drafts.map(({ config, ...task }) => ({ ...task, ...(config && { config: config.config }) }));
  checkTasks(context, configured);
  return { needs, drafts };
}

const KEYS = [
  "version",
  "description",
  "events",
  "metadata",
  "additionalMetadata",
  "targets",
  "revision",
  "states",
  "tasks",
];

const REVISIONS = ["pin", "follow"] as const;

/** Whether stacks keep the revision that they were created with, or follow the newest. */
function readRevision({ problems }: CompileContext, root: Field<MapNode>): Machine["revision"] {
  const field = findField(root, "revision");
  if (field === undefined) return "pin";
  const name = findText(field);
  const revision = REVISIONS.find((known) => known === name);
  if (revision === undefined) {
    const near = suggestOrList(name ?? "", REVISIONS);
    problems.error("revision-unknown", onValue(field), `revision cannot be ${describe(field.node)}.${near}`);
  }
  return revision ?? "pin";
}

/** How long an attempt of a v2 task may run when neither it nor its executor says. */
const TIMEOUT_MS = 3_600_000;

/** All parts of a document without faults. */
interface MachineDraft {
  readonly revision: Machine["revision"];
  readonly events: ReadonlyMap<string, EventDraft>;
  readonly metadata: MetadataDraft;
  readonly targets: TargetDrafts;
  readonly states: ReadonlyMap<string, StateDraft>;
  readonly tasks: readonly TaskDraft[];
}

/** The machine that the parts make. */
function toMachine(context: CompileContext, draft: MachineDraft): Omit<Machine, "hash"> {
  const { revision, events, metadata, targets, states, tasks } = draft;
  return {
    name: context.name,
    revision,
    version: 2,
    semantics: SEMANTICS_V2,
    events: new Set(events.keys()),
    requiredMetadata: toRequiredMetadata(events),
    metadata: { keys: metadata.rules, additional: metadata.place.additional },
    targets: new Map([...targets].flatMap(([name, template]) => (template ? [[name, template] as const] : []))),
    states: new Map([...states].map(([name, state]) => [name, toState(name, state)])),
    tasks: new Map(tasks.map((task) => [task.name, toTask(context, task)])),
  };
}

function toRequiredMetadata(events: ReadonlyMap<string, EventDraft>): Machine["requiredMetadata"] {
  const required = [...events].map(([name, { metadata }]) => {
    return [name, [...new Set(metadata.map(({ text }) => text))]] as const;
  });
  return new Map(required.filter(([, keys]) => keys.length > 0));
}

function toState(name: string, draft: StateDraft): State {
  const { terminal = false, tasks = [], on = new Map(), after, leaving, timeoutMs } = draft;
  const reactions = [...on].map(([event, { entries }]) => [event, entries.map(toReaction)] as const);
  return {
    name,
    terminal,
    tasks,
    protected: draft.protected ?? false,
    leaving,
    on: new Map(reactions),
    after: after.flatMap(({ inMs, event }) => (inMs !== undefined && event !== undefined ? [{ inMs, event }] : [])),
    ...(timeoutMs !== undefined && { timeoutMs }),
  };
}

function toReaction({ when, advance, set }: EntryDraft): Reaction {
  return { advance: advance ? [advance.target] : [], set, ...(when && { when }) };
}

function toTask({ executors }: CompileContext, draft: TaskDraft): Task {
  const { name, executor, config, target, needs, retry, outputs, when, exclusive } = draft;
  const definition = executor === undefined ? undefined : executors.get(executor);
  const dynamic = config?.dynamic;
  return {
    name,
    ...(executor !== undefined && { executor }),
    definition: { executor, ...(config && { config: toRecord(config.config.node) }) },
    ...(dynamic && { dynamicConfig: draft.timeoutMs === undefined ? dynamic : { ...dynamic, ...NO_TIMEOUT } }),
    ...(target !== undefined && { target }),
    needs,
    ...(when && { when }),
    ...(exclusive && { exclusive }),
    retry,
    outputs,
    timeoutMs: draft.timeoutMs ?? config?.timeoutMs ?? TIMEOUT_MS,
    cancelWithinMs: toCancelWithinMs(definition),
  };
}

// The task's own time-out stands, whatever the config is resolved to.
const NO_TIMEOUT = { findTimeoutMs: (): undefined => undefined };
