import { findInstant } from "../expression/cel-functions.ts";
import type { AfterTimer } from "../machine.ts";
import type { Stack, StackTimer } from "../stack.ts";
import type { Rejected } from "./decision.ts";
import { NO_SECRETS, toScope } from "./to-scope.ts";
import { instantTimerId, isInstantTimer, toInstant, toScopeInput, type Work } from "./work.ts";

type AtTimer = Extract<AfterTimer, { kind: "at" }>;

/**
 * Arms the timers of the present entry whose instants are expressions, when a state was entered or the metadata has
 * changed. Returns why the event is refused, when an instant cannot be determined. A timer or a result is not refused:
 * the timer stays off then, with a note.
 */
export function armInstants(work: Work, before: Stack): Rejected | undefined {
  const { machine, event, stack } = work;
  const after = machine.states.get(stack.state)?.after ?? [];
  const isEntered = stack.entry !== before.entry || before.incarnation === event.id;
  if (!isEntered && stack.metadata === before.metadata) return undefined;
  const faults: string[] = [];
  const armed = after.flatMap((timer, index): readonly StackTimer[] => {
    if (timer.kind !== "at") return [];
    const found = evaluateInstant(work, timer);
    if (found.kind === "instant") return armInstant(stack, { index, event: timer.event, instant: found.at });
    faults.push(`When "${timer.event}" is due could not be determined: ${found.reason}`);
    return [];
  });
  const [reason] = faults;
  const isSent = !work.automatic && machine.events.has(event.name);
  if (reason !== undefined && isSent) return { kind: "rejected", code: "EXPRESSION_FAILED", reason };
  work.notes.push(...faults);
  work.stack = { ...stack, timers: [...stack.timers.filter((timer) => !isInstantTimer(timer)), ...armed] };
  return undefined;
}

type Found =
  /** Null: the timer is off. */
  { readonly kind: "instant"; readonly at: number | null } | { readonly kind: "fault"; readonly reason: string };

function evaluateInstant(work: Work, { at }: AtTimer): Found {
  const result = at.resolve(toScope(toScopeInput(work)), NO_SECRETS);
  if (result.kind === "error") return { kind: "fault", reason: result.reason };
  if (result.value === null) return { kind: "instant", at: null };
  const instant = typeof result.value === "string" ? findInstant(result.value) : undefined;
  if (instant !== undefined) return { kind: "instant", at: instant };
  const shown = JSON.stringify(result.value).slice(0, 100);
  return { kind: "fault", reason: `${shown} is not an instant such as 2030-01-31T09:00:00Z.` };
}

interface Armed {
  readonly index: number;
  readonly event: string;
  /** Null: the timer is off. */
  readonly instant: number | null;
}

/**
 * Returns the armed timer. An instant that has passed when the state is entered is due with the entry. One that has
 * fired is not armed again.
 */
function armInstant(stack: Stack, { index, event, instant }: Armed): readonly StackTimer[] {
  if (instant === null) return [];
  const { timers, firedInstants = {}, enteredAt, entry } = stack;
  const id = instantTimerId(entry, index);
  const dueAt = Math.max(toInstant(instant), enteredAt);
  if (Object.hasOwn(firedInstants, id) && firedInstants[id]?.instant === dueAt) return [];
  const present = timers.find((timer) => timer.id === id);
  return [present?.instant === dueAt ? present : { id, event, dueAt, instant: dueAt }];
}
