import { StackyardError } from "../errors/stackyard-error.ts";
import { checkArgs } from "../ports/command.ts";
import type { CommandOutput, PluginCommand, PluginCommandContext } from "../ports/define-plugin.ts";

/** The output of a command, and how it ended. */
export interface CommandResult {
  /** −1 if the command does not exist. */
  readonly exitCode: number;
  readonly text: string;
  /** The result as JSON. */
  readonly value: Readonly<Record<string, unknown>>;
  readonly notes: readonly string[];
  /** Lines of progress, the same as objects, and as blocks of a terminal with 79 columns. */
  readonly progress: readonly string[];
  readonly events: readonly Readonly<Record<string, unknown>>[];
  readonly blocks: readonly string[];
}

/** The options of running a command; by default in the root folder, and without a server. */
export interface RunCommandOptions extends Partial<Omit<PluginCommandContext, "out">> {
  /** Receives each note when it is printed. */
  readonly onNote?: (note: string) => void;
  /** Called with each line of progress. */
  readonly onProgress?: (line: string) => void;
}

/** Checks the arguments of a plugin's command, runs it, and records its output. */
export async function runCommand(
  commands: readonly PluginCommand[],
  name: string,
  args: object = {},
  { onNote, onProgress, cwd = "/", server, ...options }: RunCommandOptions = {},
): Promise<CommandResult> {
  let [text, value]: [string, CommandResult["value"]] = ["", {}];
  const [notes, progress, blocks]: [string[], string[], string[]] = [[], [], []];
  const events: CommandResult["value"][] = [];
  const out: CommandOutput = {
    result(given, toText) {
      value = JSON.parse(JSON.stringify(given));
      text = toText();
    },
    progress(event, toText, toBlock) {
      events.push(event);
      const line = toText();
      progress.push(line);
      onProgress?.(line);
      if (toBlock !== undefined) blocks.push(toBlock(79));
    },
    note(note) {
      notes.push(note);
      onNote?.(note);
    },
  };
  const context: PluginCommandContext = {
    cwd,
    projectDir: cwd,
    dataDir: cwd,
    environment: {},
    yards: {},
    signal: new AbortController().signal,
    ...options,
    out,
    get server() {
      if (server === undefined) throw new StackyardError("UNREACHABLE", "No server is known.");
      return server;
    },
  };
  const command = commands.find((each) => each.name === name);
  const exitCode = command === undefined ? -1 : ((await command.run(context, checkArgs(command, { ...args }))) ?? 0);
  return { exitCode, text, value, notes, progress, events, blocks };
}
