import {
  defined,
  defineExecutor,
  type Executor,
  type ExecutorContext,
  failed,
  type Plan,
  type Step,
  succeeded,
} from "@stackyard/core";
import { parseDuration } from "@stackyard/core/machine";
import {
  createLineSink,
  createMaskedReport,
  type Environment,
  endMarked,
  findShortage,
  type ProgramEnd,
  type ProgramUser,
  type RunProgramInput,
  runProgram,
  withTargetCredentials,
} from "@stackyard/core/programs";
import { createLogMasks, type LogMasks } from "@stackyard/core/services";
import { toSourceText } from "@stackyard/sources";
import { beginOnce, keepEnd } from "./attempt-record.ts";
import {
  type CommandConfig,
  type CommandOptions,
  type CommandOutputs,
  checkPrograms,
  createCommandDefinition,
  findCommandFault,
  toGraceMs,
} from "./definition.ts";
import { TASK_ID, toEnvironment, toTaskId } from "./environment.ts";
import { CommandFailure, type CommandFailureCode } from "./failure.ts";
import { findBinary, findUser, openFolder } from "./find-place.ts";
import { createOutputMasking, listSensitive, parseOutputs, readOutputsText, toOutputs } from "./outputs.ts";
import { createRunFiles, type RunFiles } from "./run-files.ts";

/** The dependencies of the executor, in addition to the project's options. */
export interface CommandDeps {
  /** The folder of the project, in which programs run. */
  readonly projectDir: string;
  /** The worker's own folder, which no copy of the project contains. */
  readonly dataDir?: string;
  /** The worker's own environment; only named parts are passed on. */
  readonly environment: Environment;
  /** Runs a program. Default: as a process. */
  readonly runProgram?: (input: RunProgramInput) => Promise<ProgramEnd>;
}

type CommandStep = Step<unknown, CommandOutputs>;

/**
 * Creates the executor `command`: runs a program to its end. It starts the program of an attempt once; a second start returns the
 * result of the first, or fails if that is unknown, unless the config says that it may be repeated. Fails with the codes of
 * COMMAND_FAILURES.
 */
export function createCommandExecutor(options: CommandOptions, deps: CommandDeps): Executor {
  const settings: Settings = { options, runProgram, ...deps };
  return defineExecutor({
    ...createCommandDefinition(options),
    plan: (ctx: ExecutorContext, config: CommandConfig): Promise<Plan> =>
      withPrepared(settings, ctx, config, async (prepared) => toPlan(ctx, prepared)).catch(toThrown),
    start: (ctx: ExecutorContext, config: CommandConfig) => toStep(() => startCommand(settings, ctx, config)),
    // Work of this worker is ended through `ctx.signal`; this is an attempt that no program of this worker belongs to.
    cancel: (ctx: ExecutorContext, config: CommandConfig) => toStep(() => cancelLost(settings, ctx, config)),
  });
}

interface Settings extends CommandDeps {
  readonly runProgram: NonNullable<CommandDeps["runProgram"]>;
  readonly options: CommandOptions;
}

/** What a run needs, found before anything is started. */
interface Prepared {
  readonly config: CommandConfig;
  /** The program, by its path, and its arguments. */
  readonly command: RunProgramInput["command"];
  readonly folder: string;
  readonly files: RunFiles;
  /** As which user. */
  readonly user: ProgramUser | undefined;
  /** False for files of authors who may not change what they like. */
  readonly isTrusted: boolean;
}

function toPlan(ctx: ExecutorContext, { config: { run, folder }, folder: path }: Prepared): Plan {
  const words = typeof run === "string" ? [SHELL, "-c", run] : run;
  const place = typeof folder === "object" ? toSourceText(folder) : path;
  return { summary: createLogMasks(ctx.secrets ?? []).text(`Would run ${words.join(" ")} in ${place}.`) };
}

async function toStep(work: () => Promise<CommandStep>): Promise<CommandStep> {
  try {
    return await work();
  } catch (error) {
    if (error instanceof CommandFailure) return error.step;
    throw error;
  }
}

function toThrown(error: unknown): never {
  throw error instanceof CommandFailure ? new Error(`${error.step.code}: ${error.message}`, { cause: error }) : error;
}

async function startCommand(settings: Settings, ctx: ExecutorContext, config: CommandConfig): Promise<CommandStep> {
  const isRepeatable = config.repeatable === true;
  // What has ended, or is unknown, reads no source: a failure to do so could begin another attempt.
  const earlier = typeof config.folder === "object" ? await beginOnce(ctx, isRepeatable, true) : undefined;
  // Written by this executor, and checked by the worker.
  if (earlier?.kind === "ended") return earlier.step as CommandStep;
  return withPrepared(settings, ctx, config, async (prepared) => {
    const beginning = await beginOnce(ctx, isRepeatable);
    if (beginning.kind === "ended") return beginning.step as CommandStep;
    if (beginning.isAgain) await endMarked({ name: TASK_ID, value: toTaskId(ctx) });
    const step = await toStep(() => runTask(settings, ctx, prepared));
    // What was stopped may be anywhere in its work.
    if (step.kind === "succeeded" || !ctx.signal.aborted) await keepEnd(ctx, step);
    return step;
  });
}

const SHELL = "/bin/sh";

/**
 * Does work with a program, its folder and its files, which are removed afterwards. Fails with COMMAND_NOT_ALLOWED,
 * COMMAND_INVALID, COMMAND_NOT_FOUND, COMMAND_SOURCE_* codes.
 */
async function withPrepared<T>(
  settings: Settings,
  ctx: ExecutorContext,
  config: CommandConfig,
  work: (prepared: Prepared) => Promise<T>,
): Promise<T> {
  const { projectDir, dataDir, environment } = settings;
  const programs = requireAllowed(settings, ctx, config);
  const user = findUser(programs[0]?.user);
  const files = createRunFiles(ctx, user);
  try {
    const folder = await openFolder(ctx, { folder: config.folder, projectDir, dataDir, files, user });
    const [binary = SHELL] = await Promise.all(
      programs.map(async ({ program }) => (program === undefined ? SHELL : findBinary(program, folder, environment))),
    );
    const words = typeof config.run === "string" ? ["-c", config.run] : config.run.slice(1);
    return await work({ config, command: [binary, ...words], folder, files, user, isTrusted: isTrusted(config) });
  } finally {
    await files.remove();
  }
}

/** Returns the programs of a config with their users. Fails with COMMAND_INVALID, COMMAND_NOT_ALLOWED. */
function requireAllowed({ options }: Settings, { machine, target }: ExecutorContext, config: CommandConfig) {
  const fault = findCommandFault(config);
  if (fault !== undefined) throw new CommandFailure("COMMAND_INVALID", fault.message);
  const programs = checkPrograms(options, machine, config).map(({ program, allowance }) => {
    if (allowance.kind === "refused") throw new CommandFailure("COMMAND_NOT_ALLOWED", allowance.reason);
    return { program, user: allowance.rule.user };
  });
  if (isTrusted(config) || target?.role !== undefined) return programs;
  const text = "Its commit is not trusted, so it may only use a role. Give the task a target with one.";
  throw new CommandFailure("COMMAND_NOT_ALLOWED", text);
}

function isTrusted({ folder }: CommandConfig): boolean {
  return typeof folder !== "object" || folder.type !== "git" || folder.trusted;
}

async function runTask(settings: Settings, ctx: ExecutorContext, prepared: Prepared): Promise<CommandStep> {
  return withInput(settings, ctx, prepared, async (attended) => {
    if (ctx.signal.aborted) throw new CommandFailure("COMMAND_CANCELLED", "Stopped before it began.");
    const { end, tail } = await attend(settings, ctx, attended);
    if (end.kind === "cancelled") await runCancel(settings, ctx, attended);
    return toEndStep(end, attended, tail);
  });
}

type Input = Omit<RunProgramInput, "onLine">;
type Work = (attended: Attended) => Promise<CommandStep>;

/** Does work with what a program is given. */
async function withInput(settings: Settings, ctx: ExecutorContext, prepared: Prepared, work: Work) {
  const { config, command, folder, files, user, isTrusted } = prepared;
  const masks = createLogMasks(ctx.secrets ?? []);
  // The home folder of the worker contains credentials.
  const runner = isTrusted ? settings.environment : { ...settings.environment, HOME: files.folder };
  const passEnvironment = isTrusted ? (settings.options.passEnvironment ?? []) : [];
  return withTargetCredentials(ctx, masks, (access) => {
    const env = toEnvironment(ctx, { runner, passEnvironment, access, environment: config.environment, files });
    const input: Input = {
      command,
      cwd: folder,
      env,
      stdin: config.stdin ?? "",
      holdStdin: false,
      resultFd: undefined,
      maxResultBytes: 0,
      timeoutMs: parseDuration(config.timeout ?? "") ?? MAX_TIMER_MS,
      signal: ctx.signal,
      stop: { signal: config.cancel?.signal ?? "SIGTERM", graceMs: toGraceMs(config) },
      user,
    };
    return work({ input, files, masks, config });
  });
}

/** The longest time of a timer; the task's own timeout ends the program before. */
const MAX_TIMER_MS = 2 ** 31 - 1;

interface Attended {
  readonly input: Input;
  readonly files: RunFiles;
  readonly masks: LogMasks;
  readonly config: CommandConfig;
}

/** Runs a program, and reports its lines without secrets. Returns the newest of them. */
async function attend(settings: Settings, ctx: ExecutorContext, { input, files, masks, config }: Attended) {
  const maskOutputs = createOutputMasking(files.outputs, config.outputs, masks);
  const report = createMaskedReport({ ctx, maskStream: masks.stream });
  const sink = createLineSink((text) => report.add({ text }));
  const onLine = (line: string) => {
    maskOutputs();
    sink.line(line);
  };
  const end = await settings.runProgram({ ...input, onLine });
  maskOutputs();
  sink.end();
  report.end();
  return { end, tail: masks.text(sink.tail().join("\n")) };
}

/** Ends what the program has begun elsewhere, if the config says how. A failure is only reported. */
async function runCancel(settings: Settings, ctx: ExecutorContext, run: Attended): Promise<void> {
  const [program, ...words] = run.config.cancel?.run ?? [];
  if (program === undefined) return;
  ctx.report(`▸ cancel: ${run.masks.text(program)}`);
  const input: Input = {
    ...run.input,
    command: [await findBinary(program, run.input.cwd, settings.environment), ...words],
    stdin: "",
    timeoutMs: toGraceMs(run.config),
    stop: { signal: "SIGKILL", graceMs: 0 },
    // That of the task has been used.
    signal: new AbortController().signal,
  };
  const { end } = await attend(settings, ctx, { ...run, input });
  const fault = findEndFault(end, { run: [program], ...defined({ timeout: run.config.grace }) });
  if (fault !== undefined) ctx.report(fault.text);
}

/** The worker of the attempt was lost. What it has begun elsewhere can still be ended. */
async function cancelLost(settings: Settings, ctx: ExecutorContext, config: CommandConfig): Promise<CommandStep> {
  const message = "Its worker was lost before; what the program has done is unknown.";
  const step = failed({ code: "COMMAND_CANCELLED", message, retryable: false });
  await endMarked({ name: TASK_ID, value: toTaskId(ctx) });
  if (config.cancel?.run === undefined) return step;
  return withPrepared(settings, ctx, config, (prepared) =>
    withInput(settings, ctx, prepared, async (attended) => {
      await runCancel(settings, ctx, attended);
      return step;
    }),
  );
}

/** Returns the result of a program, with the newest of its lines where it failed. */
function toEndStep(end: ProgramEnd, { config, files }: Attended, tail: string): CommandStep {
  const fault = findEndFault(end, config);
  if (fault === undefined) return toSucceeded(config, files);
  const { code, text, retryable } = fault;
  throw new CommandFailure(code, tail === "" ? text : `${text}\n${tail}`, { retryable });
}

function toSucceeded({ outputs: declared }: CommandConfig, files: RunFiles): CommandStep {
  const outputs = toOutputs(parseOutputs(readOutputsText(files.outputs)), declared);
  const sensitive = listSensitive(outputs, declared);
  return succeeded(outputs, sensitive.length > 0 ? { sensitive } : {});
}

interface EndFault {
  readonly code: CommandFailureCode;
  readonly text: string;
  readonly retryable: boolean;
}

/** Returns why a program that has ended did not succeed. */
function findEndFault(end: ProgramEnd, config: CommandConfig): EndFault | undefined {
  const { run, success = [0], retryable = [75], repeatable = false, timeout = "its time" } = config;
  const program = typeof run === "string" ? "The text for the shell" : `"${run[0]}"`;
  switch (end.kind) {
    case "not-started":
      return toNotStarted(program, end.error);
    case "cancelled":
      return { code: "COMMAND_CANCELLED", text: `${program} was stopped.`, retryable: false };
    case "timed-out":
      return { code: "COMMAND_TIMED_OUT", text: `${program} was stopped after ${timeout}.`, retryable: repeatable };
    case "ended": {
      const { code, signal } = end;
      if (code === null)
        return { code: "COMMAND_KILLED", text: `${program} was ended by ${signal}.`, retryable: repeatable };
      if (success.includes(code)) return undefined;
      const text = `${program} ended with exit code ${code}.`;
      return { code: "COMMAND_FAILED", text, retryable: retryable.includes(code) };
    }
    default: {
      const text = `${program} was killed, because the process that starts programs had ended. The system may lack memory.`;
      return { code: "COMMAND_KILLED", text, retryable: repeatable };
    }
  }
}

/** Reasons of the system that are the fault of the config (execve(2)). */
const REFUSED: ReadonlySet<unknown> = new Set(["E2BIG", "ERR_INVALID_ARG_VALUE", "ENOEXEC"]);

function toNotStarted(program: string, error: Error): EndFault {
  const shortage = findShortage(error);
  const text = `${program} was not started: ${error.message}.`;
  if (shortage !== undefined) return { code: "COMMAND_UNAVAILABLE", text: `${text} ${shortage}`, retryable: true };
  const isRefused = "code" in error && REFUSED.has(error.code);
  return { code: isRefused ? "COMMAND_INVALID" : "COMMAND_NOT_FOUND", text, retryable: false };
}
