import { defined, mapLimited, StackyardError, type Store } from "@stackyard/core";
import { decideEvent, type EventDecision, scopesOf } from "@stackyard/core/access";
import type { Planner } from "@stackyard/core/engine";
import { mayAnswer, type StackEvent } from "@stackyard/core/machine";
import type { Caller } from "./caller.ts";
import { mayPublishAll } from "./guard.ts";
import { checkDenied, loadReadable } from "./reach.ts";

/** An event of a request that was parsed; undefined for a message that is not an event. */
type PublishedEvent = Pick<StackEvent, "name" | "stackId" | "machine" | "at" | "task" | "dispatchId"> | undefined;

/**
 * Throws `FORBIDDEN` with the places of events that the caller may not send; one rejects all. An event needs the
 * permission of its operation on its stack, or on the machine that it names if the stack does not exist. A message that
 * is not an event needs `send` somewhere. The task of a result may name its senders. Callers who may send everything are not worth a look at the store: the engine
 * refuses what they send to stacks of internal machines.
 */
export async function checkPublished(
  { store, planner }: { readonly store: Pick<Store, "load">; readonly planner: Pick<Planner, "findRevision"> },
  { rights, sender }: Pick<Caller, "rights" | "sender">,
  events: readonly PublishedEvent[],
): Promise<void> {
  const stackIds = [...new Set(events.flatMap((event) => (event === undefined ? [] : [event.stackId])))];
  const loaded = await loadReadable(store, mayPublishAll({ rights }) ? [] : stackIds);
  const decisions = await mapLimited(events, 10, async (event) => {
    if (event === undefined) return undefined;
    const stack = loaded.get(event.stackId)?.stack;
    const machine = stack?.machine ?? event.machine;
    const { channel } = sender;
    const decision = decideEvent({ ...event, machine, channel }, rights);
    if (stack === undefined || decision.kind !== "denied" || decision.permission !== "results") return decision;
    const revision = await planner.findRevision(stack.machineHash);
    const isNamed = revision !== undefined && mayAnswer(revision, stack, event, sender);
    return isNamed ? decideEvent({ ...event, machine, channel, isNamed }, rights) : decision;
  });
  const mayNowhere = scopesOf(rights, "send").length === 0;
  checkDenied(
    decisions.flatMap((decision, index) => {
      if (decision?.kind === "denied") {
        const { permission, delegate } = decision;
        return [{ index, permission, ...defined({ delegate }) }];
      }
      return decision === undefined && mayNowhere ? [{ index, permission: "send" }] : [];
    }),
  );
  checkRefused(decisions);
}

/** Throws `FORBIDDEN` that names the events of internal machines, which no caller may send, and those that no caller may send over its channel. */
function checkRefused(decisions: readonly (EventDecision | undefined)[]): void {
  const found = decisions.flatMap((decision, index) => {
    return decision?.kind === "internal" || decision?.kind === "closed" ? [{ index, decision }] : [];
  });
  const [first] = found;
  if (first === undefined) return;
  throw new StackyardError("FORBIDDEN", `${first.decision.reason} Nothing was done.`, {
    details: { denied: found.map(({ index }) => index) },
  });
}
