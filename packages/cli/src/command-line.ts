import { inspect } from "node:util";
import { checkArgs, findNearestName, StackyardError } from "@stackyard/core";
import { type CliCommand, type CommandContext, toCommandFacts } from "./command.ts";
import { COMMAND_NAMES, loadAllCommands, loadNamedCommands } from "./command-table.ts";
import { completeValues } from "./completion.ts";
import { completeWords } from "./completion-words.ts";
import { cutWords } from "./cut-words.ts";
import { printFailure, toFailure } from "./failure.ts";
import { createMissingPackageError } from "./missing-package.ts";
import { createOutput, type OutputOptions, type OutputStream } from "./output.ts";
import type { GlobalOptions, Invocation, ReadResult } from "./program.ts";
import { findPluginCommands, isHidden } from "./project/plugin-commands.ts";
import { readCommandLine } from "./read-command-line.ts";
import { readVariables } from "./variables.ts";

/** Streams, folder and environment of a command line. */
export interface CommandLineIo {
  readonly stdout: OutputStream;
  readonly stderr: OutputStream;
  readonly stdin: AsyncIterable<Uint8Array | string>;
  readonly cwd: string;
  readonly env: Readonly<Record<string, string | undefined>>;
  /** Aborted by the first Ctrl-C. */
  readonly signal: AbortSignal;
  /** See `CommandContext`. */
  readonly stayAlive?: CommandContext["stayAlive"];
}

/** Runs one command line (the words after the program's name) and returns its exit code. Never throws. */
export async function runCommandLine(given: readonly string[], io: CommandLineIo): Promise<number> {
  if (given[0] === COMPLETE) return complete(given.slice(1), io);
  const words = toVersionCommand(given);
  // The arguments are not parsed yet, so the output options are read from the raw words.
  const options = {
    json: words.includes("--json"),
    quiet: false,
    verbose: words.includes("--verbose"),
    color: !words.includes("--no-color"),
    words,
  };
  try {
    const { read, commands } = await readForCommands(words, io);
    if (read.kind === "text") {
      io.stdout.write(read.text);
      return 0;
    }
    if (read.kind === "usage") return printUsageError(read, io, options);
    const command = commands.find(({ name }) => name === read.invocation.command);
    if (command === undefined) throw new Error(`The command ${read.invocation.command} was not loaded.`);
    return await invoke(command, { ...read.invocation, words }, io);
  } catch (error) {
    return reportError(error, io, options);
  }
}

/** The command that the scripts of `stackyard completion` call with the words so far; the last may be incomplete. */
const COMPLETE = "__complete";
const COMPLETE_MS = 2_000;

/** Prints the values that can complete the last word, one per line. Prints nothing on errors: a shell is waiting. */
async function complete([, ...words]: readonly string[], io: CommandLineIo): Promise<number> {
  const signal = AbortSignal.any([io.signal, AbortSignal.timeout(COMPLETE_MS)]);
  const prefix = words.at(-1) ?? "";
  try {
    const commands = await listCommands(words.slice(0, -1), io);
    const wanted = completeWords(words, commands.map(toCommandFacts));
    const context = { ...io, out: createOutput({ ...io, json: false, quiet: true }), signal };
    const values = wanted.kind === "words" ? wanted.words : await completeValues(context, { ...wanted, prefix });
    for (const value of values) if (value.startsWith(prefix) && !/\p{Cc}/u.test(value)) io.stdout.write(`${value}\n`);
  } catch {
    // A message would appear in the middle of the command line that the user types.
  }
  return 0;
}

const VERSION_FLAGS: ReadonlySet<string> = new Set(["-v", "-V", "--version"]);

/** Turns a version flag into the `version` command: people know the flags, and `--json` works with it. */
function toVersionCommand(words: readonly string[]): readonly string[] {
  const isVersion = words.every((word) => word.startsWith("-")) && words.some((word) => VERSION_FLAGS.has(word));
  return isVersion ? ["version", ...words.filter((word) => !VERSION_FLAGS.has(word))] : words;
}

async function readForCommands(given: readonly string[], io: CommandLineIo) {
  let commands: readonly CliCommand[] = [];
  const { read, words, isKnown } = await readCommandLine(given, {
    names: COMMAND_NAMES,
    columns: io.stdout.columns,
    listCommands: async (meant) => {
      commands = await listCommands(meant, io);
      return commands.map(toCommandFacts);
    },
  });
  const missing = read.kind === "usage" && !isKnown ? createMissingPackageError(words) : undefined;
  if (missing !== undefined) throw missing;
  return { read, commands };
}

/** Returns the commands that the words may mean: the named ones of ours; for other words and for help, all and those of plugins. */
async function listCommands(words: readonly string[], io: CommandLineIo): Promise<readonly CliCommand[]> {
  const [first, second] = words.filter((word) => !word.startsWith("-"));
  const named = await loadNamedCommands(first, second);
  if (named.length > 0) return named;
  const under = COMMAND_NAMES.map((name) => name.split(" ")).filter(([group]) => group === first);
  const word = under.length > 0 ? second : first;
  const valid =
    under.length > 0 ? under.map((each) => each[1] ?? "") : COMMAND_NAMES.map((name) => name.split(" ")[0] ?? "");
  // For help, and for a probable typo, a configuration that does not load is ignored.
  const quiet = word === undefined || word === "help" || findNearestName(word, valid) !== undefined;
  const added = await findPluginCommands(io, { quiet });
  return [...(await loadAllCommands()), ...added.filter(({ name }) => !isHidden(name, COMMAND_NAMES))];
}

/** What an error is printed with: the words of the command line, which it may repeat, too. */
interface ReportOptions extends GlobalOptions {
  readonly words: readonly string[];
}

async function invoke(
  command: CliCommand,
  { args, ...options }: Invocation & ReportOptions,
  given: CommandLineIo,
): Promise<number> {
  const io = options.verbose ? { ...given, env: { ...given.env, STACKYARD_DEBUG: "1" } } : given;
  const out = createOutput(toOutputOptions(io, options));
  try {
    const exitCode = (await command.run({ ...io, out }, checkArgs(command, args))) ?? 0;
    out.settle();
    return exitCode;
  } catch (error) {
    out.settle();
    if (!io.signal.aborted) return reportError(error, io, options);
    return reportError(new StackyardError("INTERRUPTED", "Interrupted.", { cause: error }), io, options);
  }
}

function toOutputOptions({ stdout, stderr, env }: CommandLineIo, options: GlobalOptions): OutputOptions {
  const { json, quiet, color } = options;
  return { stdout, stderr, env: color ? env : { ...env, NO_COLOR: "1" }, json, quiet };
}

function reportError(error: unknown, io: CommandLineIo, { words, ...options }: ReportOptions): number {
  const { message, hint, ...rest } = toFailure(error, io.env);
  const cut = (text: string) => cutWords(text, rest.code, words);
  const failure = { ...rest, message: cut(message), ...(hint === undefined ? {} : { hint: cut(hint) }) };
  const out = createOutput(toOutputOptions(io, options));
  const people = createOutput(toOutputOptions({ ...io, stdout: io.stderr }, { ...options, json: false }));
  printFailure((text) => people.text(text), failure, out);
  if (options.verbose || readVariables(io.env).STACKYARD_DEBUG) io.stderr.write(`${inspect(error)}\n`);
  return failure.exitCode;
}

function printUsageError(
  { message, help, json, hint: better }: ReadResult & { readonly kind: "usage" },
  io: CommandLineIo,
  options: ReportOptions,
): number {
  if (help !== "" && !json) {
    io.stderr.write(help);
    return 64;
  }
  const hint =
    better ?? "Run `stackyard --help` for all commands, or `stackyard COMMAND --help` for the arguments of one.";
  return reportError(new StackyardError("USAGE", message, { details: { hint } }), io, { ...options, json });
}
