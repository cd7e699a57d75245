import {
  defined,
  defineExecutor,
  type Executor,
  type ExecutorContext,
  failed,
  running,
  type Stack,
  succeeded,
  toShellCommand,
} from "@stackyard/core";
import { requireYard, type YardService } from "@stackyard/core/engine";
import { parseAttemptId } from "@stackyard/core/machine";
import { type DeployState, findAlarmsSince } from "../deploy/deploy-row.ts";
import { findSender } from "../deploy/find-sender.ts";
import { findDeployState } from "../deploy/rows.ts";
import { type Closed, type Condition, examineOrClose, LONGEST_SLEEP_MS } from "./condition.ts";
import type { TurnWaiter } from "./decide-turn.ts";
import { type GateConfig, type GateProgress, type GateStep, gateDefinition, type SoakTime } from "./definition.ts";
import { examineAlarms } from "./examine-alarms.ts";
import { examineArtifacts } from "./examine-artifacts.ts";
import { createSoakWatch, type SoakWatch } from "./examine-soak.ts";
import { leaveTurn, takeTurn } from "./take-turn.ts";

const SHORTEST_SLEEP_MS = 1_000;

/**
 * Creates the executor `gate`: succeeds when all its conditions hold at once, and fails when one never can: with
 * SUPERSEDED, STACK_MOVED, STACK_MISSING or ALARM. A condition that cannot be read is closed. It sleeps until the next
 * known instant, at most a minute. Leaving a state writes nothing to the turn, so a release that waits for one looks again
 * after a tenth of the time that it has spent in its state.
 */
export function createGateExecutor(): Executor {
  const soaks = createSoakWatch();
  const look = async (ctx: ExecutorContext, config: GateConfig, before?: GateProgress): Promise<GateStep> => {
    const yard = requireYard(ctx);
    if ("kind" in yard) return yard;
    return toStep(ctx, await examineAll({ ...ctx, yard, soaks, before }, config), { config, before });
  };
  return defineExecutor({
    ...gateDefinition,
    start: (ctx, config) => look(ctx, config),
    poll: (ctx, config, progress) => look(ctx, config, progress),
    async cancel(ctx, { turn }) {
      const yard = requireYard(ctx);
      if (turn !== undefined && !("kind" in yard)) {
        const waiter = toWaiter(ctx, await yard.own());
        await leaveTurn(ctx, { name: turn.name, waiter });
      }
      return failed({ code: "GATE_CANCELLED", message: "The wait was cancelled.", retryable: false });
    },
  });
}

/** The conditions of a config, by their keys. */
type Conditions = readonly (readonly [key: string, condition: Condition])[];

/** A call of the gate: what it examines with. */
interface GateCall extends ExecutorContext {
  readonly yard: YardService;
  readonly soaks: SoakWatch;
  readonly before: GateProgress | undefined;
}

async function examineAll(ctx: GateCall, config: GateConfig): Promise<Conditions> {
  const others = await examineOthers(ctx, config);
  const { turn } = config;
  // With a condition that never holds the task ends: it must not take a turn first.
  if (turn === undefined || others.some(([, { kind }]) => kind === "never")) return others;
  const mayTake = others.every(([, { kind }]) => kind === "open");
  const condition = await examineOrClose(`The turn "${turn.name}"`, ctx.signal, async () => {
    const { name, states = [ctx.state] } = turn;
    if (!states.includes(ctx.state))
      throw new Error(`"turn.states" must contain ${ctx.state}, the state of this task.`);
    const own = await ctx.yard.own();
    const taken = await takeTurn(ctx, { name, machine: own.machine, waiter: toWaiter(ctx, own), states, mayTake });
    return taken.kind === "closed"
      ? { ...taken, againAfterMs: Math.ceil((ctx.clock.now() - own.enteredAt) / 10) }
      : taken;
  });
  return [["turn", condition], ...others];
}

async function examineOthers(ctx: GateCall, config: GateConfig): Promise<Conditions> {
  const { soak, alarms, artifacts, consumers } = config;
  const { signal, yard, soaks, before } = ctx;
  const deployed = await findDeployed(ctx, yard, soak?.of);
  const found: [string, Condition][] = [];
  const examine = async (key: string, name: string, call: () => Promise<Condition>) => {
    found.push([key, await examineOrClose(name, signal, call)]);
  };
  if (soak !== undefined) {
    await examine("soak", "The soak", async () => {
      if (deployed instanceof Error) throw deployed;
      return soaks.examine(ctx, ctx.attempt.id, {
        ...soak,
        deployed,
        before: before?.soak ?? (await findDispatch(ctx)),
      });
    });
  }
  if (alarms !== undefined) {
    await examine("alarms", "An alarm", async () => {
      // Without the rows it is not known since when an alarm is final.
      if (deployed instanceof Error) throw deployed;
      return examineAlarms(ctx, { alarms, since: deployed && findAlarmsSince(deployed) });
    });
  }
  if (artifacts !== undefined) {
    await examine("artifacts", "The artifacts", () => examineArtifacts(ctx, { artifacts, consumers }));
  }
  return found;
}

/** Returns the time of a soak at which no worker has looked yet: since the gate was dispatched. */
async function findDispatch({ attempt, yard }: GateCall): Promise<SoakTime | undefined> {
  const { runs } = await yard.own();
  const at = runs.find(({ attemptId }) => attemptId === attempt.id)?.dispatchedAt;
  return at === undefined ? undefined : { since: at, lookedAt: at, unwatchedMs: 0 };
}

async function findDeployed(
  ctx: ExecutorContext,
  yard: YardService,
  of: string | undefined,
): Promise<DeployState | Error | undefined> {
  if (of === undefined) return undefined;
  try {
    const release = await yard.own();
    const owner = { stackId: release.id, incarnation: release.incarnation, task: of };
    const found = await findDeployState({ ...ctx, owner });
    if (found !== undefined) return found;
    const sender = await findSender({ ctx, yard, release, owner }, of);
    return "kind" in sender ? undefined : await findDeployState({ ...ctx, owner: { ...owner, task: sender.task } });
  } catch (error) {
    if (ctx.signal.aborted) throw error;
    return error instanceof Error ? error : new Error(String(error));
  }
}

function toWaiter({ attempt, task }: ExecutorContext, own: Stack): TurnWaiter {
  const { id: stack, incarnation, createdAt, entry, enteredAt, runs } = own;
  // A retry by hand asks again in the same entry.
  const since = runs.find(({ attemptId }) => attemptId === attempt.id)?.dispatchedAt ?? enteredAt;
  // The stack may have moved since this attempt began.
  return { stack, incarnation, createdAt, entry: parseAttemptId(attempt.id)?.entry ?? entry, task, since };
}

interface Looked {
  readonly config: GateConfig;
  readonly before: GateProgress | undefined;
}

function toStep(ctx: ExecutorContext, conditions: Conditions, { config, before }: Looked): GateStep {
  for (const [, condition] of conditions) {
    if (condition.kind !== "never") continue;
    const { code, message } = condition;
    return failed({ code, message, retryable: false });
  }
  const waits = conditions.flatMap(([key, each]) => (each.kind === "closed" ? [[key, each] as const] : []));
  if (waits.length === 0) {
    const observed = formatOpen(config);
    ctx.report(`The gate is open: ${observed}`);
    return succeeded({ observed });
  }
  // A look that could not read the soak does not count.
  const soak = waits.find(([key]) => key === "soak")?.[1].soak ?? before?.soak;
  const shown = waits.map(([condition, closed]) => toShown(condition, closed));
  const message = formatClosed(
    ctx,
    waits.map(([, closed]) => closed),
  );
  if (JSON.stringify(shown) !== JSON.stringify(before?.closed)) ctx.report(message);
  return running({
    progress: { closed: shown, ...defined({ soak }) },
    pollAfterMs: toSleep(
      ctx.clock.now(),
      waits.map(([, closed]) => closed),
    ),
    message,
    ...defined({ opensAt: findOpening(shown), heldBy: waits[0]?.[1].code }),
  });
}

/** All conditions must hold at once, so the last of the known instants counts. */
function findOpening(closed: GateProgress["closed"]): number | undefined {
  const known = closed.flatMap(({ until }) => until ?? []);
  return known.length === 0 ? undefined : Math.max(...known);
}

/** A gate opens only when all its conditions hold at once. */
function formatOpen({ turn, soak, alarms, artifacts }: GateConfig): string {
  return [
    ...(turn === undefined ? [] : ["no newer release"]),
    ...(soak === undefined ? [] : [soak.for]),
    ...(alarms === undefined ? [] : ["alarms OK"]),
    ...(artifacts === undefined ? [] : ["artifacts arrived"]),
  ].join(", ");
}

function toShown(condition: string, { code, message, until }: Closed): GateProgress["closed"][number] {
  return { condition, code, message, ...(until === undefined ? {} : { until: Math.ceil(until) }) };
}

function formatClosed({ stackId, task }: ExecutorContext, closed: readonly Closed[]): string {
  const way = toShellCommand`stackyard stacks settle ${stackId} ${task} --reason …`;
  return `${closed.map(({ message }) => message).join(" ")} To bypass it: ${way}`;
}

/** All must be open at once, so there is nothing to see before the last of the known instants. */
function toSleep(now: number, closed: readonly Closed[]): number {
  const waits = closed.map(({ until, againAfterMs = LONGEST_SLEEP_MS }) => {
    return until === undefined ? againAfterMs : until - now;
  });
  return Math.min(LONGEST_SLEEP_MS, Math.max(SHORTEST_SLEEP_MS, ...waits));
}
