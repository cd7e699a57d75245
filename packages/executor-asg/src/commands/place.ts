import { S3Client } from "@aws-sdk/client-s3";
import { SFNClient } from "@aws-sdk/client-sfn";
import { createAwsAccess, findRegion, findUploadEncryption, loadOwnAccount } from "@stackyard/aws";
import {
  type AccountNames,
  type Clock,
  type Command,
  type CommandOutput,
  defined,
  optionalText,
  type PluginCommand,
  type PluginCommandContext,
  StackyardError,
  toPartition,
  withContext,
} from "@stackyard/core";
import { systemClock } from "@stackyard/core/engine";
import { type EnvironmentVariables, readEnvironment } from "@stackyard/core/environment";
import { toCell, toFollowArgs } from "@stackyard/sdk/commands";
import type { Release, ReleasesApi } from "@stackyard/sdk/releases";
import { type Static, type TObject, Type } from "typebox";
import { PRESETS, type PresetName, type ReleaseConstants } from "../presets.ts";
import { createYardPlace, type ReleasePlace, toReleaseKey, type YardPlaceOptions } from "./release-place.ts";

/** Arguments of a command that select where releases are deployed. */
export type PlaceWords = Static<TObject<typeof placeArgs>>;

/** Opens the yard of the command line, or the deployer it names. Throws `USAGE`, `CONFIG_INVALID`. */
export async function openPlace(context: ReleaseContext, given: PlaceWords): Promise<ReleasePlace> {
  const { signal } = context;
  const words = await resolveDeployer(context, given);
  const { bucket, lockTable, role, externalId } = words;
  const shared = {
    preset: toPreset(context, words),
    constants: toConstants(context, words),
    by: toActor(context),
    signal,
  };
  if (findDeployer(context, words) !== undefined) return openDeployer(context, words, shared);
  if (lockTable !== undefined && bucket === undefined) throw usage("--lock-table requires --bucket.");
  if (externalId !== undefined && role === undefined) throw usage("--external-id requires --role.");
  return createYardPlace({
    ...shared,
    releases: context.openReleases(context.server),
    ...defined({
      memory: bucket === undefined ? undefined : { bucket, ...defined({ lockTable }) },
      storeDocument: bucket === undefined ? undefined : createStoring(context, bucket, shared),
      role,
      externalId,
      pollMs: context.pollMs,
    }),
  });
}

/** The variables of the commands of releases. */
export const ReleaseVariables = Type.Object({
  AWS_ACCOUNT_ID: text("The account of releases, if neither the file nor `--account` names one"),
  STACKYARD_ACTOR: text("The name of the user in the records of releases. Default: `USER` or `LOGNAME`"),
  ODIN_STEP: text("The predecessor's deployer: the name or ARN of its state machine, as with `--deployer`"),
});

function text(description: string) {
  return Type.Optional(Type.String({ description }));
}

function readVariables(environment: EnvironmentVariables): Static<typeof ReleaseVariables> {
  return readEnvironment(ReleaseVariables, environment).values;
}

/** Returns the preset of the command line. */
export function toConstants(context: Pick<ReleaseContext, "environment">, words: PlaceWords): ReleaseConstants {
  return PRESETS[toPreset(context, words)];
}

/** Returns the default account and region of the command line. */
export function toPlaceDefaults({ environment }: Pick<ReleaseContext, "environment">, words: PlaceWords) {
  const account = words.account ?? readVariables(environment).AWS_ACCOUNT_ID ?? "";
  const region = words.region ?? findRegion(environment) ?? "";
  const named = findDeployer({ environment }, words)?.split(":");
  const [ofRegion = "", ofAccount = ""] = named === undefined ? [] : [named[3], named[4]];
  return {
    ...(account || ofAccount ? { account: account || ofAccount } : {}),
    ...(region || ofRegion ? { region: region || ofRegion } : {}),
  };
}

/** Returns the default bucket of releases. */
export function toBucket(context: Pick<ReleaseContext, "environment">, words: PlaceWords): string | undefined {
  const { account } = toPlaceDefaults(context, words);
  const owner = findDeployer(context, words)?.split(":")[4] ?? account;
  return words.bucket ?? (owner === undefined ? undefined : `${toConstants(context, words).bucketPrefix}${owner}`);
}

/** Returns the user of the command. */
export function toActor({ environment }: Pick<ReleaseContext, "environment">): string {
  return readVariables(environment).STACKYARD_ACTOR || environment["USER"] || environment["LOGNAME"] || "unknown";
}

function toPreset({ environment }: Pick<ReleaseContext, "environment">, { preset, deployer }: PlaceWords): PresetName {
  return preset ?? (deployer === undefined && readVariables(environment).ODIN_STEP ? "odin" : "stackyard");
}

function findDeployer({ environment }: Pick<ReleaseContext, "environment">, words: PlaceWords): string | undefined {
  return words.deployer ?? readVariables(environment).ODIN_STEP;
}

async function openDeployer(
  context: ReleaseContext,
  words: PlaceWords,
  shared: Pick<YardPlaceOptions, "preset" | "constants" | "by" | "signal">,
): Promise<ReleasePlace> {
  if (words.role !== undefined || words.lockTable !== undefined) {
    throw usage("--role and --lock-table cannot be used with --deployer. Remove them.");
  }
  const machineArn = findDeployer(context, words) ?? "";
  const [, , , region = "", account = ""] = machineArn.split(":");
  // Load the SDK only when needed.
  const [{ createDeployerPlace }, aws] = await Promise.all([import("./deployer-place.ts"), context.openAws(region)]);
  const bucket = words.bucket ?? `${shared.constants.bucketPrefix}${account}`;
  const { clock, random } = context;
  return createDeployerPlace({ ...shared, ...aws, machineArn, bucket, clock, random });
}

/**
 * Opens a deployer with the user's credentials: starting executions and writing the bucket are separate permissions.
 */
function createStoring(
  { openAws, clock }: ReleaseContext,
  bucket: string,
  { constants: { generation }, by }: { readonly constants: ReleaseConstants; readonly by: string },
): NonNullable<YardPlaceOptions["storeDocument"]> {
  return async (document, userData) => {
    const [{ createBucketMemory }, { s3 }] = await Promise.all([
      import("../deploy/bucket-memory.ts"),
      openAws(String(document["aws_region"] ?? "us-east-1")),
    ]);
    const memory = createBucketMemory({ s3, bucket, clock, generation, by });
    const stored = { document, ...defined({ userData }) };
    await memory.storeDocument(toReleaseKey(document), stored);
  };
}

const MACHINE_ARN = /^arn:aws[a-z-]*:states:[a-z0-9-]+:[0-9]{12}:stateMachine:[^:]{1,80}$/;

/**
 * Returns the words with the ARN of the deployer, if one is named. Its account is the given one, else that of the caller's
 * credentials. Throws `USAGE`, and errors of STS.
 */
export async function resolveDeployer<Words extends PlaceWords>(context: ReleaseContext, words: Words): Promise<Words> {
  const name = findDeployer(context, words);
  if (name === undefined || MACHINE_ARN.test(name)) return words;
  if (name.startsWith("arn:")) throw usage(`--deployer "${name}" is not the ARN of a state machine.`);
  const { account, region } = toPlaceDefaults(context, words);
  if (region === undefined) {
    throw usage(`Region of the deployer "${name}" is missing. Pass --region or its ARN, or set AWS_REGION.`);
  }
  const owner = account ?? (await (await context.openAws(region)).loadAccount());
  const deployer = `arn:${toPartition(region)}:states:${region}:${owner}:stateMachine:${name}`;
  // The variable that names a deployer also selects its preset.
  return { ...words, deployer, preset: toPreset(context, words) };
}

/** Returns the given flags that select a deployer as words, for a command that the user can copy. */
export function toPlaceFlags({ preset, deployer, bucket, account, region }: PlaceWords): readonly string[] {
  const given = Object.entries({ preset, deployer, bucket, account, region });
  return given.flatMap(([name, value]) => (value === undefined ? [] : [`--${name}`, toCell(value)]));
}

function usage(message: string): StackyardError {
  return new StackyardError("USAGE", message);
}

/** Dependencies of the release commands; tests replace them. */
export interface ReleaseCommandDeps {
  readonly clock: Clock;
  /** Returns random numbers from 0 to below 1. */
  readonly random: () => number;
  /** Opens the releases of the command's server. */
  openReleases(server: PluginCommandContext["server"]): ReleasesApi;
  openAws(region: string): Promise<DeployerAws>;
  /** Pause between two checks of a release. Default: 2 s. */
  readonly pollMs?: number;
}

/** Context of a release command. */
export interface ReleaseContext extends ReleaseCommandDeps {
  readonly out: CommandOutput;
  /** Base of relative paths. */
  readonly cwd: string;
  readonly environment: PluginCommandContext["environment"];
  readonly server: PluginCommandContext["server"];
  /** Names of AWS accounts, for people. */
  readonly accounts: AccountNames;
  readonly signal: AbortSignal;
}

/** Returns a release command as a command of a plugin. */
export function withReleases(command: Command<ReleaseContext>, deps: ReleaseCommandDeps): PluginCommand {
  return withContext(command, (context: PluginCommandContext) => {
    const { out, cwd, environment, accounts = {}, signal } = context;
    return {
      ...deps,
      out,
      cwd,
      environment,
      accounts,
      signal,
      // Resolved on demand, because it throws if no server is configured.
      get server() {
        return context.server;
      },
    };
  });
}

const WORD = { minLength: 1, maxLength: 2_048 };

/** Argument: preset of documents, tags and paths. */
export const presetArg = Type.Optional(
  Type.Union(
    (Object.keys(PRESETS) as readonly (keyof typeof PRESETS)[]).map((name) => Type.Literal(name)),
    { description: "Preset of documents, tags and paths. Default: stackyard; with ODIN_STEP: odin." },
  ),
);

/** Arguments: default account and region. */
export const accountArgs = {
  account: optionalText("Default: AWS_ACCOUNT_ID.", {
    pattern: "^[0-9]{12}$",
    expected: "12 digits",
    placeholder: "id",
  }),
  region: optionalText("Default: AWS_REGION.", { ...WORD, placeholder: "name" }),
};

/** Arguments that select where releases are deployed. */
export const placeArgs = {
  preset: presetArg,
  deployer: optionalText("A deployer under Step Functions instead of the yard. Default: ODIN_STEP.", {
    ...WORD,
    placeholder: "name|arn",
  }),
  bucket: optionalText("The deployer's bucket of releases; for a yard: a predecessor's bucket to use as well.", {
    ...WORD,
    placeholder: "name",
  }),
  lockTable: optionalText("For a yard, with --bucket: the predecessor's lock table.", { ...WORD, placeholder: "name" }),
  ...accountArgs,
  role: optionalText("For a yard: the role that its runner assumes in the account. Default: its own.", {
    ...WORD,
    placeholder: "name",
  }),
  externalId: optionalText("External id of that role.", { ...WORD, placeholder: "text" }),
};

/** Argument: a release file. */
export const fileArg = Type.String({
  minLength: 1,
  description: "The release file; its user data is in the file with .userdata appended.",
});

/** Argument: a started release. */
export const releaseArg = Type.String({
  pattern: "^[A-Za-z0-9._-]{1,80}$",
  expected: "letters, digits, dots, - and _, at most 80",
  description: "The job or execution, as printed by `asg deploy` and `asg ls`.",
});

/** Arguments: project and config. */
export const projectArgs = {
  project: Type.String({ minLength: 1, maxLength: 255, description: "Such as acme/shop." }),
  config: Type.String({ minLength: 1, maxLength: 255, description: "Such as production." }),
};

/** Argument of commands that follow a release. */
export const followArgs = toFollowArgs("release");

/** Argument: a reason for the history. */
export const reasonArg = Type.String({ minLength: 1, maxLength: 1_000, description: "Reason, stored in the history." });

/** AWS clients of a deployer under Step Functions. */
export interface DeployerAws {
  readonly s3: S3Client;
  readonly sfn: SFNClient;
  /** Loads the account of the user's credentials. */
  loadAccount(): Promise<string>;
}

/** Opens AWS with the user's credentials. Makes no calls. */
export function openDeployerAws(region: string): DeployerAws {
  const access = createAwsAccess({
    clock: systemClock,
    retriesDenials: false,
    session: { name: "stackyard-release" },
    // biome-ignore lint/style/noProcessEnv: the SDK reads the other settings of these clients from it too
    uploads: findUploadEncryption(process.env),
    region,
    // The bucket is in the region of its releases, which may differ from the deployer's.
    clientConfig: { followRegionRedirects: true },
  });
  return {
    s3: access.client(S3Client, undefined),
    sfn: access.client(SFNClient, undefined),
    loadAccount: () => loadOwnAccount(access),
  };
}

/** Failures before a release starts: a lock, permissions, configuration, an unavailable service. */
const COULD_NOT_START: ReadonlySet<string> = new Set([
  ...["LOCK_EXISTS", "CONFIG_INVALID", "EXECUTOR_UNKNOWN", "MACHINE_UNKNOWN", "UNREACHABLE", "ACCESS_DENIED"],
]);

/**
 * Returns the exit code of a command that followed a release to its end: 0 it succeeded, 1 it failed and everything it
 * created was removed, 2 it left resources behind, 3 it could not start.
 */
export function toReleaseExitCode({ standing, end, error, report }: Release): 0 | 1 | 2 | 3 {
  if (standing === "succeeded") return 0;
  if (end === "FailureDirty" || error?.code === "LEFT_BEHIND") return 2;
  if (error !== undefined && COULD_NOT_START.has(error.code)) return 3;
  // A job that ended without a result of its executor has not cleaned up.
  const hasBegun = report?.path.some(({ state }) => state === "Deploy") === true;
  return end === undefined && hasBegun ? 2 : 1;
}
