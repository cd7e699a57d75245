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
import type { Run } from "@stackyard/core/api";
import { parseDuration } from "@stackyard/core/machine";
import { type Static, Type } from "typebox";
import { createRunsClient, type RunsApi } from "../runs/runs-api.ts";

/** The context of a command over runs. */
export interface RunsContext {
  readonly out: CommandOutput;
  readonly runs: RunsApi;
  /** Relative paths start here. */
  readonly cwd: string;
  readonly signal: AbortSignal;
  /** Names of AWS accounts, for people. Default: none. */
  readonly accounts?: AccountNames;
  /** Between two polls of a run. Default: 2 s. */
  readonly pollMs?: number;
}

/** Opens the runs of the server that a command calls; tests pass their own. */
export type OpenRuns = (server: PluginCommandContext["server"]) => Pick<RunsContext, "runs" | "pollMs">;

/** Opens the runs of a server. Calls nothing yet. */
export function openRuns(server: PluginCommandContext["server"]): Pick<RunsContext, "runs"> {
  return { runs: createRunsClient(server) };
}

/** Returns a command over runs as a command of a plugin, with the runs of the server that `open` opens. */
export function withRuns(command: Command<RunsContext>, open: OpenRuns): PluginCommand {
  return withContext(command, ({ out, cwd, server, signal, accounts }) => ({
    out,
    cwd,
    signal,
    ...defined({ accounts }),
    ...open(server),
  }));
}

/** A run to start. */
export interface StartRunInput {
  readonly executor: string;
  readonly config: Readonly<Record<string, unknown>>;
  /** Values of `startArgs`, `keyArg` and `toFollowArgs`. */
  readonly args: StartArgs & { readonly key?: string; readonly detach?: boolean };
  /** Printed once the run has started. Default: `Run` and its id; false: nothing. */
  readonly note?: false;
}

/** Starts a run; with `detach` only prints its id, otherwise returns the result of `follow`. */
export async function startRun(
  context: RunsContext,
  { executor, config, args, note }: StartRunInput,
  follow: (runId: string) => Promise<number>,
): Promise<number> {
  const { runs, signal } = context;
  const { key, detach } = args;
  const input = { executor, config, ...defined({ target: toRunTarget(args), key }) };
  const started = await runs.start(input, { signal });
  const notes = note === false ? {} : { note: `Run ${started.runId}` };
  return followStarted(context, started, { ...notes, ...defined({ detach }), follow });
}

/** The options of following a run that was just started or changed. */
export interface FollowStartedOptions {
  readonly detach?: boolean;
  /** Printed with `detach`. Default: the id of the run. */
  readonly detached?: string;
  /** Printed before the run is followed. Default: nothing. */
  readonly note?: string;
  /** Follows the run to its end, prints it and returns the exit code. */
  readonly follow: (runId: string) => Promise<number>;
}

/** Returns the exit code of a command that has just started a run: 0 with `detach`, else that of `follow`. */
export async function followStarted(
  { out }: RunsContext,
  run: Run,
  { detach = false, detached = run.runId, note, follow }: FollowStartedOptions,
): Promise<number> {
  if (detach) {
    out.result({ run }, () => detached);
    return 0;
  }
  if (note !== undefined) out.note(note);
  return follow(run.runId);
}

/** The options of following a run. */
export interface FollowRunOptions {
  /** Called with the run after each poll, and awaited. */
  readonly onLook: (run: Run) => void | Promise<void>;
  /** A sentence that says how people get back to the run. */
  readonly hint: string;
  /** A duration. Default: until it has ended. */
  readonly giveUpAfter?: string;
  /** The `endedAt` of an earlier end to ignore, after the run was retried. */
  readonly after?: string;
}

/**
 * Waits for the end of a run. Throws `TIMED_OUT` and `INTERRUPTED`; the run continues then, and the hint is printed.
 */
export async function followRun(
  { runs, out, signal, pollMs }: RunsContext,
  runId: string,
  { onLook, hint, giveUpAfter, after }: FollowRunOptions,
): Promise<Run> {
  const timeoutMs = giveUpAfter === undefined ? undefined : parseDuration(giveUpAfter);
  try {
    return await runs.wait(runId, {
      signal,
      onLook,
      ...defined({ pollMs, timeoutMs, after }),
    });
  } catch (error) {
    if (isStackyardError(error, "TIMED_OUT") || isStackyardError(error, "INTERRUPTED")) {
      out.note(`The run continues. ${hint}`);
    }
    throw error;
  }
}

/** Creates the argument for a run's id, as printed by the command of this name. */
export function toRunArg(command: string) {
  return Type.String({
    pattern: "^[A-Za-z0-9-]{1,64}$",
    expected: "letters, digits and -, at most 64",
    description: `As \`${command}\` prints it.`,
  });
}

/** The caller's own key of a run. */
export const keyArg = optionalText(
  "Your name for this run: a repeated command finds the run and does not start another.",
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

/** Prints the progress of a run: a line for people, and facts for `--json`. */
export type ProgressTeller = (run: Run, line: string, facts: Readonly<Record<string, unknown>>) => void;

/** Creates a `ProgressTeller` that prints a line only when it differs from the previous one. */
export function createProgressTeller(out: CommandOutput): ProgressTeller {
  let last = "";
  return ({ runId, state }, line, facts) => {
    if (line !== last) out.progress({ kind: "progress", runId, state, ...facts }, () => line);
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

/** Arguments of commands that start a run: the file of its config, and the account and region to work in. */
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

/** The target of a run, as `toRunTarget` reads it from arguments. */
export interface RunTargetArgs {
  readonly account: string;
  readonly region: string;
  readonly role?: string;
  readonly externalId?: string;
}

/** Returns the target of a run, or undefined for the runner's own account. Throws `USAGE` if account or region is missing. */
export function toRunTarget({ account, region, role, externalId }: StartArgs): RunTargetArgs | undefined {
  if ((account ?? region ?? role ?? externalId) === undefined) return undefined;
  if (account === undefined || region === undefined) {
    throw new StackyardError("USAGE", "--account and --region must be given together.");
  }
  return { account, region, ...defined({ role, externalId }) };
}
