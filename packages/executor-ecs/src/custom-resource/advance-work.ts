import { randomUUID } from "node:crypto";
import { CloudWatchLogsClient } from "@aws-sdk/client-cloudwatch-logs";
import { ECSClient } from "@aws-sdk/client-ecs";
import { SFNClient, StartExecutionCommand } from "@aws-sdk/client-sfn";
import { type Invocation, sendResponse } from "@stackyard/aws/custom-resource";
import { isStackyardError, silentLogger } from "@stackyard/core";
import { createDefinitionCache, type DefinitionCache } from "../task-order.ts";
import { findCluster } from "./decide-request.ts";
import { parseProperties } from "./parse-properties.ts";
import { decideWork, startWork } from "./start-work.ts";
import { awaitHealth, endWork, stopWork, watchWork } from "./stop-work.ts";
import { type EcsTaskDeps, isAwsError, meetTrouble, type Turn, type TurnContext, toTrouble } from "./turn.ts";
import {
  type ClaimedWork,
  createTextCipher,
  createWorkStore,
  toExecutionName,
  toResourceId,
  type WorkPhase,
  type WorkStore,
} from "./work-store.ts";

/** The result for the state machine: whether there is a response, otherwise when to call again. */
interface StepAnswer {
  readonly done: boolean;
  /** At least 1. */
  readonly waitSeconds: number;
}

const LOOK_AGAIN: StepAnswer = { done: false, waitSeconds: 5 };
const DONE: StepAnswer = { done: true, waitSeconds: 1 };

/**
 * Continues a request as far as possible without waiting. Safe to call at any time, any number of times: skips requests
 * that another invocation works on.
 */
export async function advanceWork(
  app: EcsTaskApp,
  requestId: string,
  { invocation, sends }: { readonly invocation: Invocation; readonly sends: boolean },
): Promise<StepAnswer> {
  const store = await app.store();
  const result = await store.claim(requestId, app.newOwner(), invocation.ttlMs);
  if (result.kind === "none") return DONE;
  if (result.kind === "held") return LOOK_AGAIN;
  const { claimed } = result;
  try {
    const end = await takeTurns(createTurnContext(app, claimed, invocation.signal));
    if (end.kind === "wait") return { done: false, waitSeconds: Math.max(1, Math.ceil(end.afterMs / 1_000)) };
    if (sends && claimed.work.phase !== "done") await sendAnswer(app.deps, claimed);
    return DONE;
  } catch (error) {
    if (isStackyardError(error, "RECORD_CONFLICT")) return LOOK_AGAIN;
    throw error;
  } finally {
    await release(claimed);
  }
}

/** Ignores a conflict: another invocation has claimed the work, and a claim that cannot be released expires. */
export async function release(claimed: ClaimedWork): Promise<void> {
  await claimed.release().catch(() => undefined);
}

/** The result of some turns: the response is ready, or the work continues after a delay. */
type TurnsEnd = { readonly kind: "answer" } | { readonly kind: "wait"; readonly afterMs: number };

/** The work of a phase. */
interface PhaseWork {
  readonly work: (context: TurnContext) => Promise<Turn>;
  /** The purpose of its AWS calls, for errors. */
  readonly what: string;
}

const TURNS: Readonly<Record<Exclude<WorkPhase, "answer" | "done">, PhaseWork>> = {
  decide: { work: decideWork, what: "A look at what is to run" },
  health: { work: awaitHealth, what: "A look at the target group" },
  start: { work: startWork, what: "The start of the tasks" },
  wait: { work: watchWork, what: "A look at the tasks" },
  end: { work: endWork, what: "The stop of the tasks" },
  stop: { work: stopWork, what: "The stop of the tasks" },
};

/**
 * Continues the work as far as possible without waiting. Each turn stores its result, so that the next invocation
 * continues there. Handles errors of AWS; throws others.
 */
export async function takeTurns(context: TurnContext): Promise<TurnsEnd> {
  for (;;) {
    const { phase } = context.work;
    if (phase === "answer" || phase === "done") return { kind: "answer" };
    context.signal.throwIfAborted();
    const turn = await takeTurn(context, TURNS[phase]);
    await context.save({ troubledSince: undefined, ...turn.changes });
    if (turn.kind === "wait") return { kind: "wait", afterMs: turn.afterMs };
  }
}

async function takeTurn(context: TurnContext, { work, what }: PhaseWork): Promise<Turn> {
  try {
    return await work(context);
  } catch (error) {
    if (!isAwsError(error) || context.signal.aborted) throw error;
    return meetTrouble(context, toTrouble(context, error, what));
  }
}

/** Creates the context of turns of claimed work. */
export function createTurnContext(
  { deps, definitions }: EcsTaskApp,
  claimed: ClaimedWork,
  signal: AbortSignal,
): TurnContext {
  const { request } = claimed.work;
  const { logger = silentLogger, clock } = deps;
  const parsed = parseProperties(request.ResourceProperties);
  const cluster = findCluster(request.ResourceProperties) ?? "";
  const region = findRegion(cluster);
  return {
    get work() {
      return claimed.work;
    },
    id: toResourceId(request),
    config: parsed.kind === "config" ? parsed.config : undefined,
    cluster,
    definitions,
    deps,
    logger,
    signal,
    ecs: { ecs: deps.aws(ECSClient, region), clock, signal },
    logs: { logs: deps.aws(CloudWatchLogsClient, region), signal },
    save: (changes) => claimed.save(changes),
    async handOver() {
      if (claimed.work.handedOver) return;
      await startExecution(deps, request.RequestId, signal);
      await claimed.save({ handedOver: true });
    },
  };
}

/**
 * Starts the execution of a request. The same name and input are the same execution; an ended one has done its work.
 */
export async function startExecution(deps: EcsTaskDeps, requestId: string, abortSignal: AbortSignal): Promise<void> {
  const { stateMachineArn } = deps;
  const input = JSON.stringify({ requestId });
  const command = new StartExecutionCommand({ stateMachineArn, name: toExecutionName(requestId), input });
  try {
    await deps.aws(SFNClient).send(command, { abortSignal });
  } catch (error) {
    if (!(error instanceof Error && error.name === "ExecutionAlreadyExists")) throw error;
  }
}

/** Returns the region in a cluster's ARN; undefined for a name, which is in the function's own region. */
function findRegion(cluster: string): string | undefined {
  return /^arn:[a-z-]+:ecs:([a-z0-9-]+):\d{12}:cluster\//.exec(cluster)?.[1];
}

/** Sends the stored response. A retry after a crash sends the same one, and CloudFormation uses the first. */
export async function sendAnswer(deps: EcsTaskDeps, claimed: ClaimedWork): Promise<void> {
  const { response, request } = claimed.work;
  if (response === undefined) throw new Error("The work has no response to send.");
  const { logger = silentLogger } = deps;
  await sendResponse({ ...deps, logger }, request.ResponseURL, response);
  logger.info("CloudFormation has received the response.", {
    requestId: request.RequestId,
    status: response.Status,
    reason: response.Reason,
  });
  await claimed.save({ phase: "done" });
}

/** What all invocations of one process share. */
export interface EcsTaskApp {
  readonly deps: EcsTaskDeps;
  readonly definitions: DefinitionCache;
  /** Opens the store with the first request; retried while that fails. */
  store(): Promise<WorkStore>;
  /** Returns a name for one invocation. */
  newOwner(): string;
}

/** Creates the app; calls nothing yet. */
export function createEcsTaskApp(deps: EcsTaskDeps): EcsTaskApp {
  let opened: Promise<WorkStore> | undefined;
  const open = async () => createWorkStore({ ...deps, cipher: createTextCipher(await deps.secret()) });
  return {
    deps,
    definitions: createDefinitionCache(),
    newOwner: randomUUID,
    store() {
      opened ??= open().catch((error: unknown) => {
        opened = undefined;
        throw error;
      });
      return opened;
    },
  };
}
