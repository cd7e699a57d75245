import { formatDuration } from "../document/duration.ts";
import { type TreeNode, toValue } from "../document/tree.ts";
import { escapeTemplate } from "../expression/escape-template.ts";
import type { Machine, State, Task } from "../machine.ts";
import { V1_TIMEOUT_MS } from "../v1/compile-task.ts";

/** A v1 document, without its aliases and merges, as a value of version 2. */
export function toV2Document(tree: TreeNode, machine: Machine): Readonly<Record<string, unknown>> {
  const extensions = tree.kind === "map" ? [...tree.entries].filter(([key]) => key.startsWith("x-")) : [];
  return {
    version: 2,
    revision: "follow",
    events: [...machine.events],
    ...Object.fromEntries(extensions.map(([key, { value }]) => [key, toValue(value)])),
    states: Object.fromEntries([...machine.states].map(([name, state]) => [name, toStateDocument(state)])),
    tasks: Object.fromEntries([...machine.tasks].map(([name, task]) => [name, toTaskDocument(task)])),
  };
}

/** What a v1 handler does, in the short form of version 2: the last state that it enters. */
export function toShortReaction(state: State, event: string): string {
  return state.on.get(event)?.[0]?.advance.at(-1) ?? "no-op";
}

/** The time limit to write on a task: v1's default, where its executor has none of its own. */
export function findWrittenTimeout({ timeoutMs }: Task): string | undefined {
  return timeoutMs === V1_TIMEOUT_MS ? formatDuration(V1_TIMEOUT_MS) : undefined;
}

function toStateDocument(state: State): Readonly<Record<string, unknown>> {
  const reactions = [...state.on.keys()].map((event) => [event, toShortReaction(state, event)]);
  return {
    ...(state.terminal && { terminal: true }),
    leaving: "abandon",
    ...(state.tasks.length > 0 && { tasks: state.tasks }),
    ...(reactions.length > 0 && { on: Object.fromEntries(reactions) }),
  };
}

function toTaskDocument(task: Task): Readonly<Record<string, unknown>> {
  const timeout = findWrittenTimeout(task);
  const definition = Object.entries(task.definition).map(([key, value]) => [
    key,
    key === "config" ? escapeValue(value) : value,
  ]);
  return { ...Object.fromEntries(definition), ...(timeout !== undefined && { timeout }) };
}

function escapeValue(value: unknown): unknown {
  if (typeof value === "string") return escapeTemplate(value);
  if (Array.isArray(value)) return value.map(escapeValue);
  if (typeof value !== "object" || value === null) return value;
  return Object.fromEntries(Object.entries(value).map(([key, inner]) => [key, escapeValue(inner)]));
}
