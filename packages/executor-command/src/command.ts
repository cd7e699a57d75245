import {
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
import { beginOnce, keepEnd } from "./attempt-record.ts";
import {
  type CommandConfig,
  type CommandOptions,
  type CommandOutputs,
  createCommandDefinition,
  findCommandFault,
  findRule,
  listPrograms,
  toGraceMs,
} from "./definition.ts";
import { TASK_ID, toEnvironment, toTaskId } from "./environment.ts";
import { CommandFailure } from "./failure.ts";
import { findBinary, findFolder, findUser } from "./find-place.ts";
import { createOutputMasking, listSensitive, parseOutputs, readOutputsText, toOutputs } from "./outputs.ts";
import { createRunFiles, type RunFiles } from "./run-files.ts";

/** The dependencies of the executor, in addition to the project's options. */
export interface CommandDeps {
  /** The folder of the project, in which programs run. */
  readonly projectDir: string;
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
    plan: async (ctx: ExecutorContext, config: CommandConfig): Promise<Plan> => {
      const { binary, words, folder } = await prepare(settings, ctx, config).catch(toThrown);
      const mask = createLogMasks(ctx.secrets ?? []).text;
      return { summary: mask(`Would run ${[binary, ...words].join(" ")} in ${folder}.`) };
    },
    start: (ctx: ExecutorContext, config: CommandConfig) => toStep(() => startCommand(settings, ctx, config)),
    // Work of this worker is ended through `ctx.signal`; this is an attempt that no program of this worker belongs to.
    cancel: (ctx: ExecutorContext, config: CommandConfig) => toStep(() => cancelLost(settings, ctx, config)),
  });
}

interface Settings extends Required<CommandDeps> {
  readonly options: CommandOptions;
}

/** What a run needs, found before anything is started. */
interface Prepared {
  readonly binary: string;
  readonly words: readonly string[];
  readonly folder: string;
  /** As which user. */
  readonly user: ProgramUser | undefined;
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
  const prepared = await prepare(settings, ctx, config);
  const beginning = await beginOnce(ctx, config.repeatable === true);
  // Written by this executor, and checked by the worker.
  if (beginning.kind === "ended") return beginning.step as CommandStep;
  if (beginning.isAgain) await endMarked({ name: TASK_ID, value: toTaskId(ctx) });
  const step = await toStep(() => runTask(settings, ctx, { config, prepared }));
  // What was stopped may be anywhere in its work.
  if (step.kind === "succeeded" || !ctx.signal.aborted) await keepEnd(ctx, step);
  return step;
}

const SHELL = "/bin/sh";

/** Finds program, folder and user. Fails with COMMAND_NOT_ALLOWED, COMMAND_INVALID, COMMAND_NOT_FOUND. */
async function prepare(settings: Settings, ctx: ExecutorContext, config: CommandConfig): Promise<Prepared> {
  const fault = findCommandFault(config);
  if (fault !== undefined) throw new CommandFailure("COMMAND_INVALID", fault.message);
  const folder = findFolder(settings.projectDir, config.folder);
  const found = await Promise.all(
    listPrograms(config).map(async ({ program }) => {
      const allowance = findRule(settings.options, { machine: ctx.machine, program });
      if (allowance.kind === "refused") throw new CommandFailure("COMMAND_NOT_ALLOWED", allowance.reason);
      const binary = program === undefined ? SHELL : await findBinary(program, folder, settings.environment);
      return { binary, user: allowance.rule.user };
    }),
  );
  const { binary = SHELL, user } = found[0] ?? {};
  const words = typeof config.run === "string" ? ["-c", config.run] : config.run.slice(1);
  return { binary, words, folder, user: findUser(user) };
}

interface TaskRun {
  readonly config: CommandConfig;
  readonly prepared: Prepared;
}

async function runTask(settings: Settings, ctx: ExecutorContext, run: TaskRun): Promise<CommandStep> {
  return withRun(settings, ctx, run, async (attended) => {
    if (ctx.signal.aborted) throw new CommandFailure("COMMAND_CANCELLED", "Stopped before it began.");
    const { end, tail } = await attend(settings, ctx, attended);
    if (end.kind === "cancelled") await runCancel(settings, ctx, run.prepared.folder, attended);
    return toEndStep(end, { ...attended, tail });
  });
}

type Input = Omit<RunProgramInput, "onLine">;
type Work = (attended: Attended) => Promise<CommandStep>;

/** Does work with what a program is given, which is removed afterwards. */
async function withRun(settings: Settings, ctx: ExecutorContext, run: TaskRun, work: Work): Promise<CommandStep> {
  const { binary, words, folder, user } = run.prepared;
  const { config } = run;
  const files = createRunFiles(ctx, user);
  const masks = createLogMasks(ctx.secrets ?? []);
  try {
    return await withTargetCredentials(ctx, masks, (access) => {
      const { environment: runner, options } = settings;
      const { passEnvironment = [] } = options;
      const env = toEnvironment(ctx, { runner, passEnvironment, access, environment: config.environment, files });
      const input: Input = {
        command: [binary, ...words],
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
  } finally {
    files.remove();
  }
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
async function runCancel(settings: Settings, ctx: ExecutorContext, folder: string, run: Attended): Promise<void> {
  const [program, ...words] = run.config.cancel?.run ?? [];
  if (program === undefined) return;
  ctx.report(`▸ cancel: ${run.masks.text(program)}`);
  const input: Input = {
    ...run.input,
    command: [await findBinary(program, folder, settings.environment), ...words],
    stdin: "",
    timeoutMs: toGraceMs(run.config),
    stop: { signal: "SIGKILL", graceMs: 0 },
    // That of the task has been used.
    signal: new AbortController().signal,
  };
  const { end } = await attend(settings, ctx, { ...run, input });
  if (end.kind !== "ended" || end.code !== 0) ctx.report(toEndText(end, { run: [program], timeout: run.config.grace }));
}

/** The worker of the attempt was lost. What it has begun elsewhere can still be ended. */
async function cancelLost(settings: Settings, ctx: ExecutorContext, config: CommandConfig): Promise<CommandStep> {
  const message = "Its worker was lost before; what the program has done is unknown.";
  const step = failed({ code: "COMMAND_CANCELLED", message, retryable: false });
  await endMarked({ name: TASK_ID, value: toTaskId(ctx) });
  if (config.cancel?.run === undefined) return step;
  const prepared = await prepare(settings, ctx, config);
  return withRun(settings, ctx, { config, prepared }, async (attended) => {
    await runCancel(settings, ctx, prepared.folder, attended);
    return step;
  });
}

interface EndFacts {
  readonly config: CommandConfig;
  readonly files: RunFiles;
  /** The newest lines, masked. */
  readonly tail: string;
}

function toEndStep(end: ProgramEnd, { config, files, tail }: EndFacts): CommandStep {
  const { success = [0], retryable = [75], repeatable = false } = config;
  const text = toEndText(end, config);
  const fail = (code: ConstructorParameters<typeof CommandFailure>[0], mayRetry: boolean): never => {
    throw new CommandFailure(code, tail === "" ? text : `${text}\n${tail}`, { retryable: mayRetry });
  };
  switch (end.kind) {
    case "not-started":
      throw toNotStarted(end.error);
    case "cancelled":
      return fail("COMMAND_CANCELLED", false);
    case "timed-out":
      return fail("COMMAND_TIMED_OUT", repeatable);
    case "lost":
    case "too-large":
      return fail("COMMAND_KILLED", repeatable);
    case "ended":
      if (end.code === null) return fail("COMMAND_KILLED", repeatable);
      if (!success.includes(end.code)) return fail("COMMAND_FAILED", retryable.includes(end.code));
      return toSucceeded(config, files);
  }
}

function toSucceeded({ outputs: declared }: CommandConfig, files: RunFiles): CommandStep {
  const outputs = toOutputs(parseOutputs(readOutputsText(files.outputs)), declared);
  const sensitive = listSensitive(outputs, declared);
  return succeeded(outputs, sensitive.length > 0 ? { sensitive } : {});
}

type EndedConfig = Pick<CommandConfig, "run" | "shell"> & { readonly timeout?: string | undefined };

function toEndText(end: ProgramEnd, { run, shell, timeout }: EndedConfig): string {
  const program = shell === true || typeof run === "string" ? "The text for the shell" : `"${run[0]}"`;
  switch (end.kind) {
    case "not-started":
      return `${program} was not started: ${end.error.message}`;
    case "cancelled":
      return `${program} was stopped.`;
    case "timed-out":
      return `${program} was stopped after ${timeout ?? "its time"}.`;
    case "ended":
      return end.code === null
        ? `${program} was ended by ${end.signal}.`
        : `${program} ended with exit code ${end.code}.`;
    default:
      return `${program} was killed, because the process that starts programs had ended. The system may lack memory.`;
  }
}

/** Reasons of the system that are the fault of the config (execve(2)). */
const REFUSED: ReadonlySet<unknown> = new Set(["E2BIG", "ERR_INVALID_ARG_VALUE", "ENOEXEC"]);

function toNotStarted(cause: Error): CommandFailure {
  const shortage = findShortage(cause);
  const text = `The program was not started: ${cause.message}.`;
  if (shortage !== undefined) return new CommandFailure("COMMAND_UNAVAILABLE", `${text} ${shortage}`, { cause });
  const isRefused = "code" in cause && REFUSED.has(cause.code);
  return new CommandFailure(isRefused ? "COMMAND_INVALID" : "COMMAND_NOT_FOUND", text, { cause });
}
