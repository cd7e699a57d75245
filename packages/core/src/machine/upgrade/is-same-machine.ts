import type { Machine, State, Task } from "../machine.ts";

/** True when a machine of version 2 does what one of version 1 does, of several advances the last one. */
export function isSameMachine(old: Machine, upgraded: Machine): boolean {
  return JSON.stringify(toFacts(old, 1)) === JSON.stringify(toFacts(upgraded, 2));
}

/** Everything that decides what a machine does, in one order. */
function toFacts(machine: Machine, version: 1 | 2): unknown {
  return {
    plain: machine.version === version && machine.revision === "follow" && machine.requiredMetadata.size === 0,
    metadata: [machine.metadata.keys.size, machine.metadata.additional, machine.targets.size],
    events: [...machine.events].toSorted(),
    states: sortEntries(machine.states).map(([, state]) => toStateFacts(state)),
    tasks: sortEntries(machine.tasks).map(([, task]) => toTaskFacts(task)),
  };
}

function toStateFacts({
  name,
  terminal,
  tasks,
  on,
  after,
  leaving,
  timeoutMs,
  protected: isProtected,
}: State): unknown {
  const reactions = sortEntries(on).map(([event, list]) => {
    return [event, list.length, list[0]?.advance.at(-1) ?? null, list[0]?.when !== undefined, list[0]?.set.size];
  });
  return [name, terminal, tasks, reactions, after.length, leaving, timeoutMs ?? null, isProtected];
}

function toTaskFacts(task: Task): unknown {
  const { name, executor, definition, timeoutMs, cancelWithinMs, needs, retry, outputs } = task;
  const plain = !(task.dynamicConfig || task.when || task.exclusive || task.target);
  const config = toStable(definition["config"]);
  return [name, executor, config, timeoutMs, cancelWithinMs, needs, retry.attempts, outputs.size, plain];
}

function sortEntries<Value>(map: ReadonlyMap<string, Value>): readonly (readonly [string, Value])[] {
  return [...map].toSorted(([a], [b]) => (a < b ? -1 : 1));
}

/** Maps as lists of pairs in the order of their keys, so that equal values give equal texts. */
function toStable(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(toStable);
  if (typeof value !== "object" || value === null) return value;
  const entries = Object.entries(value).toSorted(([a], [b]) => (a < b ? -1 : 1));
  return { map: entries.map(([key, inner]) => [key, toStable(inner)]) };
}
