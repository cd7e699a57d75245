import { S3Client } from "@aws-sdk/client-s3";
import { SFNClient } from "@aws-sdk/client-sfn";
import { createAwsAccess } from "@stackyard/aws";
import {
  type Clock,
  type CommandOutput,
  type PluginCommand,
  type PluginCommandContext,
  StackyardError,
} from "@stackyard/core";
import { systemClock } from "@stackyard/core/engine";
import { type CommandSpec, createCommand, toFollowArgs } from "@stackyard/sdk/commands";
import type { Release, ReleasesApi } from "@stackyard/sdk/releases";
import { type TObject, Type } from "typebox";
import { createYardPlace, type ReleasePlace, toReleaseKey } from "../place/release-place.ts";
import { PRESETS, type PresetName, type ReleaseConstants } from "../release-state.ts";

/** Where releases are deployed, as words of a command line. */
export interface PlaceWords {
  readonly preset?: PresetName;
  readonly deployer?: string;
  readonly bucket?: string;
  readonly lockTable?: string;
  readonly account?: string;
  readonly region?: string;
  readonly role?: string;
  readonly externalId?: string;
}

/** The yard of the command line, or the deployer that is named. Throws `USAGE`, `CONFIG_INVALID`. */
export async function openPlace(context: ReleaseContext, words: PlaceWords): Promise<ReleasePlace> {
  const { signal } = context;
  const { bucket, lockTable, role, externalId } = words;
  const shared = {
    preset: toPreset(context, words),
    constants: toConstants(context, words),
    by: toActor(context),
    signal,
  };
  if (findDeployer(context, words) !== undefined) return openDeployer(context, words, shared);
  if (lockTable !== undefined && bucket === undefined) throw usage("--lock-table belongs to --bucket.");
  if (externalId !== undefined && role === undefined) throw usage("--external-id belongs to --role.");
  return createYardPlace({
    ...shared,
    releases: context.openReleases(context.server),
    ...(bucket === undefined ? {} : { memory: { bucket, ...(lockTable && { lockTable }) } }),
    ...(bucket === undefined ? {} : { storeDocument: createStoring(context, bucket, shared) }),
    ...(role && { role }),
    ...(externalId && { externalId }),
    ...(context.pollMs === undefined ? {} : { pollMs: context.pollMs }),
  });
}

/** What an installation calls its things. */
export function toConstants(context: Pick<ReleaseContext, "environment">, words: PlaceWords): ReleaseConstants {
  return PRESETS[toPreset(context, words)];
}

/** Account and region, where neither words nor document say them. */
export function toPlaceDefaults({ environment }: Pick<ReleaseContext, "environment">, words: PlaceWords) {
  const account = words.account ?? environment["AWS_ACCOUNT_ID"] ?? "";
  const region = words.region ?? (environment["AWS_REGION"] || environment["AWS_DEFAULT_REGION"] || "");
  const named = findDeployer({ environment }, words)?.split(":");
  const [ofRegion = "", ofAccount = ""] = named === undefined ? [] : [named[3], named[4]];
  return {
    ...(account || ofAccount ? { account: account || ofAccount } : {}),
    ...(region || ofRegion ? { region: region || ofRegion } : {}),
  };
}

/** Where a release is kept that does not say it. */
export function toBucket(context: Pick<ReleaseContext, "environment">, words: PlaceWords): string | undefined {
  const { account } = toPlaceDefaults(context, words);
  const owner = findDeployer(context, words)?.split(":")[4] ?? account;
  return words.bucket ?? (owner === undefined ? undefined : `${toConstants(context, words).bucketPrefix}${owner}`);
}

/** Who types. */
export function toActor({ environment }: Pick<ReleaseContext, "environment">): string {
  return environment["STACKYARD_ACTOR"] || environment["USER"] || environment["LOGNAME"] || "somebody";
}

function toPreset({ environment }: Pick<ReleaseContext, "environment">, { preset, deployer }: PlaceWords): PresetName {
  return preset ?? (deployer === undefined && environment["ODIN_STEP"] ? "odin" : "stackyard");
}

/** The predecessor's client took the name from its environment. */
function findDeployer(
  { environment }: Pick<ReleaseContext, "environment">,
  { deployer }: PlaceWords,
): string | undefined {
  return deployer ?? (environment["ODIN_STEP"] || undefined);
}

async function openDeployer(
  context: ReleaseContext,
  words: PlaceWords,
  shared: Pick<Parameters<typeof createYardPlace>[0], "preset" | "constants" | "by" | "signal">,
): Promise<ReleasePlace> {
  if (words.role !== undefined || words.lockTable !== undefined) {
    throw usage("--role and --lock-table are the deployer's own matter: leave them out with --deployer.");
  }
  const machineArn = toMachineArn(context, words);
  const [, , , region = "", account = ""] = machineArn.split(":");
  // The SDK is loaded by those who need it.
  const [{ createDeployerPlace }, aws] = await Promise.all([
    import("../place/deployer-place.ts"),
    context.openAws(region),
  ]);
  const bucket = words.bucket ?? `${shared.constants.bucketPrefix}${account}`;
  const { clock, random } = context;
  return createDeployerPlace({ ...shared, ...aws, machineArn, bucket, clock, random });
}

/** With one's own credentials: who may only start runs, or only write the bucket, deploys nothing. */
function createStoring(
  { openAws, clock }: ReleaseContext,
  bucket: string,
  { constants: { generation }, by }: { readonly constants: ReleaseConstants; readonly by: string },
): NonNullable<Parameters<typeof createYardPlace>[0]["storeDocument"]> {
  return async (document, userData) => {
    const [{ createBucketMemory }, { s3 }] = await Promise.all([
      import("../deploy/memory.ts"),
      openAws(String(document["aws_region"] ?? "us-east-1")),
    ]);
    const memory = createBucketMemory({ s3, bucket, clock, generation, by });
    const stored = { document, ...(userData === undefined ? {} : { userData }) };
    await memory.storeDocument(toReleaseKey(document), stored);
  };
}

const MACHINE_ARN = /^arn:aws[a-z-]*:states:[a-z0-9-]+:[0-9]{12}:stateMachine:[^:]{1,80}$/;

function toMachineArn(context: ReleaseContext, words: PlaceWords): string {
  const name = findDeployer(context, words) ?? "";
  if (MACHINE_ARN.test(name)) return name;
  if (name.startsWith("arn:")) throw usage(`--deployer "${name}" is no ARN of a state machine.`);
  const { account, region } = toPlaceDefaults(context, words);
  if (account === undefined || region === undefined) {
    throw usage(`Where is the deployer "${name}"? Give its ARN, or set AWS_ACCOUNT_ID and AWS_REGION.`);
  }
  const partition = region.startsWith("cn-") ? "aws-cn" : region.startsWith("us-gov-") ? "aws-us-gov" : "aws";
  return `arn:${partition}:states:${region}:${account}:stateMachine:${name}`;
}

function usage(message: string): StackyardError {
  return new StackyardError("USAGE", message);
}

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

const word = (placeholder: string, description: string) =>
  Type.Optional(Type.String({ minLength: 1, maxLength: 2_048, placeholder, description }));

/** Whose documents, tags and paths. */
export const presetArg = Type.Optional(
  Type.Union(
    (Object.keys(PRESETS) as readonly (keyof typeof PRESETS)[]).map((name) => Type.Literal(name)),
    { description: "Whose documents, tags and paths. Default: stackyard; with ODIN_STEP: odin." },
  ),
);

/** The account and the region, where nothing else says them. */
export const accountArgs = {
  account: Type.Optional(
    Type.String({
      pattern: "^[0-9]{12}$",
      expected: "12 digits",
      placeholder: "id",
      description: "Default: AWS_ACCOUNT_ID.",
    }),
  ),
  region: word("name", "Default: AWS_REGION."),
};

/** Where releases are deployed. */
export const placeArgs = {
  preset: presetArg,
  deployer: word(
    "name|arn",
    "A deployer under Step Functions instead of the yard. Default: ODIN_STEP, where it is set.",
  ),
  bucket: word("name", "Where the deployer keeps releases; of a yard: a predecessor's bucket that it shall use too."),
  lockTable: word("name", "Of a yard, with --bucket: the predecessor's table of locks."),
  ...accountArgs,
  role: word("name", "Of a yard: the role that its runner takes in the account. Default: its own."),
  externalId: word("text", "For that role."),
};

/** A release file. */
export const fileArg = Type.String({
  minLength: 1,
  description: "The release; its user data is in the file of the same name and .userdata.",
});

/** A release that was started. */
export const releaseArg = Type.String({
  pattern: "^[A-Za-z0-9._-]{1,80}$",
  expected: "letters, digits, dots, - and _, at most 80",
  description: "The run, or the execution, as `release deploy` and `release ls` print it.",
});

/** Project and config, in this order. */
export const projectArgs = {
  project: Type.String({ minLength: 1, maxLength: 255, description: "Such as acme/shop." }),
  config: Type.String({ minLength: 1, maxLength: 255, description: "Such as production." }),
};

/** Of commands that follow a release. */
export const followArgs = toFollowArgs("release");

/** Stands in the history. */
export const reasonArg = Type.String({ minLength: 1, maxLength: 1_000, description: "Stands in the history." });

/** What a client of a deployer under Step Functions calls. */
export interface DeployerAws {
  readonly s3: S3Client;
  readonly sfn: SFNClient;
}

/** AWS with the credentials of whoever types the command. Calls nothing yet. */
export function openDeployerAws(region: string): DeployerAws {
  const access = createAwsAccess({
    clock: systemClock,
    session: { name: "stackyard-release" },
    region,
    // The bucket lies where its releases go to, which need not be where the deployer runs.
    clientConfig: { followRegionRedirects: true },
  });
  return { s3: access.client(S3Client, undefined), sfn: access.client(SFNClient, undefined) };
}

/** Ends that come before any work: a lock, permissions, configuration, a service that does not answer. */
const COULD_NOT_START: ReadonlySet<string> = new Set([
  ...["LOCK_EXISTS", "CONFIG_INVALID", "EXECUTOR_UNKNOWN", "MACHINE_UNKNOWN", "UNREACHABLE", "ACCESS_DENIED"],
]);

/**
 * The exit code of a command that has followed a release to its end: 0 it is done, 1 it has failed and nothing of it is left, 2 it
 * has left something behind, 3 it could not start.
 */
export function toReleaseExitCode({ standing, end, error, report }: Release): 0 | 1 | 2 | 3 {
  if (standing === "succeeded") return 0;
  if (end === "FailureDirty" || error?.code === "LEFT_BEHIND") return 2;
  if (error !== undefined && COULD_NOT_START.has(error.code)) return 3;
  // A run that ended without a word of its executor has cleaned nothing up.
  const hasBegun = report?.path.some(({ state }) => state === "Deploy") === true;
  return end === undefined && hasBegun ? 2 : 1;
}
