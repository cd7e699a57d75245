import type { LambdaClient } from "@aws-sdk/client-lambda";
import type { S3Client } from "@aws-sdk/client-s3";
import { findEmulator } from "@stackyard/aws";
import type { Clock, CommandOutput, PluginCommand, PluginCommandContext } from "@stackyard/core";
import type { CallDistributor } from "@stackyard/sdk/artifacts";
import { type CommandSpec, createCommand } from "@stackyard/sdk/commands";
import type { TObject } from "typebox";

/** Where AWS is called, and as whom. */
export interface AwsPlace {
  /** Default: as the SDK finds it. */
  readonly region?: string;
  /** ARN of a role to take. Default: the credentials of whoever types the command. */
  readonly role?: string;
  readonly externalId?: string;
  /** S3 is used by path: emulators have no names of buckets in the DNS. Default: as AWS wants it. */
  readonly pathStyle?: boolean;
}

/** Clients for one place. */
export interface ArtifactAws {
  readonly s3: S3Client;
  readonly lambda: LambdaClient;
}

/** What commands about artifacts reach the world by; tests have their own. */
export interface ArtifactCommandDeps {
  readonly clock: Clock;
  openAws(place: AwsPlace): Promise<ArtifactAws>;
  /** A distributor by the name or the ARN of its function. */
  openDistributor(place: DistributorPlace): Promise<CallDistributor>;
  /** How wide the terminal is; undefined: it is none. */
  columns(): number | undefined;
  /** Between two looks at a coverage. Default: 5 s. */
  readonly pollMs?: number;
}

/** A function, and where it is. */
export interface DistributorPlace {
  readonly functionName: string;
  readonly region?: string;
  readonly signal: AbortSignal;
}

/** What a command about artifacts is given. */
export interface ArtifactContext extends ArtifactCommandDeps {
  readonly out: CommandOutput;
  /** Relative paths start here. */
  readonly cwd: string;
  readonly environment: PluginCommandContext["environment"];
  readonly signal: AbortSignal;
}

/** One command about artifacts. */
export type ArtifactCommandSpec<Args extends TObject> = CommandSpec<Args, ArtifactContext>;

/** A command as a plugin gives it. Arguments that do not fit are `USAGE`. */
export function createArtifactCommand<Args extends TObject>(
  spec: ArtifactCommandSpec<Args>,
  deps: ArtifactCommandDeps,
): PluginCommand {
  return createCommand(spec, ({ out, cwd, environment, signal }) => {
    const style = findEmulator(environment, "S3") === undefined ? {} : { pathStyle: true };
    return { ...deps, openAws: (place) => deps.openAws({ ...place, ...style }), out, cwd, environment, signal };
  });
}
