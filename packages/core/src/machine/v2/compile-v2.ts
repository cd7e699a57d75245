import { APPROVAL_TIMEOUT_MS } from "../approval.ts";
import { APPROVAL } from "../approval-name.ts";
import { checkTasks } from "../config/check-config.ts";
import { checkVersion, readStateMap, readTaskMap } from "../document/check-document.ts";
import { checkStructure } from "../document/check-structure.ts";
import { type CompileContext, onKey, onValue } from "../document/compile-context.ts";
import type { Spot } from "../document/problem-list.ts";
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
  toTextItems,
} from "../document/tree.ts";
import { quote } from "../document/wording.ts";
import { APPROVAL_EVENTS } from "../event-message.ts";
import { toCancelWithinMs } from "../executor-definition.ts";
import type { ExpressionPlace } from "../expression/expression.ts";
import { defined } from "../json.ts";
import { type Machine, REVISION_MODES, type Reaction, SEMANTICS_V2, type State, type Task } from "../machine.ts";
import { checkApproved } from "./check-approved.ts";
import { machineV2Schema } from "./machine-v2-schema.ts";
import { toAfterTimers } from "./read-after.ts";
import { createV2Context, readExpression, readTemplate, type V2Context } from "./read-expressions.ts";
import { checkDeclared, checkWritable, type MetadataDraft, readMetadata, toAllowPlace } from "./read-metadata.ts";
import { readStates } from "./read-states.ts";
import { checkNeeds, type Needs, readNeeds, readTask, type TargetDrafts, type TaskDraft } from "./read-tasks.ts";
import type { EntryDraft, EventDraft, HandlerDraft, StateDraft } from "./state-drafts.ts";

/**
 * Compiles a machine of version 2, without its hash; undefined when the document has an error, which is then among the
 * problems. The schema decides the structure; the rules here add what a schema cannot express.
 */
export function compileV2(base: CompileContext, root: Field<MapNode>): Omit<Machine, "hash"> | undefined {
  const context = createV2Context(base);
  checkVersion(context, root, 2);
  checkStructure(context, machineV2Schema, root);
  const metadata = readMetadata(context, root);
  const statesField = findField(root, "states");
  const events = readEvents(context, findField(root, "events"), { metadata, states: statesField });
  const targets = readTargets(context, findField(root, "targets"), metadata);
  const taskFields = readTaskMap(context, findField(root, "tasks"));
  const fields = readStateMap(context, statesField);
  const states =
    statesField && fields && readStates(context, { statesField, fields, events, tasks: taskFields, metadata });
  const tasks = readTasks(context, { metadata, targets, fields: taskFields, states });
  checkNeeds(context, tasks.needs, states ?? new Map());
  if (states !== undefined) checkApproved(context, { states, tasks: tasks.drafts, targets, rules: metadata.rules });
  if (context.problems.hasErrors() || !events || !states || !targets) return undefined;
  const named = findText(findField(root, "revision"));
  const revision = REVISION_MODES.find((mode) => mode === named) ?? "pin";
  return toMachine(context, { revision, events, metadata, targets, states, tasks: tasks.drafts });
}

/**
 * Returns the declared events by name, also those with a faulty name, so that one fault is not reported again wherever
 * the event is used. Undefined when `events` is neither a list nor a map.
 */
function readEvents(
  context: V2Context,
  field: Field | undefined,
  { metadata, states }: { readonly metadata: MetadataDraft; readonly states: Field | undefined },
): ReadonlyMap<string, EventDraft> | undefined {
  if (field && !isMapField(field) && !isListField(field)) return undefined;
  const declared = new Map<string, EventDraft>();
  for (const item of toItems(field)) {
    const name = findText(item);
    checkReserved(context, name, onValue(item));
    if (name !== undefined && declared.has(name)) {
      context.problems.error("event-duplicate", onValue(item), `The event ${quote(name)} is declared twice.`);
    } else if (name !== undefined) {
      declared.set(name, { field: item, metadata: [] });
    }
  }
  const place = toAllowPlace(metadata, toNames(states));
  for (const [name, event] of toFields(field)) {
    checkReserved(context, name, onKey(event));
    const keys = toTextItems(findField(event, "metadata"));
    for (const key of keys) {
      checkDeclared(context, key.field, key.text, metadata);
      checkWritable(context, onValue(key.field), key.text, metadata.rules);
    }
    const allow = readExpression(context, findField(event, "allow"), { place, wanted: "bool" });
    declared.set(name, { field: event, metadata: keys, allow });
  }
  return declared;
}

function toNames(field: Field | undefined): readonly string[] | undefined {
  return field && isMapField(field) ? [...toFields(field).keys()] : undefined;
}

/** Reports names that were reserved later: an older stored revision may declare them. */
function checkReserved({ problems, isKept }: CompileContext, name: string | undefined, spot: Spot): void {
  if (isKept || name === undefined || !APPROVAL_EVENTS.has(name)) return;
  const message = `${name} is reserved: operators send it about approvals. Give the event another name.`;
  problems.error("event-reserved", spot, message);
}

/** Returns the accounts and regions that tasks work in; undefined when `targets` is not a map. */
function readTargets(context: V2Context, field: Field | undefined, { place }: MetadataDraft): TargetDrafts | undefined {
  if (field && !isMapField(field)) return undefined;
  const target: ExpressionPlace = { event: false, metadata: place, sensitive: "never", variables: ["metadata"] };
  return new Map([...toFields(field)].map(([name, inner]) => [name, readTemplate(context, inner, target)]));
}

interface TasksInput {
  readonly metadata: MetadataDraft;
  readonly targets: TargetDrafts | undefined;
  readonly fields: ReadonlyMap<string, Field> | undefined;
  readonly states: ReadonlyMap<string, StateDraft> | undefined;
}

interface Tasks {
  readonly needs: Needs;
  readonly drafts: readonly TaskDraft[];
}

function readTasks(context: V2Context, { fields = new Map(), states, ...scope }: TasksInput): Tasks {
  const maps = [...fields].flatMap(([name, field]) => (isMapField(field) ? [[name, field] as const] : []));
  const needs = new Map(maps.map(([name, field]) => [name, readNeeds(context, field, fields)]));
  const names = defined({ states: states && [...states.keys()] });
  const drafts = maps.map(([name, field]) => readTask(context, field, { ...scope, ...names, name, needs }));
  checkTasks(
    context,
    drafts.map(({ name, executor, config, needs: needed }) =>
      defined({ name, executor, config: config?.config, needs: needed }),
    ),
    states ?? new Map(),
  );
  return { needs, drafts };
}

/** The time limit of an attempt of a v2 task when neither it nor its executor has one, in milliseconds. */
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

function toMachine(context: CompileContext, draft: MachineDraft): Omit<Machine, "hash"> {
  const { revision, events, metadata, targets, states, tasks } = draft;
  return {
    name: context.name,
    revision,
    version: 2,
    semantics: SEMANTICS_V2,
    events: new Set(events.keys()),
    requiredMetadata: toRequiredMetadata(events),
    allow: new Map([...events].flatMap(([name, { allow }]) => (allow === undefined ? [] : [[name, allow]]))),
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
  const { terminal = false, tasks = [], on = new Map<string, HandlerDraft>(), after, leaving, timeoutMs } = draft;
  const reactions = [...on].map(([event, { entries }]) => [event, entries.map(toReaction)] as const);
  return defined({
    name,
    terminal,
    tasks,
    approved: draft.approved.map(({ text }) => text),
    protected: draft.protected ?? false,
    leaving,
    on: new Map(reactions),
    after: toAfterTimers(after),
    timeoutMs,
  });
}

function toReaction({ when, advance, set, raise }: EntryDraft): Reaction {
  return defined({ when, advance: advance ? [advance.target] : [], set, raise: raise?.text });
}

function toTask({ executors }: CompileContext, draft: TaskDraft): Task {
  const { name, executor, config, timeoutMs, ...rest } = draft;
  const definition = executor === undefined ? undefined : executors.get(executor);
  const dynamic = config?.dynamic;
  const isApproval = executor === APPROVAL;
  return defined({
    ...rest,
    name,
    executor,
    definition: { executor, ...(config && { config: toRecord(config.config.node) }) },
    // The task's own timeout applies, whatever the resolved config.
    dynamicConfig: dynamic && timeoutMs !== undefined ? { ...dynamic, findTimeoutMs: () => undefined } : dynamic,
    isApproval: isApproval || undefined,
    sends: definition?.sends,
    watches: definition?.watches,
    timeoutMs: timeoutMs ?? config?.timeoutMs ?? (isApproval ? APPROVAL_TIMEOUT_MS : TIMEOUT_MS),
    cancelWithinMs: toCancelWithinMs(definition),
  });
}
