import { maskMetadata, toShownMetadata } from "../../machine/secrets.ts";
import type { Stack, TaskState } from "../../machine/stack.ts";

/** Something of a stack that would stand otherwise. Sensitive values are printed `***`; they are compared by reference. */
export interface EndDifference {
  /** `state`, `task <name>` or `metadata <key>`. */
  readonly what: string;
  /** Null: it is not there. */
  readonly before: string | number | boolean | null;
  readonly after: string | number | boolean | null;
}

/** How a stack stands, and how it would stand. */
export function compareEnds(present: Stack, replayed: Stack | undefined): readonly EndDifference[] {
  const before = toFacts(present);
  const after =
    replayed === undefined ? new Map<string, Fact>([["state", { value: null, compared: null }]]) : toFacts(replayed);
  return [...new Set([...before.keys(), ...after.keys()])].flatMap((what) => {
    const [a, b] = [before.get(what), after.get(what)];
    if (JSON.stringify(a?.compared ?? null) === JSON.stringify(b?.compared ?? null)) return [];
    return [{ what, before: a?.value ?? null, after: b?.value ?? null }];
  });
}

interface Fact {
  readonly value: EndDifference["before"];
  readonly compared: unknown;
}

function toFacts(stack: Stack): Map<string, Fact> {
  const shown = toShownMetadata(stack);
  const printed = maskMetadata(shown);
  const facts = new Map<string, Fact>([["state", { value: stack.state, compared: stack.state }]]);
  for (const task of stack.tasks) facts.set(`task ${task.name}`, { value: tellTask(task), compared: tellTask(task) });
  for (const [key, compared] of Object.entries(shown))
    facts.set(`metadata ${key}`, { value: printed[key] ?? null, compared });
  return facts;
}

/** Where an attempt stands is for its worker to say: to the machine it runs. */
function tellTask({ status, detail }: TaskState): string {
  return detail === undefined || detail === "RUNNING" || detail === "QUEUED" ? status : `${status} ${detail}`;
}
