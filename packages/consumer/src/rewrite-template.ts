import { AWS_DNS_SUFFIXES, toDnsSuffixOf } from "@stackyard/core";
import { readTemplate } from "@stackyard/sdk/artifacts";

/** The two buckets of a copy. */
export interface RewriteInput {
  readonly source: { readonly bucket: string; readonly region: string };
  readonly target: { readonly bucket: string; readonly region: string };
}

const DOMAIN = `(?:${AWS_DNS_SUFFIXES.map(toPattern).join("|")})`;

/**
 * Returns a CloudFormation template with the source bucket replaced by the target bucket, or undefined when the file is not a
 * template and is stored unchanged.
 */
export function rewriteTemplate(key: string, bytes: Uint8Array, input: RewriteInput): string | undefined {
  const text = readTemplate(key, bytes);
  return text === undefined ? undefined : exchange(text, input);
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

const COMMERCIAL = toDnsSuffixOf("aws");

/** Hosts of the commercial partition have no region, like the predecessor's. */
function toHost(domain: string, { region }: RewriteInput["target"]): string {
  return domain === COMMERCIAL ? `s3.${domain}` : `s3.${region}.${domain}`;
}

function toPattern(text: string): string {
  return text.replaceAll(/[.*+?^${}()|[\]\\]/g, "\\$&");
}
