import { isObject } from "./decide-message.ts";

/** The two buckets of a copy. */
export interface RewriteInput {
  readonly source: { readonly bucket: string; readonly region: string };
  readonly target: { readonly bucket: string; readonly region: string };
}

const MAX_BYTES = 1_048_576;
const ENDINGS = /\.(yaml|yml|template|json)$/;
/** Comments, blank lines, directives and the beginning of a document may stand before. */
// A line can be read in one way only: with two of them each, a file of many lines would take for ever.
const YAML_TEMPLATE = /^(?:[ \t]*(?:(?:#|%|---)[^\n]*|\r?)\n)*["']?AWSTemplateFormatVersion/;
/** Of hosts of AWS: everywhere, in China, in the European Sovereign Cloud. */
const DOMAIN = "amazonaws\\.(?:com(?:\\.cn)?|eu)";

/**
 * The text of a CloudFormation template with the source's bucket exchanged for the target's; undefined where the file is no
 * template, and is stored as it is.
 */
export function rewriteTemplate(key: string, bytes: Uint8Array, input: RewriteInput): string | undefined {
  if (!ENDINGS.test(key) || bytes.byteLength > MAX_BYTES) return undefined;
  const text = decodeUtf8(bytes);
  return text !== undefined && isTemplate(key, text) ? exchange(text, input) : undefined;
}

function decodeUtf8(bytes: Uint8Array): string | undefined {
  try {
    // The mark of the byte order stays: what is not exchanged is not changed.
    return new TextDecoder("utf-8", { fatal: true, ignoreBOM: true }).decode(bytes);
  } catch {
    return undefined;
  }
}

function isTemplate(key: string, text: string): boolean {
  const bare = text.replace(/^\ufeff/, "");
  // The predecessor leaves files of that name alone, and what reads them takes no YAML.
  const isJson = key.endsWith(".json") || bare.trimStart().startsWith("{");
  return isJson ? isJsonTemplate(bare) : YAML_TEMPLATE.test(bare);
}

function isJsonTemplate(text: string): boolean {
  try {
    const value: unknown = JSON.parse(text);
    return isObject(value) && Object.hasOwn(value, "AWSTemplateFormatVersion");
  } catch {
    return false;
  }
}

function exchange(text: string, { source, target }: RewriteInput): string {
  const S = toPattern(source.bucket);
  // A longer name with the same beginning is another bucket; `.s3` begins the rest of a host.
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
        // A hyphen before the region is an old form that newer regions do not have ("Amazon S3 endpoints and quotas").
        host === undefined ? `${lead}${own}` : `${lead}${own}.s3.${dualstack}${target.region}`,
    );
}

/** The predecessor's host is that of the commercial regions. */
function toHost(domain: string, { region }: RewriteInput["target"]): string {
  return domain === "amazonaws.com" ? `s3.${domain}` : `s3.${region}.${domain}`;
}

function toPattern(text: string): string {
  return text.replaceAll(/[.*+?^${}()|[\]\\]/g, "\\$&");
}
