/** A parameter of an SSM document. */
export interface SsmDocumentParameter {
  readonly type: "String";
  readonly description: string;
  readonly default?: string;
  readonly allowedPattern: string;
  readonly allowedValues?: readonly string[];
  readonly maxChars?: number;
  /** The agent hands the value over in the environment, as `SSM_<name>`; agents older than 3.3.2746.0 do not know it. */
  readonly interpolationType?: "ENV_VAR";
}

/** A key of S3 as a URL writes it: what else it holds is `%` and two digits, and never a control character. */
const KEY = "([A-Za-z0-9_.~/-]|%[2-9A-F][0-9A-F])+";
const BUCKET = "[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]";
/** No part of a path begins with a dot or a hyphen, so none leads upwards and none is an option. */
const PART = "[A-Za-z0-9_][A-Za-z0-9_.-]*";

/**
 * The parameters of `Stackyard-ApplyArtifact`. Agents that do not know `ENV_VAR` write values into the text of the script,
 * between single quotes. So no pattern lets through what could end them in a shell or in PowerShell (any quote, a backslash,
 * a line's end) nor what SSM would read as a reference (`{{`). Only what all engines of expressions read alike is used.
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

/** The name of a parameter of `Stackyard-ApplyArtifact`. */
export type ApplyArtifactParameter = keyof typeof applyArtifactParameters;
