import { CloudFormationClient } from "@aws-sdk/client-cloudformation";
import { S3Client } from "@aws-sdk/client-s3";
import {
  type Clock,
  type Command,
  type CommandOutput,
  isStackyardError,
  optionalText,
  type PluginCommand,
  type PluginCommandContext,
  StackyardError,
  silentLogger,
} from "@stackyard/core";
import { systemClock } from "@stackyard/core/engine";
import { readEnvironment, SharedVariables } from "@stackyard/core/environment";
import { createYardAws } from "@stackyard/runtime/yard";
import { type Static, type TObject, Type } from "typebox";
import { type Place, parsePlace } from "./published-objects.ts";

/** The context of a command of this package. */
export interface AppsContext {
  readonly out: CommandOutput;
  readonly projectDir: string;
  readonly dataDir: string;
  readonly signal: AbortSignal;
  /** The yard that the command is for, and its AWS. */
  readonly yard: string;
  readonly aws: AppsAws;
}

/** Opens AWS for a command; tests pass their own. */
export type OpenAppsAws = (context: Pick<PluginCommandContext, "environment" | "yards">, yard: string) => AppsAws;

const YardArg = optionalText(
  "The yard; the configuration may give it a region, profile and role. Default: STACKYARD_YARD, main.",
  {
    pattern: "^[A-Za-z0-9][A-Za-z0-9_-]{0,29}$",
    expected: "a letter or digit, then letters, digits, - and _, at most 30",
    placeholder: "name",
  },
);

const { STACKYARD_YARD } = SharedVariables.properties;
const Variables = Type.Object({ STACKYARD_YARD });

/** Returns a command of this package as a command of a plugin, with `--yard`, and AWS as `openAws` opens it. */
export function withYard(command: Command<AppsContext>, openAws: OpenAppsAws): PluginCommand {
  return {
    ...command,
    args: Type.Object({ ...command.args.properties, yard: YardArg }),
    async run(context, { yard: named, ...args }) {
      const { out, projectDir, dataDir, signal, environment } = context;
      const yard = String(named ?? readEnvironment(Variables, environment).values.STACKYARD_YARD ?? "main");
      try {
        return await command.run({ out, projectDir, dataDir, signal, yard, aws: openAws(context, yard) }, args);
      } catch (error) {
        throw isStackyardError(error) ? withHint(error) : error;
      }
    },
  };
}

/** Hints about AWS. The command line's own hints for these codes are about reaching a server. */
const HINTS: Readonly<Record<string, string>> = {
  UNREACHABLE: "Nothing was lost: try again. Look at the network and at the region.",
  RATE_LIMITED: "Try again a little later; what was done stays.",
  UNAUTHENTICATED:
    "Credentials are found as by the AWS CLI: the yard's profile in stackyard.config.ts, AWS_PROFILE, or keys in the environment.",
  FORBIDDEN: "Grant the permissions that the README of @stackyard/deployment lists under Permissions.",
};

function withHint(error: StackyardError): StackyardError {
  const isLost = error.code === "CONFIG_INVALID" && error.message.includes("Region is missing");
  const hint = isLost ? "Set AWS_REGION, or the yard's region in stackyard.config.ts." : HINTS[error.code];
  if (hint === undefined || "hint" in error.details) return error;
  return new StackyardError(error.code, error.message, { cause: error, details: { ...error.details, hint } });
}

/** Arguments for the location of releases. */
export const placeArgs = {
  bucket: optionalText(
    "Where releases lie. Default: where the stack was deployed from, else where you published last.",
  ),
  prefix: optionalText("Beginning of all keys in the bucket, such as `stackyard/`."),
};

/** The values of these arguments. */
export type GivenPlace = Static<TObject<typeof placeArgs>>;

/** Returns the given place, or the first known one. Throws `USAGE` when no bucket is known. */
export function choosePlace(given: GivenPlace, known: readonly (Place | undefined)[]): Place {
  if (given.bucket !== undefined) return parsePlace(given.bucket, given.prefix);
  const found = known.find((place) => place !== undefined);
  if (found === undefined) throw new StackyardError("USAGE", "No bucket is configured. Pass --bucket.");
  return given.prefix === undefined ? found : parsePlace(found.bucket, given.prefix);
}

/** AWS, as the commands use it. */
export interface AppsAws {
  readonly s3: S3Client;
  readonly cloudFormation: CloudFormationClient;
  readonly clock: Clock;
}

/**
 * Opens AWS for a yard, as configured (region, profile, role), or with the SDK's defaults for a yard that is not in the
 * configuration. Makes no request. Throws `CONFIG_INVALID`, also for a yard that is not on AWS.
 */
export function openAppsAws(
  { environment, yards }: Pick<PluginCommandContext, "environment" | "yards">,
  yardName: string,
): AppsAws {
  const yard = Object.hasOwn(yards, yardName) ? yards[yardName] : undefined;
  if (yard !== undefined && !("type" in yard)) {
    const hint = 'Pass --yard with a yard of `type: "aws"`, or remove this one from the configuration.';
    const message = `The yard "${yardName}" is the address of a server; apps are deployed to AWS.`;
    throw new StackyardError("CONFIG_INVALID", message, { details: { hint } });
  }
  const context = { environment, logger: silentLogger, sessionName: "stackyard-apps" };
  const access = createYardAws(yard ?? { type: "aws" }, context);
  return {
    s3: access.client(S3Client, undefined),
    cloudFormation: access.client(CloudFormationClient, undefined),
    clock: systemClock,
  };
}
