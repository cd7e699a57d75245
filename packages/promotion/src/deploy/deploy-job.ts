import { defined, type Failed, failed } from "@stackyard/core";
import type { HoldConfig } from "../hold.ts";
import { listKeyFaults } from "./check-deploy-config.ts";
import { type DeployConfig, toMs } from "./definition.ts";
import type { Value } from "./deploy-row.ts";

/** One wave of a config, with its pause in milliseconds. */
export interface WaveJob {
  readonly name: string;
  readonly where?: string;
  /** The share of all stacks, in percent. */
  readonly share?: string;
  /** The fewest stacks. Default: 1 with `where`, else 0. */
  readonly min?: number;
  readonly pauseMs: number;
}

/** The config of `op: send`, with all defaults. */
export interface SendJob {
  readonly op: "send";
  readonly stacks: NonNullable<DeployConfig["stacks"]>;
  readonly create?: string;
  readonly event: string;
  readonly metadata: Readonly<Record<string, Value>>;
  readonly until: readonly string[];
  readonly failed: readonly string[];
  readonly again: boolean;
  /** The digest of the plan that it follows, or undefined if it follows none. Empty: the plan was not made yet. */
  readonly plan?: string;
  readonly waves: readonly WaveJob[];
  readonly holds: HoldConfig;
  readonly skipFrozen: boolean;
  readonly concurrency: number;
  readonly maxFailures: string | number;
  readonly eachMs: number;
}

/** The config of `op: plan`, with all defaults. */
export interface PlanJob {
  readonly op: "plan";
  readonly of: readonly string[];
  readonly show: readonly string[];
  readonly eachMs: number;
}

/** The config of `op: undo`, with all defaults. */
export interface UndoJob {
  readonly op: "undo";
  readonly of: string;
  readonly event?: string;
  readonly until?: readonly string[];
  readonly failed?: readonly string[];
  /** Default: that of the task. */
  readonly concurrency?: number;
  readonly eachMs: number;
}

const HOUR_MS = 3_600_000;
/** Stacks that are on their way at the same time, by default. */
export const CONCURRENCY = 10;

/** Returns what a config that fits the schema wants, or `CONFIG_INVALID`. */
export function toJob(config: DeployConfig): SendJob | PlanJob | UndoJob | Failed {
  const { op = "send" } = config;
  const faults = listKeyFaults(op, config).map(({ message }) => message);
  const job = faults.length > 0 ? undefined : toJobOf(op, config);
  return job ?? failed({ code: "CONFIG_INVALID", message: faults.join(" "), retryable: false });
}

function toJobOf(op: "send" | "plan" | "undo", config: DeployConfig): SendJob | PlanJob | UndoJob | undefined {
  if (op === "send") return toSendJob(config);
  const { of, show = [], event, until, failed: failedStates, concurrency } = config;
  const eachMs = toMs(config.each, HOUR_MS);
  if (op === "plan") return Array.isArray(of) ? { op, of, show, eachMs } : undefined;
  if (typeof of !== "string") return undefined;
  return { op, of, eachMs, ...defined({ event, until, failed: failedStates, concurrency }) };
}

function toSendJob(config: DeployConfig): SendJob | undefined {
  const { stacks, event, metadata, until, create, window, alarms, waves = [{ name: "all" }] } = config;
  if (stacks === undefined || event === undefined || metadata === undefined || until === undefined) return undefined;
  return {
    op: "send",
    stacks,
    event,
    metadata,
    until,
    failed: config.failed ?? [],
    again: config.again ?? false,
    waves: waves.map(({ pause, ...wave }) => ({ ...wave, pauseMs: toMs(pause, 0) })),
    holds: defined({ window, alarms }),
    skipFrozen: config.skipFrozen ?? false,
    concurrency: config.concurrency ?? CONCURRENCY,
    maxFailures: config.maxFailures ?? 0,
    eachMs: toMs(config.each, HOUR_MS),
    ...defined({ create, plan: config.plan === null ? "" : config.plan }),
  };
}
