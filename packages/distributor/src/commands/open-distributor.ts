import { StackyardError } from "@stackyard/core";
import { ARTIFACT_NAME, ARTIFACT_VERSION, type CallDistributor } from "@stackyard/sdk/artifacts";
import type { ArtifactContext } from "./artifact-command.ts";

/** Which distributor, as words of a command line. */
export interface DistributorWords {
  readonly distributor?: string;
  readonly distributorRegion?: string;
}

const FUNCTION =
  /^(arn:aws[a-z-]*:lambda:[a-z0-9-]+:[0-9]{12}:function:)?[A-Za-z0-9_-]{1,140}(:[A-Za-z0-9$_-]{1,128})?$/;

/** The distributor that is meant. Throws `USAGE` where none is named, or what is named can be none. */
export function openDistributor(context: ArtifactContext, words: DistributorWords): Promise<CallDistributor> {
  const functionName = words.distributor ?? (context.environment["STACKYARD_DISTRIBUTOR"] || undefined);
  if (functionName === undefined) {
    throw usage(
      "Which distributor? Give --distributor, or set STACKYARD_DISTRIBUTOR: the name or the ARN of its function.",
    );
  }
  if (!FUNCTION.test(functionName))
    throw usage(`--distributor "${functionName}" is neither a name nor an ARN of a function.`);
  const region = findDistributorRegion(context, words);
  return context.openDistributor({ functionName, signal: context.signal, ...(region && { region }) });
}

/** Where it is, and its bucket with it. Undefined: as the SDK finds it. */
export function findDistributorRegion(
  { environment }: Pick<ArtifactContext, "environment">,
  words: DistributorWords,
): string | undefined {
  const name = words.distributor ?? environment["STACKYARD_DISTRIBUTOR"] ?? "";
  const ofArn = name.startsWith("arn:") ? name.split(":")[3] : undefined;
  return (
    words.distributorRegion ?? (ofArn || environment["AWS_REGION"] || environment["AWS_DEFAULT_REGION"] || undefined)
  );
}

/** The bucket that artifacts are published into. Throws `USAGE`. */
export function findSourceBucket(
  { environment }: Pick<ArtifactContext, "environment">,
  { bucket }: { readonly bucket?: string },
): string {
  const found = bucket ?? (environment["STACKYARD_ARTIFACTS_BUCKET"] || undefined);
  if (found !== undefined) return found;
  throw usage("Which bucket? Give --bucket, or set STACKYARD_ARTIFACTS_BUCKET: the distributor's own.");
}

const NAME = new RegExp(ARTIFACT_NAME);
const VERSION = new RegExp(ARTIFACT_VERSION);

/** `name` or `name@version`. Throws `USAGE`. */
export function parseArtifactWord(text: string): { readonly name: string; readonly version?: string } {
  const [name = "", version, ...more] = text.split("@");
  if (!NAME.test(name) || more.length > 0 || (version !== undefined && !VERSION.test(version))) {
    throw usage(`--artifact "${text}" is neither a name nor a name@version.`);
  }
  return version === undefined ? { name } : { name, version };
}

/** Of words that are wrong together. */
export function usage(message: string): StackyardError {
  return new StackyardError("USAGE", message);
}
