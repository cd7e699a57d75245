import { isMap, parseJson } from "@stackyard/core";

/** Larger files are not templates: CloudFormation reads at most 1 MB from S3. */
export const MAX_TEMPLATE_BYTES = 1_048_576;
const ENDINGS = /\.(yaml|yml|template|json)$/;
/** Comments, blank lines, directives and a document marker may come first. */
// Each line matches in one way only; an ambiguous pattern would backtrack exponentially.
const YAML_TEMPLATE = /^(?:[ \t]*(?:(?:#|%|---)[^\n]*|\r?)\n)*["']?AWSTemplateFormatVersion/;

/**
 * Returns the text of a CloudFormation template that consumers rewrite, or undefined for a file that they store unchanged: with
 * another ending, above 1 MiB, not UTF-8, JSON without the key `AWSTemplateFormatVersion`, or YAML that begins with another key.
 */
export function readTemplate(key: string, bytes: Uint8Array): string | undefined {
  if (!ENDINGS.test(key) || bytes.byteLength > MAX_TEMPLATE_BYTES) return undefined;
  const text = decodeUtf8(bytes);
  return text !== undefined && isTemplate(key, text) ? text : undefined;
}

function decodeUtf8(bytes: Uint8Array): string | undefined {
  try {
    // Keep the byte order mark: only bucket names change.
    return new TextDecoder("utf-8", { fatal: true, ignoreBOM: true }).decode(bytes);
  } catch {
    return undefined;
  }
}

function isTemplate(key: string, text: string): boolean {
  const bare = text.replace(/^\ufeff/, "");
  // A `.json` file must be JSON, not YAML.
  const isJson = key.endsWith(".json") || bare.trimStart().startsWith("{");
  return isJson ? isJsonTemplate(bare) : YAML_TEMPLATE.test(bare);
}

function isJsonTemplate(text: string): boolean {
  const value = parseJson(text);
  return isMap(value) && Object.hasOwn(value, "AWSTemplateFormatVersion");
}
