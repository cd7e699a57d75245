import { access, constants } from "node:fs/promises";
import { dirname, resolve } from "node:path";
import { type CommandOutput, type PluginCommand, type PluginCommandContext, StackyardError } from "@stackyard/core";
import { createRunsClient, type RunsApi } from "@stackyard/sdk/runs";
import { type Static, type TObject, Type } from "typebox";
import { Value } from "typebox/value";

/** What a command about fleets is given. */
export interface FleetContext {
  readonly out: CommandOutput;
  readonly runs: RunsApi;
  /** Relative paths start here. */
  readonly cwd: string;
  readonly signal: AbortSignal;
  /** Between two looks at a run. Default: 2 s. */
  readonly pollMs?: number;
}

/** Opens the runs of the server that a command talks to; tests have their own. */
export type OpenRuns = (server: PluginCommandContext["server"]) => Pick<FleetContext, "runs" | "pollMs">;

/** The runs of a server. */
export function openRuns(server: PluginCommandContext["server"]): Pick<FleetContext, "runs"> {
  return { runs: createRunsClient(server) };
}

/** One command: what it takes, and what it does. */
export interface FleetCommandSpec<Args extends TObject> extends Omit<PluginCommand, "args" | "run"> {
  readonly args: Args;
  run(context: FleetContext, args: Static<Args>): Promise<number>;
}

/** A command as a plugin gives it. Arguments that do not fit are `USAGE`. */
export function createFleetCommand<Args extends TObject>(spec: FleetCommandSpec<Args>, open: OpenRuns): PluginCommand {
  const { run, ...facts } = spec;
  return {
    ...facts,
    async run({ out, cwd, server, signal }, given) {
      if (!Value.Check(spec.args, given)) throw new StackyardError("USAGE", tellFaults(spec.args, given));
      await checkFolder(cwd, given["html"]);
      return run({ out, cwd, signal, ...open(server) }, given);
    },
  };
}

/** Before any work: a run must not end with a page that cannot be written. */
async function checkFolder(cwd: string, html: unknown): Promise<void> {
  if (typeof html === "string") await access(dirname(resolve(cwd, html)), constants.W_OK);
}

function tellFaults(schema: TObject, given: unknown): string {
  return [...Value.Errors(schema, given)].map(({ instancePath, message }) => `${instancePath} ${message}`).join("; ");
}

/** A run, as its first command has printed it. */
export const runArg = Type.String({ pattern: "^[A-Za-z0-9-]{1,64}$", description: "As `fleet run` prints it." });

/** Arguments of commands that show a report. */
export const reportArgs = {
  html: Type.Optional(
    Type.String({
      minLength: 1,
      placeholder: "file",
      description: "Also write the report as a page that stands alone.",
    }),
  ),
  all: Type.Optional(Type.Boolean({ description: "List every instance, not only the first 50." })),
};

/** Arguments of commands that follow a run. */
export const followArgs = {
  detach: Type.Optional(Type.Boolean({ description: "Do not wait for the end." })),
  giveUpAfter: Type.Optional(
    Type.String({
      pattern: "^[1-9][0-9]{0,8}(s|m|h|d)$",
      placeholder: "length",
      description: "Wait so long, such as 30m; the run goes on (exit code 4). Default: until it has ended.",
    }),
  ),
};
