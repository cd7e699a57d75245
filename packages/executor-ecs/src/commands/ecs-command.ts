import { type CommandOutput, type PluginCommand, type PluginCommandContext, StackyardError } from "@stackyard/core";
import { createRunsClient, type RunsApi } from "@stackyard/sdk/runs";
import { type Static, type TObject, Type } from "typebox";
import { Value } from "typebox/value";

/** What a command about ECS is given. */
export interface EcsContext {
  readonly out: CommandOutput;
  readonly runs: RunsApi;
  /** Relative paths start here. */
  readonly cwd: string;
  readonly signal: AbortSignal;
  /** Between two looks at a run. Default: 2 s. */
  readonly pollMs?: number;
}

/** Opens the runs of the server that a command talks to; tests have their own. */
export type OpenRuns = (server: PluginCommandContext["server"]) => Pick<EcsContext, "runs" | "pollMs">;

/** The runs of a server. */
export function openRuns(server: PluginCommandContext["server"]): Pick<EcsContext, "runs"> {
  return { runs: createRunsClient(server) };
}

/** One command: what it takes, and what it does. */
export interface EcsCommandSpec<Args extends TObject> extends Omit<PluginCommand, "args" | "run"> {
  readonly args: Args;
  run(context: EcsContext, args: Static<Args>): Promise<number>;
}

/** A command as a plugin gives it. Arguments that do not fit are `USAGE`. */
export function createEcsCommand<Args extends TObject>(spec: EcsCommandSpec<Args>, open: OpenRuns): PluginCommand {
  const { run, ...facts } = spec;
  return {
    ...facts,
    async run({ out, cwd, server, signal }, given) {
      if (!Value.Check(spec.args, given)) throw new StackyardError("USAGE", tellFaults(spec.args, given));
      return run({ out, cwd, signal, ...open(server) }, given);
    },
  };
}

function tellFaults(schema: TObject, given: unknown): string {
  return [...Value.Errors(schema, given)].map(({ instancePath, message }) => `${instancePath} ${message}`).join("; ");
}

/** How long a command waits for a run. */
export const giveUpArg = Type.Optional(
  Type.String({
    pattern: "^[1-9][0-9]{0,8}(s|m|h|d)$",
    placeholder: "length",
    description: "Wait so long, such as 30m; the run goes on (exit code 4). Default: until it has ended.",
  }),
);
