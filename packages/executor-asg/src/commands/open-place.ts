import { StackyardError } from "@stackyard/core";
import { createYardPlace } from "../place/create-yard-place.ts";
import type { ReleasePlace } from "../place/release-place.ts";
import { toReleaseKey } from "../place/to-release-key.ts";
import { PRESETS, type PresetName, type ReleaseConstants } from "../release-constants.ts";
import type { ReleaseContext } from "./release-command.ts";

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
    import("../place/create-deployer-place.ts"),
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
      import("../memory/bucket-memory.ts"),
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
