import { type CompileContext, onKey } from "./compile-context.ts";
import type { References } from "./references.ts";
import type { Field } from "./tree.ts";
import { quote } from "./wording.ts";

/** What a document declares, by name; undefined where it could not be read. */
export interface Declared {
  readonly events: ReadonlyMap<string, Field> | undefined;
  readonly tasks: ReadonlyMap<string, Field> | undefined;
}

/** What its states use. */
export interface Used {
  readonly events: References;
  readonly tasks: References;
}

/** Warns of events that no state handles and tasks that none runs. */
export function warnUnused({ problems }: CompileContext, declared: Declared, used: Used): void {
  for (const [name, field] of declared.events ?? []) {
    if (used.events.isUsed(name)) continue;
    problems.warn("unused-event", onKey(field), `No state handles the event ${quote(name)}.`);
  }
  for (const [name, field] of declared.tasks ?? []) {
    if (used.tasks.isUsed(name)) continue;
    problems.warn("unused-task", onKey(field), `No state runs the task ${quote(name)}.`);
  }
}
