import { readFile } from "node:fs/promises";
import { resolve } from "node:path";
import {
  type AccountNames,
  type Command,
  type CommandOutput,
  defined,
  isMap,
  isStackyardError,
  optionalFlag,
  optionalText,
  type PluginCommand,
  type PluginCommandContext,
  StackyardError,
  withContext,
} from "@stackyard/core";
import type { Job } from "@stackyard/core/api";
import { parseDuration } from "@stackyard/core/machine";
import { type Static, Type } from "typebox";
import { createJobsClient, type JobsApi } from "../jobs/jobs-api.ts";

/** The context of a command over jobs. */
export interface JobsContext {
  readonly out: CommandOutput;
  readonly jobs: JobsApi;
  /** Relative paths start here. */
  readonly cwd: string;
  readonly signal: AbortSignal;
  /** Names of AWS accounts, for people. Default: none. */
  readonly accounts?: AccountNames;
  /** Between two polls of a job. Default: 2 s. */
  readonly pollMs?: number;
}

/** Opens the jobs of the server that a command calls; tests pass their own. */
export type OpenJobs = (server: PluginCommandContext["server"]) => Pick<JobsContext, "jobs" | "pollMs">;

/** Opens the jobs of a server. Calls nothing yet. */
export function openJobs(server: PluginCommandContext["server"]): Pick<JobsContext, "jobs"> {
  return { jobs: createJobsClient(server) };
}

/** Returns a command over jobs as a command of a plugin, with the jobs of the server that `open` opens. */
export function withJobs(command: Command<JobsContext>, open: OpenJobs): PluginCommand {
  return withContext(command, ({ out, cwd, server, signal, accounts }) => ({
    out,
    cwd,
    signal,
    ...defined({ accounts }),
    ...open(server),
  }));
}

/** A job to start. */
export interface StartJobInput {
  readonly executor: string;
  readonly config: Readonly<Record<string, unknown>>;
  /** Values of `startArgs`, `keyArg` and `toFollowArgs`. */
  readonly args: StartArgs & { readonly key?: string; readonly detach?: boolean };
  /** Printed once the job has started. Default: `Job` and its id; false: nothing. */
  readonly note?: false;
}

/** Starts a job; with `detach` only prints its id, otherwise returns the result of `follow`. */
export async function startJob(
  context: JobsContext,
  { executor, config, args, note }: StartJobInput,
  follow: (jobId: string) => Promise<number>,
): Promise<number> {
  const { jobs, signal } = context;
  const { key, detach } = args;
  const input = { executor, config, ...defined({ target: toJobTarget(args), key }) };
  const started = await jobs.start(input, { signal });
  const notes = note === false ? {} : { note: `Job ${started.jobId}` };
  return followStarted(context, started, { ...notes, ...defined({ detach }), follow });
}

/** The options of following a job that was just started or changed. */
export interface FollowStartedOptions {
  readonly detach?: boolean;
  /** Printed with `detach`. Default: the id of the job. */
  readonly detached?: string;
  /** Printed before the job is followed. Default: nothing. */
  readonly note?: string;
  /** Follows the job to its end, prints it and returns the exit code. */
  readonly follow: (jobId: string) => Promise<number>;
}

/** Returns the exit code of a command that has just started a job: 0 with `detach`, else that of `follow`. */
export async function followStarted(
  { out }: JobsContext,
  job: Job,
  { detach = false, detached = job.jobId, note, follow }: FollowStartedOptions,
): Promise<number> {
  if (detach) {
    out.result({ job }, () => detached);
    return 0;
  }
  if (note !== undefined) out.note(note);
  return follow(job.jobId);
}

/** The options of following a job. */
export interface FollowJobOptions {
  /** Called with the job after each poll, and awaited. */
  readonly onLook: (job: Job) => void | Promise<void>;
  /** A sentence that says how people get back to the job. */
  readonly hint: string;
  /** A duration. Default: until it has ended. */
  readonly giveUpAfter?: string;
  /** The `endedAt` of an earlier end to ignore, after the job was retried. */
  readonly after?: string;
}

/**
 * Waits for the end of a job. Throws `TIMED_OUT` and `INTERRUPTED`; the job continues then, and the hint is printed.
 */
export async function followJob(
  { jobs, out, signal, pollMs }: JobsContext,
  jobId: string,
  { onLook, hint, giveUpAfter, after }: FollowJobOptions,
): Promise<Job> {
  const timeoutMs = giveUpAfter === undefined ? undefined : parseDuration(giveUpAfter);
  try {
    return await jobs.wait(jobId, {
      signal,
      onLook,
      ...defined({ pollMs, timeoutMs, after }),
    });
  } catch (error) {
    if (isStackyardError(error, "TIMED_OUT") || isStackyardError(error, "INTERRUPTED")) {
      out.note(`The job continues. ${hint}`);
    }
    throw error;
  }
}

/** Creates the argument for a job's id, as printed by the command of this name. */
export function toJobArg(command: string) {
  return Type.String({
    pattern: "^[A-Za-z0-9-]{1,64}$",
    expected: "letters, digits and -, at most 64",
    description: `As \`${command}\` prints it.`,
  });
}

/** The caller's own key of a job. */
export const keyArg = optionalText(
  "Your name for this job: a repeated command finds the job and does not start another.",
  { minLength: 1, maxLength: 255, placeholder: "text" },
);

/** Creates the arguments of commands that follow something, such as a `run`. */
export function toFollowArgs(what: string) {
  return {
    detach: optionalFlag("Do not wait for the end."),
    giveUpAfter: optionalText(
      `Wait so long, such as 30m; the ${what} continues (exit code 4). Default: until it has ended.`,
      {
        pattern: "^[1-9][0-9]{0,8}(s|m|h|d)$",
        expected: "a whole number and s, m, h or d, such as 30m",
        placeholder: "length",
      },
    ),
  };
}

/** Prints the progress of a job: a line for people, and facts for `--json`. */
export type ProgressTeller = (job: Job, line: string, facts: Readonly<Record<string, unknown>>) => void;

/** Creates a `ProgressTeller` that prints a line only when it differs from the previous one. */
export function createProgressTeller(out: CommandOutput): ProgressTeller {
  let last = "";
  return ({ jobId, state }, line, facts) => {
    if (line !== last) out.progress({ kind: "progress", jobId, state, ...facts }, () => line);
    last = line;
  };
}

/** Loads the config in a JSON file; empty without one. Throws `CONFIG_INVALID`. */
export async function loadConfigFile(
  cwd: string,
  path: string | undefined,
): Promise<Readonly<Record<string, unknown>>> {
  if (path === undefined) return {};
  const config = parse(await readFile(resolve(cwd, path), "utf8"), path);
  if (isMap(config)) return { ...config };
  throw new StackyardError("CONFIG_INVALID", `"${path}" does not contain a JSON object.`);
}

function parse(text: string, path: string): unknown {
  try {
    return JSON.parse(text);
  } catch (cause) {
    const why = cause instanceof Error ? cause.message : String(cause);
    throw new StackyardError("CONFIG_INVALID", `"${path}" is not valid JSON: ${why}`, { cause });
  }
}

/** Arguments of commands that start a job: the file of its config, and the account and region to work in. */
export const startArgs = {
  config: optionalText("A JSON file with the executor's config. Flags override it.", {
    minLength: 1,
    placeholder: "file",
  }),
  account: optionalText("The account to work in. Default: the runner's own.", { minLength: 1, placeholder: "id" }),
  region: optionalText("The region to work in. Requires --account.", { minLength: 1, placeholder: "name" }),
  role: optionalText("The role to assume in that account: its name or ARN.", { minLength: 1, placeholder: "name" }),
  externalId: optionalText("The external id for that role.", { minLength: 1, placeholder: "text" }),
};
const StartArgs = Type.Object(startArgs);
type StartArgs = Static<typeof StartArgs>;

/** The target of a job, as `toJobTarget` reads it from arguments. */
export interface JobTargetArgs {
  readonly account: string;
  readonly region: string;
  readonly role?: string;
  readonly externalId?: string;
}

/** Returns the target of a job, or undefined for the runner's own account. Throws `USAGE` if account or region is missing. */
export function toJobTarget({ account, region, role, externalId }: StartArgs): JobTargetArgs | undefined {
  if ((account ?? region ?? role ?? externalId) === undefined) return undefined;
  if (account === undefined || region === undefined) {
    throw new StackyardError("USAGE", "--account and --region must be given together.");
  }
  return { account, region, ...defined({ role, externalId }) };
}
