import { cutText } from "../cut-text.ts";
import { findInstant } from "../expression/cel-functions.ts";
import type { AfterTimer, State } from "../machine.ts";
import type { Stack, StackTimer } from "../stack.ts";
import type { Rejected } from "./decision.ts";
import { afterTimerId } from "./timer-ids.ts";
import { hasFired, isInstantTimer, toInstant } from "./timers.ts";
import { NO_SECRETS, toScope } from "./to-scope.ts";
import { toScopeInput, type Work } from "./work.ts";

type AtTimer = Extract<AfterTimer, { kind: "at" }>;

/**
 * Arms the timers of the present entry whose instants are expressions, when a state was entered, the metadata has
 * changed, or the stack has moved to another revision. Returns why the event is refused, when an instant cannot be determined. A timer or a result is not refused:
 * the timer is given up then, until the metadata changes.
 */
export function armInstants(work: Work, before: Stack): Rejected | undefined {
  const { machine, event, stack } = work;
  const state = machine.states.get(stack.state);
  const isEntered = stack.entry !== before.entry || before.incarnation === event.id;
  const isSame = stack.metadata === before.metadata && stack.machineHash === before.machineHash;
  if (!isEntered && isSame) return undefined;
  const faults: string[] = [];
  const armed = (state?.after ?? []).flatMap((timer): readonly StackTimer[] => {
    const id = afterTimerId(stack.entry, timer);
    if (timer.kind !== "at") return stack.timers.filter((each) => each.id === id);
    const found = evaluateInstant(work, timer);
    if (found.kind === "instant") return armInstant(stack, state, { id, event: timer.event, instant: found.at });
    const reason = `When "${timer.event}" is due could not be determined: ${found.reason}`;
    faults.push(reason);
    const { at } = work.event;
    const refused = { at, code: "EXPRESSION_FAILED", reason, givenUpAt: at };
    return [{ id, event: timer.event, dueAt: at, instant: at, refused }];
  });
  const [reason] = faults;
  const isSent = !work.automatic && machine.events.has(event.name);
  if (reason !== undefined && isSent) return { kind: "rejected", code: "EXPRESSION_FAILED", reason };
  work.notes.push(...faults);
  const ids = new Set(armed.map(({ id }) => id));
  const others = stack.timers.filter((timer) => !ids.has(timer.id) && !isInstantTimer(timer));
  // In the order of the declaration, in which timers of one instant fire.
  work.stack = { ...stack, timers: [...others, ...armed] };
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
  const shown = cutText(JSON.stringify(result.value), 100);
  return { kind: "fault", reason: `${shown} is not an instant such as 2030-01-31T09:00:00Z.` };
}

interface Armed {
  readonly id: string;
  readonly event: string;
  /** Null: the timer is off. */
  readonly instant: number | null;
}

/**
 * Returns the armed timer. An instant that has passed when the state is entered is due with the entry. One that has
 * fired is not armed again.
 */
function armInstant(stack: Stack, state: State | undefined, { id, event, instant }: Armed): readonly StackTimer[] {
  if (instant === null) return [];
  const dueAt = Math.max(toInstant(instant), stack.enteredAt);
  if (hasFired(stack, state, { id, event, instant: dueAt })) return [];
  const present = stack.timers.find((timer) => timer.id === id);
  return [present?.instant === dueAt ? present : { id, event, dueAt, instant: dueAt }];
}
