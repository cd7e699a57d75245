import { onKey, onValue } from "../document/compile-context.ts";
import type { AdvanceDraft } from "../document/read-advance.ts";
import { type Field, isMapField, toFields } from "../document/tree.ts";
import { describe, quote, suggest } from "../document/wording.ts";
import { FAILED, NEXT, TIMEOUT } from "../machine.ts";
import { isReserved } from "./names.ts";
import { type EntryDraft, readReaction } from "./read-reactions.ts";
import type { StateScope } from "./state-scope.ts";
import type { V2Context } from "./v2-context.ts";

/** What a state does on one event. */
export interface HandlerDraft {
  readonly field: Field;
  readonly entries: readonly EntryDraft[];
  /** The states that it may lead to. */
  readonly advances: readonly AdvanceDraft[];
}

const INTERNAL: ReadonlySet<string> = new Set([NEXT, FAILED, TIMEOUT]);

/** Handlers by event; undefined when `on` is no map. */
export function readHandlers(
  context: V2Context,
  on: Field | undefined,
  scope: StateScope,
): ReadonlyMap<string, HandlerDraft> | undefined {
  if (on === undefined) return new Map();
  if (!isMapField(on)) {
    const message = `on must be a map from events to reactions, but it is ${describe(on.node)}.`;
    context.problems.error("on-not-map", onValue(on), message);
    return undefined;
  }
  const handlers = new Map<string, HandlerDraft>();
  for (const [event, field] of toFields(on)) {
    if (!INTERNAL.has(event)) checkEvent(context, event, { field, scope });
    const entries = readReaction(context, field, scope);
    handlers.set(event, { field, entries, advances: entries.flatMap(({ advance }) => advance ?? []) });
  }
  return handlers;
}

interface Handled {
  readonly field: Field;
  readonly scope: StateScope;
}

function checkEvent({ problems }: V2Context, event: string, { field, scope }: Handled): void {
  const { events } = scope.references;
  if (events.use(event)) return;
  const message = isReserved(event)
    ? `${event} is handled by the engine; a state can only handle declared events, NEXT, FAILED and TIMEOUT.`
    : `The event ${quote(event)} is not declared in events.${suggest(events.resolve(event))}`;
  problems.error("on-event-undeclared", onKey(field), message);
}
