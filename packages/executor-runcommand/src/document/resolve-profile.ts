import { applyArtifactHash, applyArtifactName } from "./apply-artifact-document.ts";
import { garlcLines } from "./garlc-lines.ts";
import {
  type ArtifactProfile,
  builtInProfiles,
  type DocumentProfile,
  type PatchProfile,
  type ProfileDefinition,
} from "./profile-definition.ts";
import { type ArtifactObject, findArtifactLocation } from "./to-artifact-location.ts";

/** What is known of a run when its command is made. */
export interface ProfileInput {
  readonly artifact?: (ArtifactObject & { readonly sha256?: string | undefined }) | undefined;
  /** Text of the inventory. `fromTags`: each instance reads its own tag, since the command goes to many that differ. */
  readonly inventory: string | { readonly kind: "from-tags" };
  readonly platform: "linux" | "windows";
  /** Seconds that a command may take on an instance, 1 to 172,800. */
  readonly timeoutSeconds: number;
  /** UTC time of the dispatch as `YYYYMMDDHHMMSS`. */
  readonly stamp: string;
  /** Profiles of the installation; one may have the name of a built-in one, and then takes its place. */
  readonly profiles?: Readonly<Record<string, ProfileDefinition>> | undefined;
}

/** What is sent: the document, pinned, and its parameters. */
export interface ResolvedProfile {
  readonly kind: "resolved";
  readonly documentName: string;
  /** Of type `Sha256`. */
  readonly documentHash?: string;
  readonly documentVersion?: string;
  readonly parameters: Readonly<Record<string, readonly string[]>>;
  /** The inventory is among the parameters: instances with other roles need a command of their own. */
  readonly perInstanceInventory: boolean;
}

/** Why nothing can be sent. */
export interface ProfileProblem {
  readonly kind: "problem";
  readonly code: "PROFILE_UNKNOWN" | "PROFILE_PLATFORM" | "ARTIFACT_MISSING" | "ARTIFACT_UNUSABLE";
  readonly message: string;
}

/** The old lines had one budget for all of them together. */
const GARLC_SECONDS = "600";

/** What a profile sends for one platform. */
export function resolveProfile(name: string, input: ProfileInput): ResolvedProfile | ProfileProblem {
  const { profiles = {} } = input;
  const found = Object.hasOwn(profiles, name) ? profiles[name] : findBuiltIn(name);
  if (found !== undefined) return resolveDefinition(name, found, input);
  if (name === "garlc-1") return resolveGarlc(input);
  const known = [...new Set(["garlc-1", ...Object.keys(builtInProfiles), ...Object.keys(profiles)])].toSorted();
  return problem("PROFILE_UNKNOWN", `There is no profile ${JSON.stringify(name)}. There are: ${known.join(", ")}.`);
}

function findBuiltIn(name: string): ProfileDefinition | undefined {
  return Object.hasOwn(builtInProfiles, name) ? builtInProfiles[name] : undefined;
}

function resolveDefinition(name: string, profile: ProfileDefinition, input: ProfileInput) {
  switch (profile.kind) {
    case "artifact":
      return resolveArtifact(name, profile, input);
    case "patch":
      return resolvePatch(profile);
    case "document":
      return resolveDocument(name, profile, input);
  }
}

function resolveArtifact(name: string, profile: ArtifactProfile, input: ProfileInput) {
  const { entryPoint, documentVersion, document = applyArtifactName, lockWaitSeconds } = profile;
  const platform = entryPoint.endsWith(".ps1") ? "windows" : "linux";
  if (platform !== input.platform) return wrongPlatform(name, [platform], input);
  const artifact = findArtifact(name, input);
  if (artifact.kind === "problem") return artifact;
  const fromTags = typeof input.inventory !== "string";
  return resolved(document, {
    ...(documentVersion === undefined ? { documentHash: applyArtifactHash } : { documentVersion }),
    perInstanceInventory: !fromTags && platform === "linux",
    parameters: {
      ArtifactLocation: [artifact.location],
      ArtifactSha256: [artifact.sha256],
      ...(platform === "linux" ? toInventoryParameters(input) : {}),
      EntryPoint: [entryPoint],
      ExecutionTimeout: [String(input.timeoutSeconds)],
      ...(lockWaitSeconds === undefined ? {} : { LockWait: [String(lockWaitSeconds)] }),
    },
  });
}

function toInventoryParameters({ inventory }: ProfileInput) {
  if (typeof inventory !== "string") return { InventorySource: ["instance-tags"] };
  return { Inventory: [toBase64(inventory)] };
}

function resolvePatch({ operation, rebootOption }: PatchProfile): ResolvedProfile {
  const usual = operation === "Scan" ? "NoReboot" : "RebootIfNeeded";
  return resolved("AWS-RunPatchBaseline", {
    parameters: { Operation: [operation], RebootOption: [rebootOption ?? usual] },
  });
}

function resolveDocument(name: string, profile: DocumentProfile, input: ProfileInput) {
  const { document, documentVersion, documentHash, platforms, parameters = {} } = profile;
  if (platforms !== undefined && !platforms.includes(input.platform)) return wrongPlatform(name, platforms, input);
  const values = Object.values(parameters).flat();
  const artifact = values.some((value) => value.startsWith("@artifact.")) ? findArtifact(name, input) : undefined;
  if (artifact?.kind === "problem") return artifact;
  const known = new Map([
    ...(artifact === undefined ? [] : [["@artifact.location", artifact.location] as const]),
    ...(artifact === undefined ? [] : [["@artifact.sha256", artifact.sha256] as const]),
    ["@inventory", typeof input.inventory === "string" ? toBase64(input.inventory) : ""],
    ["@timeout", String(input.timeoutSeconds)],
  ]);
  return resolved(document, {
    ...(documentVersion === undefined ? {} : { documentVersion }),
    ...(documentHash === undefined ? {} : { documentHash }),
    perInstanceInventory: values.includes("@inventory"),
    parameters: Object.fromEntries(
      Object.entries(parameters).map(([key, list]) => [key, list.map((value) => known.get(value) ?? value)]),
    ),
  });
}

function resolveGarlc(input: ProfileInput): ResolvedProfile | ProfileProblem {
  if (input.platform !== "linux") return wrongPlatform("garlc-1", ["linux"], input);
  const { artifact } = input;
  if (artifact === undefined) return noArtifact("garlc-1");
  // SSM would read these as the name of one of its own parameters.
  if (artifact.key.includes("{{") || !isPlainText(artifact.key)) return unusable(artifact);
  const commands = garlcLines({ artifact, stamp: input.stamp });
  return resolved("AWS-RunShellScript", { parameters: { commands, executionTimeout: [GARLC_SECONDS] } });
}

function findArtifact(name: string, { artifact }: ProfileInput) {
  if (artifact === undefined) return noArtifact(name);
  const location = findArtifactLocation(artifact);
  if (location === undefined) return unusable(artifact);
  const { sha256 = "" } = artifact;
  if (!/^[0-9a-f]{64}$/.test(sha256)) {
    return problem("ARTIFACT_UNUSABLE", `The SHA-256 of s3://${artifact.bucket}/${artifact.key} is not known.`);
  }
  return { kind: "artifact", location, sha256 } as const;
}

function isPlainText(key: string): boolean {
  return key.isWellFormed() && !/\p{Cc}/u.test(key);
}

function wrongPlatform(name: string, platforms: readonly string[], { platform }: ProfileInput): ProfileProblem {
  return problem(
    "PROFILE_PLATFORM",
    `Profile "${name}" is for ${platforms.join(" and ")}, and the instances run ${platform}.`,
  );
}

function noArtifact(name: string): ProfileProblem {
  return problem("ARTIFACT_MISSING", `Profile "${name}" applies an artifact: name its bucket and key.`);
}

function unusable({ bucket, key }: ArtifactObject): ProfileProblem {
  return problem(
    "ARTIFACT_UNUSABLE",
    `Instances cannot be told of ${JSON.stringify(`s3://${bucket}/${key}`)}: rename the object.`,
  );
}

function problem(code: ProfileProblem["code"], message: string): ProfileProblem {
  return { kind: "problem", code, message };
}

function resolved(
  documentName: string,
  rest: Pick<ResolvedProfile, "parameters"> & Partial<ResolvedProfile>,
): ResolvedProfile {
  return { perInstanceInventory: false, ...rest, kind: "resolved", documentName };
}

function toBase64(text: string): string {
  return Buffer.from(text).toString("base64");
}
