import { toDnsSuffixOf } from "@stackyard/core";
/** Why a URL is refused. */
export type UrlFault = "URL_INVALID" | "URL_HOST" | "URL_KEY_MISMATCH" | "URL_NOT_SIGNED";

/** The verdict on a URL: it may be fetched, or why not. */
export type UrlVerdict =
  /** `expiresAt`: epoch milliseconds. S3 refuses the URL from then on. */
  | { readonly kind: "good"; readonly expiresAt: number }
  | { readonly kind: "refused"; readonly code: UrlFault; readonly reason: string };

/** The source that URLs must belong to. */
export interface UrlRules extends SourceBucket {
  /** Exact names of additional hosts, such as an interface endpoint's. */
  readonly extraHosts?: readonly string[];
}

const MAX_BYTES = 8_192;
// biome-ignore lint/suspicious/noControlCharactersInRegex: the URL parser silently repairs them.
const REPAIRED = /[\s\u0000-\u001f\u007f-\u009f\\]/;
/** Authority, path and query of the raw text. Fragments are not allowed. */
const PARTS = /^https:\/\/([^/?#]+)(\/[^?#]*)?(?:\?([^#]*))?$/i;

/**
 * Decides whether a URL may be fetched for a key. Only a signed `https` URL of the source bucket is accepted, judged by its
 * raw text: the function runs inside an account, and a message must not choose which addresses it calls.
 */
export function evaluateUrl(url: string, key: string, rules: UrlRules): UrlVerdict {
  const read = readUrl(url);
  if (read === undefined) return refused("URL_INVALID", "The URL is not a plain https address.");
  const style = findStyle(read.host, rules);
  if (style === undefined)
    return refused("URL_HOST", `The host ${read.host.slice(0, 253)} is not the source bucket's.`);
  const keys = listKeys(style, read.path, rules.bucket);
  if (keys.length === 0) return refused("URL_HOST", "The URL names another bucket.");
  // The raw path is decoded, so dot segments are not resolved.
  if (!keys.some((each) => decode(each) === key)) return refused("URL_KEY_MISMATCH", "The URL names another key.");
  return evaluateSignature(read.query, rules.region);
}

function readUrl(url: string) {
  if (REPAIRED.test(url) || Buffer.byteLength(url) > MAX_BYTES || !URL.canParse(url)) return undefined;
  const [, authority = "", path = "/", query = ""] = PARTS.exec(url) ?? [];
  if (authority === "" || authority.includes("@")) return undefined;
  const { hostname, port } = new URL(url);
  return port === "" ? { host: hostname, path, query } : undefined;
}

function findStyle(host: string, rules: UrlRules): HostStyle | "extra" | undefined {
  const style = toSourceHosts(rules).get(host);
  if (style !== undefined) return style;
  return rules.extraHosts?.includes(host) === true ? "extra" : undefined;
}

/** Returns the encoded keys that the path can name. */
function listKeys(style: HostStyle | "extra", path: string, bucket: string): readonly string[] {
  const whole = path.slice(1);
  if (style === "virtual") return [whole];
  const inBucket = `${whole}/`.startsWith(`${bucket}/`) ? [whole.slice(bucket.length + 1)] : [];
  // A custom endpoint can be virtual-hosted or path-style.
  return style === "extra" ? [whole, ...inBucket] : inBucket;
}

function refused(code: UrlFault, reason: string): UrlVerdict {
  return { kind: "refused", code, reason };
}

const V4 = [
  "X-Amz-Algorithm",
  "X-Amz-Credential",
  "X-Amz-Date",
  "X-Amz-Expires",
  "X-Amz-SignedHeaders",
  "X-Amz-Signature",
];
const V2 = ["AWSAccessKeyId", "Signature", "Expires"];
const ALGORITHM = "AWS4-HMAC-SHA256";
/** Seven days: Amazon S3 API reference, "Authenticating requests: using query parameters". */
const MAX_SECONDS = 604_800;

/** Evaluates the signature of a presigned URL, version 2 or 4. `query`: the raw text after the question mark. */
function evaluateSignature(query: string, region: string): UrlVerdict {
  const parameters = parseQuery(query);
  if (typeof parameters === "string") return invalid(parameters);
  const has = (names: readonly string[]) => names.every((name) => (parameters.get(name) ?? "") !== "");
  if (has(V4) && parameters.get("X-Amz-Algorithm") === ALGORITHM) return readVersion4(parameters, region);
  if (has(V2)) return readVersion2(parameters.get("Expires") ?? "");
  return refused("URL_NOT_SIGNED", "The URL is not signed.");
}

function readVersion4(parameters: ReadonlyMap<string, string>, region: string): UrlVerdict {
  const [id, day, where, service, end] = (parameters.get("X-Amz-Credential") ?? "").split("/").slice(-5);
  if (!id || parseBasicDate(`${day}T000000Z`) === undefined || end !== "aws4_request") {
    return invalid("The credential of the signature is invalid.");
  }
  if (where !== region || service !== "s3") return invalid(`The signature is not for S3 in ${region}.`);
  const date = parseBasicDate(parameters.get("X-Amz-Date") ?? "");
  if (date === undefined) return invalid("The date of the signature is invalid.");
  const seconds = parameters.get("X-Amz-Expires") ?? "";
  if (!/^[1-9][0-9]{0,5}$/.test(seconds) || Number(seconds) > MAX_SECONDS) {
    return invalid("The lifetime of the signature is not 1 to 604,800 seconds.");
  }
  return { kind: "good", expiresAt: date + Number(seconds) * 1_000 };
}

function readVersion2(expires: string): UrlVerdict {
  if (!/^[0-9]{1,12}$/.test(expires)) return invalid("The expiry of the signature is invalid.");
  return { kind: "good", expiresAt: Number(expires) * 1_000 };
}

/** Returns the parameters, or a reason why they are invalid. */
function parseQuery(query: string): ReadonlyMap<string, string> | string {
  const parameters = new Map<string, string>();
  const seen = new Set<string>();
  for (const pair of query.split("&")) {
    if (pair === "") continue;
    const at = pair.indexOf("=");
    const name = decode(at < 0 ? pair : pair.slice(0, at));
    const value = decode(at < 0 ? "" : pair.slice(at + 1));
    if (name === undefined || value === undefined) return "A parameter of the URL cannot be decoded.";
    if (seen.has(name.toLowerCase())) return "The URL has a parameter twice.";
    seen.add(name.toLowerCase());
    parameters.set(name, value);
  }
  return parameters;
}

function decode(text: string): string | undefined {
  try {
    return decodeURIComponent(text);
  } catch {
    return undefined;
  }
}

/** Parses `20261120T061500Z` to epoch milliseconds. */
function parseBasicDate(text: string): number | undefined {
  const [, year, month, day, hour, minute, second] = /^(\d{4})(\d{2})(\d{2})T(\d{2})(\d{2})(\d{2})Z$/.exec(text) ?? [];
  const iso = `${year}-${month}-${day}T${hour}:${minute}:${second}.000Z`;
  const at = Date.parse(iso);
  // `Date.parse` reads February 31 as a day in March.
  return Number.isNaN(at) || new Date(at).toISOString() !== iso ? undefined : at;
}

function invalid(reason: string): UrlVerdict {
  return refused("URL_INVALID", reason);
}

/** The source bucket of artifacts. */
export interface SourceBucket {
  readonly bucket: string;
  readonly region: string;
  /** Default: `aws`. */
  readonly partition?: string;
}

/** The place of the bucket's name in a URL: the host or the path. */
type HostStyle = "virtual" | "path";

/**
 * Returns all host names under which Amazon S3 serves a bucket.
 * Source: Amazon S3 user guide, "Virtual hosting of buckets" and "Dual-stack endpoints", "FIPS"; `s3-REGION` is the legacy form.
 */
function toSourceHosts({ bucket, region, partition = "aws" }: SourceBucket): ReadonlyMap<string, HostStyle> {
  const domain = toDnsSuffixOf(partition);
  const dual = [`s3.dualstack.${region}`, `s3-fips.dualstack.${region}`];
  const names = [`s3.${region}`, "s3", `s3-${region}`, `s3-fips.${region}`, ...dual];
  const services = names.map((name) => `${name}.${domain}`);
  return new Map<string, HostStyle>([
    ...services.map((service) => [`${bucket}.${service}`, "virtual"] as const),
    ...services.map((service) => [service, "path"] as const),
  ]);
}

/** Returns scheme, host and path of a URL, without its signature. A presigned URL is a secret. */
export function redactUrl(url: string): string {
  const [, kept] = /^([a-z]+:\/\/[^\s/?#@]*(?:\/[^\s?#]*)?)(?:[?#]|$)/i.exec(url.slice(0, 8_192)) ?? [];
  return kept ?? "[address]";
}
