import type { Rejected } from "../machine/decide/decision.ts";
import { isParked, OPERATORS_EVENTS } from "../machine/decide/parked-code.ts";
import { type StackEvent, toEventKey } from "../machine/message/event.ts";
import type { Ids } from "../ports/clock.ts";
import type { Outcome, QueuedEvent } from "../ports/stack-store.ts";
import type { MaskedKeys } from "./masked-keys.ts";
import { type ParkingOptions, parkAgain } from "./parking.ts";
import { park, type Round } from "./round.ts";

/** What a refusal works with. */
export interface RefuseDeps {
  readonly ids: Ids;
  readonly parking: ParkingOptions;
  readonly refusedEvents: "park" | "redeliver" | "drop";
}

/** A refused event. */
export interface Refusal {
  readonly event: StackEvent;
  readonly queued: QueuedEvent;
  readonly decision: Rejected;
  /** Keys of its metadata that must not be shown. */
  readonly masked?: MaskedKeys | undefined;
}

/** What becomes of a refused event. `redeliver`: the transport delivers it again. `parked-again`: it was parked before. */
export type RefusalOutcome = Outcome | "redeliver" | "parked-again";

/** Parks, sets aside or only records, as the code and the options say. */
export function refuse(deps: RefuseDeps, round: Round, refusal: Refusal): RefusalOutcome {
  const { event, queued, decision } = refusal;
  if (isParked(event, decision.code)) return parkOrGiveUp(deps, round, refusal);
  if (ANSWERED.has(decision.code) || event.origin === "timer" || OPERATORS_EVENTS.has(event.name)) return "refused";
  if (isRedelivered(deps, round, queued)) return "redeliver";
  setAside(deps, round, queued, { ...decision, masked: refusal.masked });
  return "set-aside";
}

const ANSWERED: ReadonlySet<string> = new Set([
  "TASK_NOT_CURRENT",
  "TASK_NOT_RUNNING",
  "UPGRADE_STATE_MISSING",
  "UPGRADE_TASK_UNKNOWN",
]);

/** Parks an event, for the first time or again; gives it up when it was tried long enough. */
export function parkOrGiveUp(
  deps: RefuseDeps,
  round: Round,
  {
    queued,
    decision,
    masked,
  }: Pick<Refusal, "queued" | "masked"> & { readonly decision: { readonly code: string; readonly reason: string } },
): RefusalOutcome {
  const before = round.parked.get(toEventKey(queued));
  if (isRedelivered(deps, round, queued)) return "redeliver";
  // What workers and deadlines bring comes once only: without it the stack would wait for ever.
  if (before === undefined && deps.refusedEvents === "drop" && queued.origin === "external") return "refused";
  const input = { event: queued, before, code: decision.code, reason: decision.reason, now: round.now, masked };
  const { kind, parked } = parkAgain(input, deps.parking);
  if (kind === "give-up" || (before === undefined && round.parked.size >= deps.parking.maxParked)) {
    setAside(deps, round, queued, { ...decision, masked });
    return "set-aside";
  }
  park(round, parked);
  return before === undefined ? "parked" : "parked-again";
}

/** Only what a transport delivers can be delivered again; what is parked already stays with the engine. */
export function isRedelivered(
  { refusedEvents }: Pick<RefuseDeps, "refusedEvents">,
  round: Round,
  queued: QueuedEvent,
): boolean {
  return refusedEvents === "redeliver" && queued.origin === "external" && !round.parked.has(toEventKey(queued));
}

/** Gives an event up for good; its reason stays with it until somebody sends it again. */
export function setAside(
  { ids }: Pick<RefuseDeps, "ids">,
  round: Round,
  event: QueuedEvent,
  {
    code,
    reason,
    masked,
  }: { readonly code: string; readonly reason: string; readonly masked?: MaskedKeys | undefined },
): void {
  const entry = { id: ids.next(), event, code, reason, setAsideAt: round.now };
  round.setAside.push(masked === undefined ? entry : { ...entry, masked });
}
