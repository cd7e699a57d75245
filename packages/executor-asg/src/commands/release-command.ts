import type { Clock, CommandOutput, PluginCommand, PluginCommandContext } from "@stackyard/core";
import { type CommandSpec, createCommand } from "@stackyard/sdk/commands";
import type { ReleasesApi } from "@stackyard/sdk/releases";
import type { TObject } from "typebox";
import type { DeployerAws } from "./open-deployer-aws.ts";

/** What commands about releases reach the world by; tests have their own. */
export interface ReleaseCommandDeps {
  readonly clock: Clock;
  /** From 0 to below 1. */
  readonly random: () => number;
  /** Releases of the server that a command talks to. */
  openReleases(server: PluginCommandContext["server"]): ReleasesApi;
  /** AWS with the credentials of whoever types the command. */
  openAws(region: string): Promise<DeployerAws>;
  /** Between two looks at a release. Default: 2 s. */
  readonly pollMs?: number;
}

/** What a command about releases is given. */
export interface ReleaseContext extends ReleaseCommandDeps {
  readonly out: CommandOutput;
  /** Relative paths start here. */
  readonly cwd: string;
  readonly environment: PluginCommandContext["environment"];
  readonly server: PluginCommandContext["server"];
  readonly signal: AbortSignal;
}

/** One command about releases. */
export type ReleaseCommandSpec<Args extends TObject> = CommandSpec<Args, ReleaseContext>;

/** A command as a plugin gives it. Arguments that do not fit are `USAGE`. */
export function createReleaseCommand<Args extends TObject>(
  spec: ReleaseCommandSpec<Args>,
  deps: ReleaseCommandDeps,
): PluginCommand {
  return createCommand(spec, (context) => {
    const { out, cwd, environment, signal } = context;
    return {
      ...deps,
      out,
      cwd,
      environment,
      signal,
      // Asked for by those who need it: where none is known, that is an error.
      get server() {
        return context.server;
      },
    };
  });
}
