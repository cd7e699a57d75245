import { type DocumentVersion, MAX_DOCUMENT_BYTES } from "./sim-document.ts";
import { ssmFaults as faults } from "./ssm-faults.ts";

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
