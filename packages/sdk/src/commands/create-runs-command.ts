import type { CommandOutput, PluginCommand, PluginCommandContext } from "@stackyard/core";
import type { TObject } from "typebox";
import { createRunsClient } from "../runs/create-runs-client.ts";
import type { RunsApi } from "../runs/runs-api.ts";
import { type CommandSpec, createCommand } from "./create-command.ts";

/** What a command over runs is given. */
export interface RunsContext {
  readonly out: CommandOutput;
  readonly runs: RunsApi;
  /** Relative paths start here. */
  readonly cwd: string;
  readonly signal: AbortSignal;
  /** Between two looks at a run. Default: 2 s. */
  readonly pollMs?: number;
}

/** One command over runs. */
export type RunsCommandSpec<Args extends TObject> = CommandSpec<Args, RunsContext>;

/** Opens the runs of the server that a command talks to; tests have their own. */
export type OpenRuns = (server: PluginCommandContext["server"]) => Pick<RunsContext, "runs" | "pollMs">;

/** The runs of a server. Calls nothing yet. */
export function openRuns(server: PluginCommandContext["server"]): Pick<RunsContext, "runs"> {
  return { runs: createRunsClient(server) };
}

/** A command over runs as a plugin gives it. Arguments that do not fit are `USAGE`. */
export function createRunsCommand<Args extends TObject>(spec: RunsCommandSpec<Args>, open: OpenRuns): PluginCommand {
  return createCommand(spec, ({ out, cwd, server, signal }) => ({ out, cwd, signal, ...open(server) }));
}
