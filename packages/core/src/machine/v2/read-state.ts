import { checkKeys } from "../document/check-keys.ts";
import { onValue, suggestOrList } from "../document/compile-context.ts";
import { type Field, findField, findText, isMapField, type MapNode } from "../document/tree.ts";
import { describe } from "../document/wording.ts";
import type { State } from "../machine.ts";
import { type AfterDraft, readAfter } from "./read-after.ts";
import { readDuration } from "./read-duration.ts";
import { readFlag } from "./read-flag.ts";
import { type HandlerDraft, readHandlers } from "./read-handlers.ts";
import type { StateScope } from "./state-scope.ts";
import type { V2Context } from "./v2-context.ts";

/** A state as far as it could be read; undefined parts are faulty, and nothing can be said about them. */
export interface StateDraft {
  readonly field: Field;
  readonly terminal?: boolean;
  readonly protected?: boolean;
  readonly leaving: State["leaving"];
  readonly timeoutMs?: number;
  /** Each name once, unknown ones included. */
  readonly tasks?: readonly string[];
  readonly on?: ReadonlyMap<string, HandlerDraft>;
  readonly after: readonly AfterDraft[];
}

const KEYS = ["tasks", "terminal", "timeout", "after", "leaving", "on", "protected"];

/** Reads one state, whose tasks were read before. */
export function readState(
  context: V2Context,
  field: Field,
  { tasks, ...scope }: StateScope & { readonly tasks: readonly string[] | undefined },
): StateDraft {
  if (!isMapField(field)) {
    const message = `A state must be a map, but this is ${describe(field.node)}. A state without anything is {}.`;
    context.problems.error("state-not-map", onValue(field), message);
    return { field, leaving: "wait", after: [] };
  }
  checkKeys(context, field, { known: KEYS, code: "state-unknown-key", owner: "a state" });
  const terminal = readFlag(context, field, { key: "terminal", absent: false, code: "terminal-not-boolean" });
  const isProtected = readFlag(context, field, { key: "protected", absent: false, code: "protected-not-boolean" });
  const timeoutMs = readDuration(context, field, "timeout");
  const on = readHandlers(context, findField(field, "on"), scope);
  const after = readAfter(context, findField(field, "after"), { ...scope, handled: on });
  return {
    field,
    after,
    leaving: readLeaving(context, field),
    ...(terminal !== undefined && { terminal }),
    ...(isProtected !== undefined && { protected: isProtected }),
    ...(timeoutMs !== undefined && { timeoutMs }),
    ...(tasks && { tasks }),
    ...(on && { on }),
  };
}

const LEAVING = ["abandon", "wait", "cancel"] as const;

function readLeaving({ problems }: V2Context, state: Field<MapNode>): State["leaving"] {
  const field = findField(state, "leaving");
  if (field === undefined) return "wait";
  const name = findText(field);
  const leaving = LEAVING.find((known) => known === name);
  if (leaving === undefined) {
    const message = `leaving cannot be ${describe(field.node)}.${suggestOrList(name ?? "", LEAVING)}`;
    problems.error("leaving-unknown", onValue(field), message);
  }
  return leaving ?? "wait";
}
