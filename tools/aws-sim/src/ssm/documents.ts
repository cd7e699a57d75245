import { type SimCall, textOf } from "../sim-call.ts";
import {
  constraint,
  type DocumentVersion,
  ssmFaults as faults,
  MAX_DOCUMENT_BYTES,
  parseDocument,
  type SimDocument,
  type SsmState,
} from "./ssm-state.ts";

/** API reference, "CreateDocument", Name, and the prefixes that AWS keeps. */
const NAME = /^[a-zA-Z0-9_\-.]{3,128}$/;
const RESERVED = /^(aws|amazon|amzn)/i;

/** Implements CreateDocument: Command documents in JSON. */
export function createDocument({ documents }: SsmState, call: SimCall): unknown {
  const name = textOf(call.input, "Name");
  if (!NAME.test(name))
    throw constraint("name", name, `Member must satisfy regular expression pattern: ${NAME.source}`);
  if (RESERVED.test(name)) throw faults.validation(`The name ${name} begins with a prefix that AWS reserves.`);
  const key = toKey(call, name);
  if (documents.has(key)) throw faults.documentExists(`The specified document already exists: ${name}`);
  const version = parseDocument(textOf(call.input, "Content"));
  const owner = call.identity.account;
  const document = { name, owner, createdAt: call.now, versions: [version], defaultVersion: 1 };
  documents.set(key, document);
  return { DocumentDescription: toDescription(document, 1) };
}

/** Finds a document by name, or by the ARN of one of the caller's own. */
export function openDocument({ documents }: SsmState, call: SimCall, nameOrArn: string): SimDocument {
  const name = nameOrArn.replace(/^arn:aws[a-z-]*:ssm:[^:]*:\d{12}:document\//, "");
  const found = documents.get(toKey(call, name)) ?? awsDocuments.get(name);
  if (found === undefined) throw faults.documentMissing(`Document with name ${nameOrArn} does not exist.`);
  return found;
}

/** Finds a version: `$DEFAULT`, `$LATEST` or a number. */
export function openVersion(
  document: SimDocument,
  wanted: string | undefined,
): { readonly number: number; readonly version: DocumentVersion } {
  const number = numberOf(document, wanted);
  const version = document.versions[number - 1];
  if (version === undefined) throw faults.documentVersion(`Version ${number} of ${document.name} does not exist.`);
  return { number, version };
}

function numberOf({ name, versions, defaultVersion }: SimDocument, wanted = "$DEFAULT"): number {
  if (wanted === "$DEFAULT") return defaultVersion;
  if (wanted === "$LATEST") return versions.length;
  const number = Number(wanted);
  if (versions[number - 1] === undefined) throw faults.documentVersion(`Version ${wanted} of ${name} does not exist.`);
  return number;
}

function toKey({ identity, region }: SimCall, name: string): string {
  return `${identity.account}/${region}/${name}`;
}

function toDescription(document: SimDocument, number: number): unknown {
  const { version } = openVersion(document, String(number));
  return {
    Name: document.name,
    Owner: document.owner,
    CreatedDate: new Date(document.createdAt),
    Status: "Active",
    Hash: version.hash,
    HashType: "Sha256",
    DocumentVersion: String(number),
    DocumentType: "Command",
    LatestVersion: String(document.versions.length),
    DefaultVersion: String(document.defaultVersion),
    SchemaVersion: version.schemaVersion,
    DocumentFormat: "JSON",
    PlatformTypes: version.platformTypes,
    Description: version.description,
    Parameters: Object.entries(version.parameters).map(([Name, parameter]) => ({
      Name,
      Type: parameter.type,
      Description: parameter.description,
      DefaultValue: parameter.default === undefined ? undefined : String(parameter.default),
    })),
  };
}

const SCRIPT = {
  commands: { type: "StringList" },
  workingDirectory: { type: "String", default: "" },
  executionTimeout: {
    type: "String",
    default: "3600",
    allowedPattern: "([1-9][0-9]{0,4})|(1[0-6][0-9]{4})|(17[0-1][0-9]{3})|(172[0-7][0-9]{2})|(172800)",
  },
};
const TIMEOUT = { timeoutSeconds: "{{ executionTimeout }}" };

/** The documents of AWS that fleets use. Parameters, patterns and steps are those that `aws ssm get-document` shows. */
const CONTENTS: Readonly<Record<string, object>> = {
  "AWS-RunShellScript": {
    parameters: SCRIPT,
    mainSteps: [{ action: "aws:runShellScript", name: "aws:runShellScript", inputs: TIMEOUT }],
  },
  "AWS-RunPowerShellScript": {
    parameters: SCRIPT,
    mainSteps: [{ action: "aws:runPowerShellScript", name: "aws:runPowerShellScript", inputs: TIMEOUT }],
  },
  "AWS-RunPatchBaseline": {
    parameters: {
      Operation: { type: "String", allowedValues: ["Scan", "Install"] },
      SnapshotId: { type: "String", default: "" },
      InstallOverrideList: { type: "String", default: "" },
      BaselineOverride: { type: "String", default: "" },
      AssociationId: { type: "String", default: "" },
      RebootOption: { type: "String", default: "RebootIfNeeded", allowedValues: ["RebootIfNeeded", "NoReboot"] },
      StepTimeoutSeconds: { type: "String", default: "7200" },
    },
    mainSteps: ["Windows", "Linux", "MacOS"].map((platform) => ({
      action: platform === "Windows" ? "aws:runPowerShellScript" : "aws:runShellScript",
      name: `Patch${platform}`,
      precondition: { StringEquals: ["platformType", platform] },
      inputs: { timeoutSeconds: "{{ StepTimeoutSeconds }}" },
    })),
  },
};

/** They are in every account and region. */
const awsDocuments: ReadonlyMap<string, SimDocument> = new Map(
  Object.entries(CONTENTS).map(([name, content]) => {
    const versions = [parseDocument(JSON.stringify({ schemaVersion: "2.2", ...content }))];
    return [name, { name, owner: "Amazon", createdAt: 0, versions, defaultVersion: 1 }];
  }),
);

/** A command's parameters as they are sent. */
export type CommandParameters = Readonly<Record<string, readonly string[]>>;

/**
 * Refuses what the document does not know, misses or forbids. Sources: API reference, "SendCommand", InvalidParameters and
 * MaxDocumentSizeExceeded; "CreateDocument", Content: the 64 KB count the parameters too.
 */
export function checkParameters(document: DocumentVersion, given: CommandParameters): void {
  const unknown = Object.keys(given).find((name) => document.parameters[name] === undefined);
  if (unknown !== undefined) throw faults.parameters(`Parameter ${unknown} is not defined in the document.`);
  for (const [name, rules] of Object.entries(document.parameters)) {
    const values = given[name];
    if (values === undefined && rules.default === undefined) {
      throw faults.parameters(`Parameter ${name} needs a value.`);
    }
    for (const value of values ?? []) checkValue(name, value, rules);
  }
  const size = Buffer.byteLength(document.content) + Buffer.byteLength(JSON.stringify(given));
  if (size > MAX_DOCUMENT_BYTES) throw faults.documentSize("The size limit of a document is 64 KB.");
}

function checkValue(name: string, value: string, rules: DocumentVersion["parameters"][string]): void {
  const { allowedValues, allowedPattern } = rules;
  if (allowedValues !== undefined && !allowedValues.includes(value)) {
    throw faults.parameters(`Parameter ${name} has a value that is not allowed: ${value}`);
  }
  if (allowedPattern !== undefined && !new RegExp(`^(?:${allowedPattern})$`).test(value)) {
    throw faults.parameters(`Parameter ${name} does not match ${allowedPattern}: ${value}`);
  }
}
