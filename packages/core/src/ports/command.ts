import type { TSchema } from "typebox";
import type { ConfiguredYards } from "./configured-yards.ts";

/** How a command speaks: it knows terminal, pipe and `--json`. A command prints nothing itself. */
export interface CommandOutput {
  /** Width of the terminal that shows the results; tables fit it. Undefined in a pipe and with `--json`: no limit. */
  readonly columns?: number | undefined;
  /** The result: as one JSON object with `--json`, else as the text. */
  result(value: unknown, toText: () => string): void;
  /**
   * One step of long work: a live line in a terminal, a plain line in a pipe, one object a line with `--json`. With `toBlock` a
   * terminal of so many columns shows its lines instead, drawn anew in place. They may have colours: those are taken off
   * where they are not wanted.
   */
  progress(value: Readonly<Record<string, unknown>>, toText: () => string, toBlock?: (columns: number) => string): void;
  /** For people only; not printed with `--json`. Goes to standard error. */
  note(text: string): void;
}

/** What a command contributed by a plugin is given. */
export interface PluginCommandContext {
  readonly out: CommandOutput;
  /** Relative paths that are given start here. */
  readonly cwd: string;
  readonly projectDir: string;
  /** Where the project's working files lie; absolute. */
  readonly dataDir: string;
  /** The environment of the command line. May hold secrets. */
  readonly environment: Readonly<Record<string, string | undefined>>;
  /** The yards of the project's configuration. */
  readonly yards: ConfiguredYards;
  /** Address and token of the yard's server, as flags, environment and data folder give them. */
  readonly server: { readonly url: string; readonly token?: string };
  readonly signal: AbortSignal;
}

/** A command that a plugin adds to the command line, such as `fleet plan`. */
export interface PluginCommand {
  /** One to three words. */
  readonly name: string;
  /** One sentence. */
  readonly summary: string;
  /** More, for `--help`. */
  readonly description?: string;
  readonly examples?: readonly { readonly command: string; readonly what: string }[];
  /**
   * An object schema: required strings become positional arguments in order, the others flags. `url`, `token`, `yard` and
   * `project` say where the server is, unless they are of the command's own.
   */
  readonly args: TSchema;
  /** Gives the exit code; errors fly. */
  run(context: PluginCommandContext, args: Readonly<Record<string, unknown>>): Promise<number>;
}
