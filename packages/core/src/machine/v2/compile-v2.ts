import { checkTasks } from "../config/check-config.ts";
import { checkVersion } from "../document/check-version.ts";
import type { CompileContext } from "../document/compile-context.ts";
import { readStateMap } from "../document/read-state-map.ts";
import { readTaskMap } from "../document/read-task-map.ts";
import { type Field, findField, isMapField, type MapNode } from "../document/tree.ts";
import type { Machine } from "../machine.ts";
import { checkDescription } from "./check-description.ts";
import { checkNeeds, type Needs } from "./check-needs.ts";
import { findStates } from "./find-states.ts";
import { explainName, isName } from "./names.ts";
import { readEvents } from "./read-events.ts";
import { checkDeclared, type MetadataDraft, readMetadata } from "./read-metadata.ts";
import { readNeeds } from "./read-needs.ts";
import { readStates, toStateTasks } from "./read-states.ts";
import { readTargets, type TargetDrafts } from "./read-targets.ts";
import { readTask, type TaskDraft } from "./read-tasks.ts";
import { checkTopLevel, readRevision } from "./read-top-level.ts";
import { toMachine } from "./to-machine.ts";
import { createV2Context, type V2Context } from "./v2-context.ts";

/** A v2 machine without its hash; undefined when the document has an error, which is then among the problems. */
export function compileV2(base: CompileContext, root: Field<MapNode>): Omit<Machine, "hash"> | undefined {
  const context = createV2Context(base);
  checkVersion(context, root, 2);
  checkTopLevel(context, root);
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
  const statesField = findStates(context, root);
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
