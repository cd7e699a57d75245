import type { ExpressionScope, FindSecret, ScopeActor, ScopeTask } from "../expression/expression.ts";
import { defined } from "../json.ts";
import type { Machine } from "../machine.ts";
import { findSecretRef } from "../secrets.ts";
import type { Metadata, MetadataValue, Stack } from "../stack.ts";
import { isSensitive } from "./metadata-faults.ts";

/** The input of expressions. */
export interface ScopeInput {
  readonly machine: Machine;
  readonly stack: Stack;
  /** The instant of the decision. */
  readonly at: number;
}

/** The names that an expression may use in addition to `stack`, `metadata` and `now`. */
interface ScopeOptions {
  /** Reactions only: the event, with its metadata. */
  readonly event?: { readonly name: string; readonly metadata: Metadata };
  /** `allow` only: who sends the event. */
  readonly actor?: ScopeActor;
  /** Default false. */
  readonly tasks?: boolean;
  /** Includes the values of sensitive metadata. Default false. */
  readonly sensitive?: boolean;
}

/** Returns the scope of the expressions at one position of the document. */
export function toScope({ machine, stack, at }: ScopeInput, options: ScopeOptions = {}): ExpressionScope {
  const { event, actor, tasks = false, sensitive = false } = options;
  const show = (metadata: Metadata) => (sensitive ? metadata : withoutSecrets(machine, metadata));
  const { id, machine: name, state, previousState, createdAt, enteredAt } = stack;
  return {
    stack: { id, machine: name, state, previousState, createdAt, enteredAt, visits: toVisits(machine, stack) },
    metadata: { ...toNulls(machine, stack.metadata), ...show(stack.metadata) },
    ...defined({ event: event && { name: event.name, metadata: show(event.metadata) } }),
    ...(tasks ? { tasks: toTasks(stack) } : {}),
    ...defined({ actor }),
    now: at,
  };
}

/** Finds the references of a stack's sensitive metadata and outputs. */
export function toFindSecret(stack: Stack): FindSecret {
  return (place) => {
    if (place.kind === "metadata") return findSecretRef(stack, place.key);
    const value = findOutput(stack, place.task, place.output);
    return typeof value === "object" && value !== null ? value.$secret : undefined;
  };
}

/** Finds no secret, so no value is replaced by a reference. */
export const NO_SECRETS: FindSecret = () => undefined;

function withoutSecrets(machine: Machine, metadata: Metadata): Metadata {
  const shown = Object.entries(metadata).filter(([key, value]) => {
    return value === null || !isSensitive(machine.metadata, key);
  });
  return Object.fromEntries(shown);
}

/** Returns null for declared keys without a value. */
function toNulls(machine: Machine, metadata: Metadata): Metadata {
  const keys = [...machine.metadata.keys.keys()].filter((key) => !Object.hasOwn(metadata, key));
  return Object.fromEntries(keys.map((key) => [key, null] as const));
}

// A stack that was taken over from the predecessor has no counts; its present entry counts nevertheless.
function toVisits(machine: Machine, { visits = {}, state }: Stack): Readonly<Record<string, number>> {
  const counted = [...machine.states.keys()].map((name) => {
    const count = Object.hasOwn(visits, name) ? (visits[name] ?? 0) : 0;
    return [name, name === state ? Math.max(count, 1) : count] as const;
  });
  return Object.fromEntries(counted);
}

function toTasks(stack: Stack): Readonly<Record<string, ScopeTask>> {
  const tasks = stack.tasks.map(({ name, status, detail }): readonly [string, ScopeTask] => {
    return [name, { status: detail ?? status, outputs: toOutputs(stack, name) }];
  });
  return Object.fromEntries(tasks);
}

function toOutputs({ outputs = {} }: Stack, task: string): Readonly<Record<string, MetadataValue>> {
  const given = Object.hasOwn(outputs, task) ? Object.entries(outputs[task] ?? {}) : [];
  return Object.fromEntries(
    given.flatMap(([name, value]) => (typeof value === "object" && value !== null ? [] : [[name, value] as const])),
  );
}

function findOutput({ outputs = {} }: Stack, task: string, output: string) {
  const given = Object.hasOwn(outputs, task) ? outputs[task] : undefined;
  return given !== undefined && Object.hasOwn(given, output) ? given[output] : undefined;
}
