import type { Store } from "../../ports/store.ts";
import { findSubject, type KeyOf } from "./call-keys.ts";
import type { Life } from "./operation.ts";
import type { Scheduler } from "./scheduler.ts";

/** A part of a process, whose calls are counted apart. */
export type NodePart = "events" | "tasks" | "sweep" | "engine" | "worker";

/** A store as a part of a process sees it: each call waits for its turn, and may not happen or not be heard of. */
export function createNodeStore(
  store: Store,
  part: NodePart,
  { life, keyOf, scheduler }: { readonly life: Life; readonly keyOf: KeyOf; readonly scheduler: Scheduler },
): Store {
  function wrap<Port extends object>(port: Port): Port {
    const wrapped = Object.entries(port).map(([name, value]: [string, unknown]) => {
      if (typeof value === "object" && value !== null) return [name, wrap(value)] as const;
      if (typeof value !== "function") return [name, value] as const;
      return [name, (...args: readonly unknown[]) => call(name, () => Reflect.apply(value, port, args), args)] as const;
    });
    // The same names with functions of the same types.
    return Object.fromEntries(wrapped) as Port;
  }

  function call(name: string, act: () => unknown, args: readonly unknown[]): Promise<unknown> {
    const key = keyOf(`${part} ${name}`, findSubject(name, args));
    return scheduler.enter({ key, life, act, tell: () => tellArguments(name, args) });
  }

  // Signals are hints; here the scheduler itself knows when there is work.
  return { ...wrap(store), watch: () => () => undefined };
}

function tellArguments(name: string, [first]: readonly unknown[]): string {
  if (name === "commit" && Array.isArray(first)) return first.map(tellChange).join(", ");
  return JSON.stringify(first) ?? "";
}

function tellChange(change: unknown): string {
  if (typeof change !== "object" || change === null || !("history" in change)) return "";
  const { stackId, expectedVersion, history } = { stackId: "", expectedVersion: 0, ...change };
  const lines = Array.isArray(history) ? history : [];
  const told = lines.map(({ event, eventId, outcome, code }) => [event, eventId, outcome, code].join(" "));
  return `${stackId}@${expectedVersion} [${told.join("; ")}]`;
}
