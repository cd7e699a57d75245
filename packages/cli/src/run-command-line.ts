import { inspect } from "node:util";
import { StackyardError } from "@stackyard/core";
import type { Command } from "./command.ts";
import { COMMANDS, GROUPS } from "./commands.ts";
import { findPluginCommands } from "./project/plugin-commands.ts";
import { tellFailure, toFailure } from "./shell/failure.ts";
import { tellMissingPackage } from "./shell/known-packages.ts";
import { findNearestName } from "./shell/nearest-name.ts";
import { createOutput } from "./shell/output.ts";
import type { OutputStream } from "./shell/output-stream.ts";
import { type Invocation, type ReadResult, readWords } from "./shell/program.ts";
import { VERSION } from "./version.ts";

/** The world of a command line. */
export interface CommandLineIo {
  readonly stdout: OutputStream;
  readonly stderr: OutputStream;
  readonly stdin: AsyncIterable<Uint8Array | string>;
  readonly cwd: string;
  readonly env: Readonly<Record<string, string | undefined>>;
  /** Aborted by the first Ctrl-C. */
  readonly signal: AbortSignal;
}

/** Runs one command line (the words after the program's name) and gives its exit code. Never throws. */
export async function runCommandLine(words: readonly string[], io: CommandLineIo): Promise<number> {
  try {
    const read = await readCommandLine(words, io);
    if (read.kind === "text") {
      io.stdout.write(read.text);
      return 0;
    }
    if (read.kind === "usage") return tellUsage(read, io);
    return await invoke(read.invocation, io);
  } catch (error) {
    return tell(error, io, words.includes("--json"));
  }
}

async function readCommandLine(words: readonly string[], io: CommandLineIo): Promise<ReadResult> {
  const commands = await listCommands(words, io);
  const columns = io.stdout.columns;
  const read = await readWords(words, {
    commands,
    groups: GROUPS,
    version: VERSION,
    ...(columns === undefined ? {} : { columns }),
  });
  const missing = read.kind === "usage" && !hasFirstWord(commands, words) ? tellMissingPackage(words) : undefined;
  if (missing !== undefined) throw missing;
  return read;
}

function hasFirstWord(commands: readonly Command[], words: readonly string[]): boolean {
  const [first] = words.filter((word) => !word.startsWith("-"));
  return first !== undefined && commands.some(({ name }) => name.split(" ")[0] === first);
}

/** Ours; and those of the project's plugins where the words name none of ours, or help is asked for. */
async function listCommands(words: readonly string[], io: CommandLineIo): Promise<readonly Command[]> {
  const [first] = words.filter((word) => !word.startsWith("-"));
  if (hasFirstWord(COMMANDS, words) || words.includes("--version") || words.includes("-V")) return COMMANDS;
  const firsts = COMMANDS.map(({ name }) => name.split(" ")[0] ?? "");
  // For help, and for what is most likely a slip, a configuration that does not load is no matter.
  const quiet = first === undefined || first === "help" || findNearestName(first, firsts) !== undefined;
  const added = await findPluginCommands(io, { quiet });
  return [...COMMANDS, ...added.filter(({ name }) => !COMMANDS.some((ours) => ours.name === name))];
}

async function invoke({ command, args, json }: Invocation, io: CommandLineIo): Promise<number> {
  const out = createOutput({ ...io, json });
  try {
    const exitCode = await command.run({ ...io, out }, args);
    out.settle();
    return exitCode;
  } catch (error) {
    out.settle();
    return tell(
      io.signal.aborted ? new StackyardError("INTERRUPTED", "Interrupted.", { cause: error }) : error,
      io,
      json,
    );
  }
}

function tell(error: unknown, io: CommandLineIo, json: boolean): number {
  const failure = toFailure(error);
  const out = createOutput({ ...io, json });
  tellFailure((text) => createOutput({ ...io, stdout: io.stderr, json: false }).text(text), failure, out);
  if (io.env["STACKYARD_DEBUG"]) io.stderr.write(`${inspect(error)}\n`);
  return failure.exitCode;
}

function tellUsage({ message, help, json }: ReadResult & { readonly kind: "usage" }, io: CommandLineIo): number {
  if (help !== "" && !json) {
    io.stderr.write(help);
    return 64;
  }
  const hint = "`stackyard --help` lists the commands; `stackyard COMMAND --help` shows what one takes.";
  return tell(new StackyardError("USAGE", message, { details: { hint } }), io, json);
}
