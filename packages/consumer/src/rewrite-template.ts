import { isMap, parseJson } from "@stackyard/core";

/** The two buckets of a copy. */
export interface RewriteInput {
  readonly source: { readonly bucket: string; readonly region: string };
  readonly target: { readonly bucket: string; readonly region: string };
}

const MAX_BYTES = 1_048_576;
const ENDINGS = /\.(yaml|yml|template|json)$/;
/** Comments, blank lines, directives and a document marker may come first. */
// Each line matches in one way only; an ambiguous pattern would backtrack exponentially.
const YAML_TEMPLATE = /^(?:[ \t]*(?:(?:#|%|---)[^\n]*|\r?)\n)*["']?AWSTemplateFormatVersion/;
/** Domains of the commercial, China and European Sovereign Cloud partitions. */
const DOMAIN = "amazonaws\\.(?:com(?:\\.cn)?|eu)";

/**
 * Returns a CloudFormation template with the source bucket replaced by the target bucket, or undefined when the file is not a
 * template and is stored unchanged.
 */
export function rewriteTemplate(key: string, bytes: Uint8Array, input: RewriteInput): string | undefined {
  if (!ENDINGS.test(key) || bytes.byteLength > MAX_BYTES) return undefined;
  const text = decodeUtf8(bytes);
  return text !== undefined && isTemplate(key, text) ? exchange(text, input) : undefined;
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

function exchange(text: string, { source, target }: RewriteInput): string {
  const S = toPattern(source.bucket);
  // A longer name with the same prefix is another bucket; `.s3` starts the rest of a host name.
  const end = "(?![a-z0-9-]|\\.(?!s3(?![a-z0-9])))";
  const before = `(?:Bucket|Default)["']?[ \\t]*:[ \\t]+["']?|(?:Bucket|Default)"[ \\t]*:[ \\t]*"|s3://|https://`;
  const ofRegion = `(\\.s3[.-](dualstack\\.)?${toPattern(source.region)})(?=\\.${DOMAIN})`;
  const pathStyle = `https://s3[.-](?:[^\\s/"']+\\.)?(${DOMAIN})/${S}${end}`;
  const own = target.bucket;
  return text
    .replace(new RegExp(pathStyle, "g"), (_whole, domain: string) => `https://${own}.${toHost(domain, target)}`)
    .replace(
      new RegExp(`(${before})${S}${end}(?:${ofRegion})?`, "g"),
      (_whole, lead: string, host?: string, dualstack = "") =>
        // The form with a hyphen before the region does not exist in newer regions ("Amazon S3 endpoints and quotas").
        host === undefined ? `${lead}${own}` : `${lead}${own}.s3.${dualstack}${target.region}`,
    );
}

/** Hosts of the commercial partition have no region, like the predecessor's. */
function toHost(domain: string, { region }: RewriteInput["target"]): string {
  return domain === "amazonaws.com" ? `s3.${domain}` : `s3.${region}.${domain}`;
}

function toPattern(text: string): string {
  return text.replaceAll(/[.*+?^${}()|[\]\\]/g, "\\$&");
}
