import type { CompileContext } from "../document/compile-context.ts";
import { toRecord } from "../document/tree.ts";
import { toCancelWithinMs } from "../executor-limits.ts";
import { type Machine, type Reaction, SEMANTICS_V2, type State, type Task } from "../machine.ts";
import type { EventDraft } from "./read-events.ts";
import type { MetadataDraft } from "./read-metadata.ts";
import type { EntryDraft } from "./read-reactions.ts";
import type { StateDraft } from "./read-state.ts";
import type { TargetDrafts } from "./read-targets.ts";
import type { TaskDraft } from "./read-tasks.ts";

/** How long an attempt of a v2 task may run when neither it nor its executor says. */
const TIMEOUT_MS = 3_600_000;

/** All parts of a document without faults. */
export interface MachineDraft {
  readonly revision: Machine["revision"];
  readonly events: ReadonlyMap<string, EventDraft>;
  readonly metadata: MetadataDraft;
  readonly targets: TargetDrafts;
  readonly states: ReadonlyMap<string, StateDraft>;
  readonly tasks: readonly TaskDraft[];
}

/** The machine that the parts make. */
export function toMachine(context: CompileContext, draft: MachineDraft): Omit<Machine, "hash"> {
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
