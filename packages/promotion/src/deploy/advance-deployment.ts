import { defined } from "@stackyard/core";
import { type Action, decideRollout, listItems, type Stop, updateItems } from "@stackyard/core/rollout";
import type { Call, Course, Seen } from "./call.ts";
import { withChanges, withStop } from "./change-deployment.ts";
import { end } from "./decide-row.ts";
import type { DeployDeps, Deployment } from "./deploy-deps.ts";
import { type DeployRow, toRow } from "./deploy-row.ts";
import { look, observeAlarms, observeBeforeFirst } from "./look.ts";
import { observeSent } from "./observe-stacks.ts";
import { sendEvents, sendRows } from "./send-rows.ts";

/** A deployment after one call. */
export interface Advanced {
  readonly deployment: Deployment;
  readonly isOver: boolean;
  readonly hasChanged: boolean;
  readonly hasObservedWaiting: boolean;
  /** The next known instant at which something may be sent. */
  readonly until?: number;
  /** Why it is not over, although nothing is on its way: what must be known cannot be read. */
  readonly unknown?: string;
}

/** Looks at what is on its way, sends what may be sent, and writes both down. Without a change it writes nothing. */
export async function advanceDeployment(deps: DeployDeps, given: Deployment, call: Call): Promise<Advanced> {
  const { undecided, ...begun } = await begin(deps, given, call);
  if (call.isCancelled) return cancel(deps, begun, undecided);
  if (call.repeats && undecided.length > 0) await sendEvents(deps, undecided, call);
  return advance(deps, await observeAlarms(begun, call), call);
}

/** Looks, decides and sends until nothing more may be sent now. */
async function advance(deps: DeployDeps, begun: Course, call: Call): Promise<Advanced> {
  for (let course = begun; ; ) {
    const { action, ...seen } = await decide(deps, await look(deps, course, call), call);
    if (action.kind === "send") {
      course = await sendRows(deps, { ...seen, ready: seen.ready.slice(0, action.most) }, call);
    } else if (action.kind === "drop") {
      course = { ...seen, deployment: await drop(deps, seen.deployment, action.stop), hasChanged: true };
    } else {
      if (seen.hasChanged) await deps.rows.save(seen.deployment);
      return toAdvanced(seen, action, begun.observesWaiting || seen.observesWaiting);
    }
  }
}

/** Observes what is on its way. */
async function begin(
  deps: DeployDeps,
  given: Deployment,
  { aims, observesWaiting }: Call,
): Promise<Course & { readonly undecided: readonly DeployRow[] }> {
  const sent = listItems(given).filter(({ state }) => state === "sent");
  const { changes, undecided } = await observeSent(deps, sent, aims);
  const hasChanged = changes.size > 0;
  const deployment = withChanges(given, changes);
  return { deployment, hasChanged, observesWaiting: observesWaiting || hasChanged, undecided };
}

/** Decides what is next; what has arrived is observed before the first event of a wave. */
async function decide(deps: DeployDeps, seen: Seen, call: Call): Promise<Seen & { readonly action: Action }> {
  const action = decideAction(seen, call);
  if (action.kind !== "send") return { ...seen, action };
  const checked = await observeBeforeFirst(deps, seen, call);
  return { ...checked, action: checked === seen ? action : decideAction(checked, call) };
}

/** Stacks that wait may be held back, each for its own reason. */
function decideAction({ deployment, ready }: Seen, { limits, aims }: Call): Action {
  const action = decideRollout(deployment.state, limits, aims.now);
  return action.kind === "send" && ready.length === 0 ? { kind: "wait" } : action;
}

const CANCELLED: Stop = { code: "DEPLOY_CANCELLED", message: "The deployment was cancelled.", retryable: false };

async function cancel(
  deps: DeployDeps,
  { deployment, hasChanged }: Course,
  undecided: readonly DeployRow[],
): Promise<Advanced> {
  const dropped = await drop(deps, deployment, CANCELLED);
  await deps.rows.save(dropped);
  return { deployment: dropped, isOver: undecided.length === 0, hasChanged, hasObservedWaiting: false };
}

/** Sends nothing more: rows that wait are never sent to. */
async function drop(deps: DeployDeps, deployment: Deployment, stop: Stop): Promise<Deployment> {
  const whole = withStop(await deps.rows.loadAll(deployment), stop);
  const at = { now: deps.ctx.clock.now() };
  return updateItems(whole, toRow, (row) => {
    return row.state === "waiting" ? end(row, at, { ...row, state: "unsent" }) : row;
  });
}

function toAdvanced(
  { deployment, hasChanged, until, unknown }: Course,
  action: Action,
  hasObservedWaiting: boolean,
): Advanced {
  const opensAt = action.kind === "wait" ? action.until : undefined;
  const isOver = action.kind === "settle" && unknown === undefined;
  return { deployment, isOver, hasChanged, hasObservedWaiting, ...defined({ until: opensAt ?? until, unknown }) };
}
