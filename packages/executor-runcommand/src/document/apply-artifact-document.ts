import { createHash } from "node:crypto";
import scripts from "./generated/scripts.json" with { type: "json" };

/** An S3 key encoded for a URL: other characters are `%` and two digits, and never control characters. */
const KEY = "([A-Za-z0-9_.~/-]|%[2-9A-F][0-9A-F])+";

const BUCKET = "[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]";

/** No part of a path begins with a dot or a hyphen, so none leads upwards or is an option. */
const PART = "[A-Za-z0-9_][A-Za-z0-9_.-]*";

/**
 * The parameters of `Stackyard-ApplyArtifact`. Agents without `ENV_VAR` write values into the text of the script,
 * between single quotes. So every pattern excludes characters that could end them in a shell or in PowerShell (any
 * quote, a backslash, a line end) and SSM references (`{{`). Uses only syntax that all regular-expression engines
 * share.
 */
export const applyArtifactParameters = {
  ArtifactLocation: {
    type: "String",
    description:
      "Where the artifact lies: s3://BUCKET/KEY, percent-encoded, with ?versionId=VERSION behind it for one version.",
    allowedPattern: String.raw`^s3://${BUCKET}/${KEY}(\?versionId=[A-Za-z0-9_.-]+)?$`,
    maxChars: 4_200,
    interpolationType: "ENV_VAR",
  },
  ArtifactSha256: {
    type: "String",
    description: "SHA-256 of the artifact, in 64 lower-case hex digits. Another artifact is not unpacked.",
    allowedPattern: "^[0-9a-f]{64}$",
    maxChars: 64,
    interpolationType: "ENV_VAR",
  },
  Inventory: {
    type: "String",
    description: "Text of the inventory in base64. Empty: no role applies.",
    default: "",
    allowedPattern: "^[A-Za-z0-9+/]*={0,2}$",
    maxChars: 16_384,
    interpolationType: "ENV_VAR",
  },
  InventorySource: {
    type: "String",
    description: "parameter: Inventory. instance-tags: the instance reads its tag Ansible_Roles from its metadata.",
    default: "parameter",
    allowedPattern: "^(parameter|instance-tags)$",
    allowedValues: ["parameter", "instance-tags"],
    interpolationType: "ENV_VAR",
  },
  EntryPoint: {
    type: "String",
    description:
      "File of the artifact that is run: a playbook (.yml, .yaml), a PowerShell script on Windows, else a shell script.",
    default: "ansible/playbook.yml",
    allowedPattern: `^${PART}(/${PART})*$`,
    maxChars: 255,
    interpolationType: "ENV_VAR",
  },
  ExecutionTimeout: {
    type: "String",
    description: "Seconds that the whole may take, 1 to 172800.",
    default: "600",
    allowedPattern: "^([1-9][0-9]{0,4}|1[0-6][0-9]{4}|17[01][0-9]{3}|172[0-7][0-9]{2}|172800)$",
  },
  LockWait: {
    type: "String",
    description: "Seconds to wait for another run on the same host. 0: fail at once.",
    default: "60",
    allowedPattern: "^[0-9]{1,4}$",
    interpolationType: "ENV_VAR",
  },
} as const satisfies Readonly<Record<string, SsmDocumentParameter>>;

/** An SSM document with steps that run scripts, in SSM's format. */
export interface SsmDocument {
  readonly schemaVersion: "2.2";
  readonly description: string;
  readonly parameters: Readonly<Record<string, SsmDocumentParameter>>;
  readonly mainSteps: readonly SsmStep[];
}

/** A step of such a document; a node runs only those of its platform. */
export interface SsmStep {
  readonly action: "aws:runShellScript" | "aws:runPowerShellScript";
  readonly name: string;
  readonly precondition: { readonly StringEquals: readonly ["platformType", "Linux" | "Windows"] };
  readonly inputs: { readonly timeoutSeconds: string; readonly runCommand: readonly string[] };
}

/** The document's name in the templates. */
export const applyArtifactName = "Stackyard-ApplyArtifact";

/**
 * The document for instances: fetches an artifact with the instance's own role, checks its SHA-256, unpacks it into a
 * private folder and runs its entry point. The scripts are in this folder.
 */
export const applyArtifactDocument: SsmDocument = {
  schemaVersion: "2.2",
  description: "Stackyard: fetches an artifact, checks its SHA-256, and runs its entry point.",
  parameters: applyArtifactParameters,
  mainSteps: [
    toStep("aws:runShellScript", "applyOnLinux", "Linux", scripts.sh),
    toStep("aws:runPowerShellScript", "applyOnWindows", "Windows", scripts.ps1),
  ],
};

/** The published text of the document, byte for byte. */
export const applyArtifactText = JSON.stringify(applyArtifactDocument);

/** SHA-256 of the published text in hex, for `DocumentHash` of a command: SSM does not run a changed document. */
export const applyArtifactHash = createHash("sha256").update(applyArtifactText).digest("hex");

function toStep(
  action: SsmStep["action"],
  name: string,
  platform: "Linux" | "Windows",
  runCommand: readonly string[],
): SsmStep {
  const precondition = { StringEquals: ["platformType", platform] } as const;
  return { action, name, precondition, inputs: { timeoutSeconds: "{{ ExecutionTimeout }}", runCommand } };
}

/** A parameter of an SSM document. */
export interface SsmDocumentParameter {
  readonly type: "String";
  readonly description: string;
  readonly default?: string;
  readonly allowedPattern: string;
  readonly allowedValues?: readonly string[];
  readonly maxChars?: number;
  /** The agent passes the value in the environment, as `SSM_<name>`; agents before 3.3.2746.0 do not support it. */
  readonly interpolationType?: "ENV_VAR";
}

/** The name of a parameter of `Stackyard-ApplyArtifact`. */
export type ApplyArtifactParameter = keyof typeof applyArtifactParameters;

/** An object in S3 that instances apply. */
export interface ArtifactObject {
  readonly bucket: string;
  readonly key: string;
  /** In a bucket with versions. */
  readonly versionId?: string | undefined;
}

const LOCATION = new RegExp(applyArtifactParameters.ArtifactLocation.allowedPattern);
/** Longest key of S3, in bytes. */
const MAX_KEY_BYTES = 1_024;

/** Returns the percent-encoded location that the document accepts, or undefined for a key that it cannot express. */
export function findArtifactLocation({ bucket, key, versionId }: ArtifactObject): string | undefined {
  if (!key.isWellFormed() || Buffer.byteLength(key) > MAX_KEY_BYTES || /^(file|fileb):\/\//.test(key)) return undefined;
  const version = versionId === undefined ? "" : `?versionId=${versionId}`;
  const location = `s3://${bucket}/${key.split("/").map(encodePart).join("/")}${version}`;
  return LOCATION.test(location) ? location : undefined;
}

/** Encodes a part of a path, including marks that `encodeURIComponent` keeps and a script's quotes must not contain. */
function encodePart(part: string): string {
  return encodeURIComponent(part).replace(/[!'()*]/g, (mark) => `%${mark.charCodeAt(0).toString(16).toUpperCase()}`);
}
