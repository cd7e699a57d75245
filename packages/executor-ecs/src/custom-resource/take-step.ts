import { CloudWatchLogsClient } from "@aws-sdk/client-cloudwatch-logs";
import { ECSClient } from "@aws-sdk/client-ecs";
import { silentLogger } from "@stackyard/core";
import { createDefinitionCache, type DefinitionCache } from "../task-order.ts";
import { findCluster } from "./decide-request.ts";
import { decideWork } from "./decide-work.ts";
import { endWork } from "./end-work.ts";
import { toResourceId } from "./identity.ts";
import { parseProperties } from "./parse-properties.ts";
import { type TaskWork, toProgress, type WorkPhase, type WorkProgress } from "./progress.ts";
import { awaitHealth, recordStart, startWork } from "./start-work.ts";
import { stopWork } from "./stop-work.ts";
import { createTextCipher, type TextCipher } from "./text-cipher.ts";
import { isAwsError, isPassing, meetTrouble, toTrouble } from "./trouble.ts";
import type { EcsTaskDeps, Turn, TurnContext } from "./turn.ts";
import { watchWork } from "./watch-work.ts";

/** The work of a phase. */
interface PhaseWork {
  readonly work: (context: TurnContext) => Promise<Turn>;
  /** The purpose of its AWS calls, for errors. */
  readonly what: string;
}

/**
 * The phases. A Create and an Update begin with `decide`, and go down to `wait`; a failure leads to `end` from each of them,
 * once tasks may run. A Delete is `stop`. Each may be the last one: its turn then has the response.
 */
const PHASES: Readonly<Record<WorkPhase, PhaseWork>> = {
  decide: { work: decideWork, what: "A look at what is to run" },
  health: { work: awaitHealth, what: "A look at the target group" },
  start: { work: startWork, what: "The start of the tasks" },
  record: { work: recordStart, what: "The record of the run" },
  wait: { work: watchWork, what: "A look at the tasks" },
  end: { work: endWork, what: "The stop of the tasks" },
  stop: { work: stopWork, what: "The stop of the tasks" },
};

/** What the state machine gets from a step: the progress, which it stores, and what follows. */
export interface StepResult {
  readonly progress: WorkProgress;
  readonly next: "step" | "wait" | "answer";
  /** At least 1. */
  readonly waitSeconds: number;
}

/**
 * Takes one step of a request. Whatever it must not forget, it returns before it acts on it: a step that is repeated
 * after a crash gets the same progress. Handles errors of AWS and of the records; throws others.
 */
export async function takeStep(context: TurnContext): Promise<StepResult> {
  const before = toProgress(context.work);
  if (before.response !== undefined) return { progress: before, next: "answer", waitSeconds: 1 };
  context.signal.throwIfAborted();
  const turn = await takeTurn(context, PHASES[before.phase]);
  const progress = { ...before, troubledSince: undefined, ...turn.changes };
  if (progress.response !== undefined) return { progress, next: "answer", waitSeconds: 1 };
  if (turn.kind === "next") return { progress, next: "step", waitSeconds: 1 };
  return { progress, next: "wait", waitSeconds: Math.max(1, Math.ceil(turn.afterMs / 1_000)) };
}

async function takeTurn(context: TurnContext, { work, what }: PhaseWork): Promise<Turn> {
  try {
    return await work(context);
  } catch (error) {
    if (!(isAwsError(error) || isPassing(error)) || context.signal.aborted) throw error;
    return meetTrouble(context, toTrouble(context, error, what));
  }
}

/** Creates the context of a step. */
export function createTurnContext({ deps, definitions }: EcsTaskApp, work: TaskWork, signal: AbortSignal): TurnContext {
  const { logger = silentLogger, clock } = deps;
  const { request } = work;
  const parsed = parseProperties(request.ResourceProperties);
  const cluster = findCluster(request.ResourceProperties) ?? "";
  const region = findRegion(cluster);
  return {
    work,
    id: toResourceId(request),
    config: parsed.kind === "config" ? parsed.config : undefined,
    cluster,
    definitions,
    deps,
    logger,
    signal,
    ecs: { ecs: deps.aws(ECSClient, region), clock, signal },
    logs: { logs: deps.aws(CloudWatchLogsClient, region), signal },
  };
}

/** Returns the region in a cluster's ARN; undefined for a name, which is in the function's own region. */
function findRegion(cluster: string): string | undefined {
  return /^arn:[a-z-]+:ecs:([a-z0-9-]+):\d{12}:cluster\//.exec(cluster)?.[1];
}

/** What all invocations of one process share. */
export interface EcsTaskApp {
  readonly deps: EcsTaskDeps;
  readonly definitions: DefinitionCache;
  /** Loads the secret with the first request; retried while that fails. */
  cipher(): Promise<TextCipher>;
}

/** Creates the app; calls nothing yet. */
export function createEcsTaskApp(deps: EcsTaskDeps): EcsTaskApp {
  let loaded: Promise<TextCipher> | undefined;
  return {
    deps,
    definitions: createDefinitionCache(),
    cipher() {
      loaded ??= deps
        .secret()
        .then(createTextCipher)
        .catch((error: unknown) => {
          loaded = undefined;
          throw error;
        });
      return loaded;
    },
  };
}
