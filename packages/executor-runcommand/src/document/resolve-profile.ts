import { defined } from "@stackyard/core";
import { type Static, Type } from "typebox";
import {
  type ArtifactObject,
  applyArtifactHash,
  applyArtifactName,
  applyArtifactParameters,
  findArtifactLocation,
} from "./apply-artifact-document.ts";

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
  /** Of type `Sha256`. */
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
  const { profiles = {} } = input;
  const found = Object.hasOwn(profiles, name) ? profiles[name] : findBuiltIn(name);
  if (found !== undefined) return resolveDefinition(name, found, input);
  if (name === "garlc-1") return resolveGarlc(input);
  const known = [...new Set(["garlc-1", ...Object.keys(builtInProfiles), ...Object.keys(profiles)])].toSorted();
  return problem("PROFILE_UNKNOWN", `Unknown profile ${JSON.stringify(name)}. Valid profiles: ${known.join(", ")}.`);
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
    ...(artifact === undefined ? [] : [["@artifact.location", artifact.location] as const]),
    ...(artifact === undefined ? [] : [["@artifact.sha256", artifact.sha256] as const]),
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

const DocumentName = Type.String({ pattern: "^[A-Za-z0-9_.:/-]{3,128}$" });
const DocumentVersion = Type.String({ pattern: String.raw`^(\$DEFAULT|\$LATEST|[1-9][0-9]{0,8})$` });
const DocumentHash = Type.String({ pattern: "^[0-9a-f]{64}$" });
const Platforms = Type.Array(Type.Union([Type.Literal("linux"), Type.Literal("windows")]), {
  minItems: 1,
  maxItems: 2,
  uniqueItems: true,
});

/** Runs a file of the artifact by `Stackyard-ApplyArtifact`. */
export const ArtifactProfile = Type.Object(
  {
    kind: Type.Literal("artifact"),
    /** File of the artifact. A name that ends in `.ps1` is for Windows, any other one for Linux. */
    entryPoint: Type.String({ pattern: applyArtifactParameters.EntryPoint.allowedPattern, maxLength: 255 }),
    /** Seconds to wait for another run on the same host. Default: 60. */
    lockWaitSeconds: Type.Optional(Type.Integer({ minimum: 0, maximum: 9_999 })),
    /** Where the document was made under another name. */
    document: Type.Optional(DocumentName),
    /** Instead of the document's content hash. */
    documentVersion: Type.Optional(DocumentVersion),
  },
  { additionalProperties: false },
);
export type ArtifactProfile = Static<typeof ArtifactProfile>;

/** Looks for patches, or installs them, by `AWS-RunPatchBaseline`. */
export const PatchProfile = Type.Object(
  {
    kind: Type.Literal("patch"),
    operation: Type.Union([Type.Literal("Scan"), Type.Literal("Install")]),
    /** Default: `NoReboot` for a scan, `RebootIfNeeded` for an installation. */
    rebootOption: Type.Optional(Type.Union([Type.Literal("RebootIfNeeded"), Type.Literal("NoReboot")])),
  },
  { additionalProperties: false },
);
export type PatchProfile = Static<typeof PatchProfile>;

/** Sends a document of yours, or of AWS, with parameters that are the same for every run except for the names below. */
export const DocumentProfile = Type.Object(
  {
    kind: Type.Literal("document"),
    document: DocumentName,
    documentVersion: Type.Optional(DocumentVersion),
    documentHash: Type.Optional(DocumentHash),
    /** Default: both. */
    platforms: Type.Optional(Platforms),
    /**
     * A value that is exactly `@artifact.location`, `@artifact.sha256`, `@inventory` (base64) or `@timeout` (seconds)
     * is replaced by the run's. Names within a longer text are not replaced.
     */
    parameters: Type.Optional(
      Type.Record(
        Type.String({ pattern: "^[A-Za-z][A-Za-z0-9_-]{0,127}$" }),
        Type.Array(Type.String({ maxLength: 32_768 }), { maxItems: 1_000 }),
        { maxProperties: 64 },
      ),
    ),
  },
  { additionalProperties: false },
);
export type DocumentProfile = Static<typeof DocumentProfile>;

/** The command of a run for its instances. */
export const ProfileDefinition = Type.Union([ArtifactProfile, PatchProfile, DocumentProfile]);
export type ProfileDefinition = Static<typeof ProfileDefinition>;

/** The built-in profiles; `garlc-1` too, but it consists of lines. */
export const builtInProfiles: Readonly<Record<string, ProfileDefinition>> = {
  ansible: { kind: "artifact", entryPoint: "ansible/playbook.yml" },
  powershell: { kind: "artifact", entryPoint: "windows/configure.ps1" },
  "patch-scan": { kind: "patch", operation: "Scan" },
  "patch-install": { kind: "patch", operation: "Install" },
};

/** The input of the lines of the profile `garlc-1`. */
export interface GarlcInput {
  readonly artifact: ArtifactObject;
  /** UTC time of the dispatch as `YYYYMMDDHHMMSS`, the same for every instance of a run. */
  readonly stamp: string;
}

const METADATA = "http://169.254.169.254/latest";
const TOKEN = `curl -s -X PUT -H 'X-aws-ec2-metadata-token-ttl-seconds: 300' ${METADATA}/api/token`;

/**
 * Returns the six lines that old repositories expect, for `AWS-RunShellScript`: region, signature version, copy, unzip,
 * the repository's own `generate_inventory_file.sh`, playbook. Each is unchanged, except that the region is requested
 * with a token, so that instances that require IMDSv2 work too. A failing line does not stop the next one; the last
 * exit code counts.
 */
export function garlcLines({ artifact, stamp }: GarlcInput): readonly string[] {
  if (!/^[0-9]{14}$/.test(stamp)) throw new TypeError(`A stamp is YYYYMMDDHHMMSS, not ${JSON.stringify(stamp)}.`);
  const source = quote(`s3://${artifact.bucket}/${artifact.key}`);
  return [
    `export AWS_DEFAULT_REGION="$(curl -s -H "X-aws-ec2-metadata-token: $(${TOKEN})" ${METADATA}/dynamic/instance-identity/document | sed -n 's/.*"region" *: *"\\([^"]*\\)".*/\\1/p')"`,
    "aws configure set default.s3.signature_version s3v4",
    `aws s3 cp ${source} /tmp/${stamp}.zip --quiet`,
    `unzip -qq /tmp/${stamp}.zip -d /tmp/${stamp}`,
    `bash /tmp/${stamp}/generate_inventory_file.sh`,
    `ansible-playbook -i /tmp/inventory /tmp/${stamp}/ansible/playbook.yml`,
  ];
}

/** Quotes a name as one word of a line, whatever it contains: `AWS-RunShellScript` only accepts lines. */
function quote(text: string): string {
  return `'${text.replaceAll("'", String.raw`'\''`)}'`;
}

/** Options of the executor `runcommand`. */
export const RunCommandOptions = Type.Object(
  {
    profiles: Type.Optional(
      Type.Record(Type.String({ pattern: "^[a-z][a-z0-9-]{0,62}$" }), ProfileDefinition, {
        description:
          "Your own profiles by name: `artifact` (a file of the artifact), `patch`, or `document` with fixed parameters. Default: none",
      }),
    ),
    reportUrl: Type.Optional(
      Type.String({
        pattern: "^https?://",
        maxLength: 1_000,
        description: "The address of reports; `{runId}` is replaced by the id of the run. Default: a URN",
      }),
    ),
  },
  { additionalProperties: false },
);
export type RunCommandOptions = Static<typeof RunCommandOptions>;
