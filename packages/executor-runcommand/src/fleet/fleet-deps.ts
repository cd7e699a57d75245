import type { S3Client } from "@aws-sdk/client-s3";
import { type AwsAccess, findAwsFault, listUnanswered, redactText, toAwsError } from "@stackyard/aws";
import {
  type AwsCredentials,
  type Clock,
  isStackyardError,
  type Logger,
  type Records,
  unlessAborted,
} from "@stackyard/core";
import type { Jobs } from "@stackyard/core/jobs";

/** The configuration of instances that have just started. */
export interface BootSettings {
  /** Default: `ansible`. */
  readonly profile?: string;
  /** Default: `has_ssm_agent`. */
  readonly tagKey?: string;
  /** Default: `true`, `True`. */
  readonly tagValues?: readonly string[];
  /** The time limit of the command on the instance. Default: `10m`. */
  readonly timeout?: string;
  /** Default: `15m`. */
  readonly deliveryTimeout?: string;
  /** The longest wait for the agent. Default: `10m`. */
  readonly agentTimeout?: string;
  /** The artifact if no run has succeeded yet. Default: the newest with the profile `garlc-1`, else nothing. */
  readonly fallback?: "newest" | "none";
  /** Where the newest artifact is looked for: the pipeline's bucket, its name, and the artifact's name. */
  readonly source?: { readonly bucket: string; readonly pipeline: string; readonly artifact: string };
}

/** The settings of a fleet app. */
export interface FleetSettings {
  /** Events of others are ignored. Absent: not compared. */
  readonly account?: string;
  readonly region?: string;
  /** Artifacts are recorded for it. Default: `main`. */
  readonly environment?: string;
  /** All names of profiles. Absent: any name is accepted, and the run validates it. */
  readonly profiles?: readonly string[];
  /** The fleet's account and region, if different from the app's. */
  readonly target?: { readonly account: string; readonly region: string; readonly [name: string]: unknown };
  readonly boot?: BootSettings;
  /** The page of a run, with `{runId}` in it. */
  readonly reportUrl?: string;
  /** False: instances that start are not configured, so that none is missed. Default: true. */
  readonly watchesStarts?: boolean;
  /** Between two heartbeats of a lifecycle hook. Default: 2 minutes. */
  readonly heartbeatMs?: number;
}

/** The dependencies of a fleet app. */
export interface FleetDeps {
  readonly runs: Pick<Jobs, "start" | "find" | "report" | "reportPage">;
  /** Which events were taken, which artifacts are current, and which runs are to be looked after. */
  readonly records: Records;
  /** Clients in the fleet's account and region (EC2, Auto Scaling), and the app's own (CodePipeline, S3). */
  readonly aws: {
    readonly own: Pick<AwsAccess, "client">;
    readonly fleet: Pick<AwsAccess, "client">;
  };
  /** Opens S3 with CodePipeline's credentials for reading an artifact. */
  readonly openArtifactS3: (credentials: AwsCredentials) => S3Client | Promise<S3Client>;
  readonly clock: Clock;
  readonly logger: Logger;
  readonly settings?: FleetSettings;
  /** Takes metrics in the embedded metric format of CloudWatch, a line each. Default: they are not written. */
  readonly write?: (line: string) => void;
}

/** The same with defaults. */
export interface Fleet extends FleetDeps {
  readonly settings: FleetSettings;
  readonly environment: string;
  readonly boot: Required<Omit<BootSettings, "source">> & Pick<BootSettings, "source">;
}

/** Fills in the defaults. */
export function toFleet(deps: FleetDeps): Fleet {
  const { settings = {} } = deps;
  const { boot = {}, environment = "main" } = settings;
  const { profile = "ansible" } = boot;
  const defaults = {
    profile,
    tagKey: "has_ssm_agent",
    tagValues: ["true", "True"],
    timeout: "10m",
    deliveryTimeout: "15m",
    agentTimeout: "10m",
    fallback: profile === "garlc-1" ? ("newest" as const) : ("none" as const),
  };
  return { ...deps, settings, environment, boot: { ...defaults, ...boot } };
}

/** Why something could not be done, under a code, with secrets masked. */
export interface FleetFailure {
  readonly kind: "failed";
  readonly code: string;
  readonly message: string;
}

/** A failure that is thrown. The pipeline shows its code. */
export class FleetError extends Error {
  readonly code: string;

  constructor({ code, message }: Omit<FleetFailure, "kind">, options?: ErrorOptions) {
    super(message, options);
    this.name = "FleetError";
    this.code = code;
  }
}

/** Creates a failure as a value. */
export function toFailed(code: string, message: string): FleetFailure {
  return { kind: "failed", code, message };
}

/** Converts a thrown value for people and pipelines: without credentials, signatures or a stack. */
export function toFleetFailure(error: unknown): FleetFailure {
  if (error instanceof FleetError || isStackyardError(error)) return toFailed(error.code, redactText(error.message));
  const { code, name } = findAwsFault(error);
  // Errors that did not come from AWS are ours, and their text is the best advice.
  if (code === "INTERNAL") return toFailed(code, redactText(error instanceof Error ? error.message : String(error)));
  return toFailed(code, toAwsError(error, `AWS rejected a call${name === undefined ? "" : ` with ${name}`}.`).message);
}

/**
 * Returns the result of the work, or throws `FLEET_OUT_OF_TIME` once the signal is aborted: a function that Lambda ends
 * cannot report a result, and CodePipeline would wait for twenty minutes. The work itself continues.
 */
export function endInTime<Value>(signal: AbortSignal, work: () => Promise<Value>): Promise<Value> {
  return unlessAborted(work(), signal, toOutOfTime);
}

/** Returns the error for work that exceeded the remaining time. */
export function toOutOfTime(): FleetError {
  const calls = [...new Set(listUnanswered())].join(", ");
  const why = calls === "" ? "Give it more time or memory." : `${calls} did not answer.`;
  const message = `The function timed out before it could answer the job. ${why}`;
  return new FleetError({ code: "FLEET_OUT_OF_TIME", message });
}

/** Reads an own field of an untrusted value. Undefined if the value is not an object. */
export function readField(value: unknown, name: string): unknown {
  if (typeof value !== "object" || value === null || !Object.hasOwn(value, name)) return undefined;
  return Reflect.get(value, name);
}

/** Reads an own text field. Undefined if it is not a text. */
export function readText(value: unknown, name: string): string | undefined {
  const field = readField(value, name);
  return typeof field === "string" ? field : undefined;
}
