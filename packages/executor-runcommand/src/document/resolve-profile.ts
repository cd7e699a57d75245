import { defined } from "@stackyard/core";
import {
  type ArtifactObject,
  applyArtifactHash,
  applyArtifactName,
  findArtifactLocation,
} from "./apply-artifact-document.ts";
import { garlcLines } from "./garlc-lines.ts";
import {
  type ArtifactProfile,
  builtInProfiles,
  type DocumentProfile,
  type PatchProfile,
  type ProfileDefinition,
} from "./profile-definition.ts";

/** The facts about a run for its command. */
export interface ProfileInput {
  readonly artifact?: (ArtifactObject & { readonly sha256?: string | undefined }) | undefined;
  /**
   * Text of the inventory. `fromTags`: each instance reads its own tag, because one command goes to different
   * instances.
   */
  readonly inventory: string | { readonly kind: "from-tags" };
  readonly platform: "linux" | "windows";
  /** Seconds that a command may take on an instance, 1 to 172,800. */
  readonly timeoutSeconds: number;
  /** UTC time of the dispatch as `YYYYMMDDHHMMSS`. */
  readonly stamp: string;
  /** Profiles of the installation; one may have the name of a built-in one, and then takes its place. */
  readonly profiles?: Readonly<Record<string, ProfileDefinition>> | undefined;
}

/** The pinned document to send, and its parameters. */
export interface ResolvedProfile {
  readonly kind: "resolved";
  readonly documentName: string;
  /** The SHA-256 of the document. */
  readonly documentHash?: string;
  readonly documentVersion?: string;
  readonly parameters: Readonly<Record<string, readonly string[]>>;
  /** True if the inventory is a parameter: instances with other roles need a separate command. */
  readonly perInstanceInventory: boolean;
}

/** Why nothing can be sent. */
export interface ProfileProblem {
  readonly kind: "problem";
  readonly code: "PROFILE_UNKNOWN" | "PROFILE_PLATFORM" | "ARTIFACT_MISSING" | "ARTIFACT_UNUSABLE";
  readonly message: string;
}

/** The old lines shared one time limit. */
const GARLC_SECONDS = "600";

/** Returns a profile's command for one platform. */
export function resolveProfile(name: string, input: ProfileInput): ResolvedProfile | ProfileProblem {
  const profiles = new Map(Object.entries({ ...builtInProfiles, ...input.profiles }));
  const found = profiles.get(name);
  if (found !== undefined) return resolveDefinition(name, found, input);
  if (name === "garlc-1") return resolveGarlc(input);
  const known = ["garlc-1", ...profiles.keys()].toSorted();
  return problem("PROFILE_UNKNOWN", `Unknown profile ${JSON.stringify(name)}. Valid profiles: ${known.join(", ")}.`);
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
      ...defined({ LockWait: lockWaitSeconds === undefined ? undefined : [String(lockWaitSeconds)] }),
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
    ["@artifact.location", artifact?.location],
    ["@artifact.sha256", artifact?.sha256],
    ["@inventory", typeof input.inventory === "string" ? toBase64(input.inventory) : ""],
    ["@timeout", String(input.timeoutSeconds)],
  ]);
  return resolved(document, {
    ...defined({ documentVersion, documentHash }),
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
  // SSM would interpret these as one of its own parameters.
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
    `The document cannot express the key of ${JSON.stringify(`s3://${bucket}/${key}`)}. Rename the object.`,
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
