/** What is wrong with a URL. */
export type UrlFault = "URL_INVALID" | "URL_HOST" | "URL_KEY_MISMATCH" | "URL_NOT_SIGNED";

/** What may be fetched, or why not. */
export type UrlVerdict =
  /** `expiresAt`: epoch milliseconds. */
  | { readonly kind: "good"; readonly expiresAt: number }
  | { readonly kind: "refused"; readonly code: UrlFault; readonly reason: string };

/** Where artifacts may be fetched from. */
export interface UrlRules extends SourceBucket {
  /** Further names of hosts, exactly, such as an interface endpoint's. */
  readonly extraHosts?: readonly string[];
}

const MAX_BYTES = 8_192;
// biome-ignore lint/suspicious/noControlCharactersInRegex: the URL parser would repair them without a word.
const REPAIRED = /[\s\u0000-\u001f\u007f-\u009f\\]/;
/** The raw text: authority, path, query. A fragment is none of it. */
const PARTS = /^https:\/\/([^/?#]+)(\/[^?#]*)?(?:\?([^#]*))?$/i;

/**
 * May this URL be fetched for this key? Only a signed `https` URL of the source bucket, as the text itself says it: the function
 * that fetches is inside of an account, and whoever can send a message would otherwise choose what it calls there.
 */
export function judgeUrl(url: string, key: string, rules: UrlRules): UrlVerdict {
  const read = readUrl(url);
  if (read === undefined) return refused("URL_INVALID", "The URL is not a plain https address.");
  const style = findStyle(read.host, rules);
  if (style === undefined)
    return refused("URL_HOST", `The host ${read.host.slice(0, 253)} is not the source bucket's.`);
  const keys = listKeys(style, read.path, rules.bucket);
  if (keys.length === 0) return refused("URL_HOST", "The URL is of another bucket.");
  if (!keys.some((each) => isKey(each, key))) return refused("URL_KEY_MISMATCH", "The URL is of another key.");
  const signature = readSignedQuery(read.query, rules.region);
  return signature.kind === "refused" ? signature : { kind: "good", expiresAt: signature.expiresAt };
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

/** What the path can be the key of, still encoded. */
function listKeys(style: HostStyle | "extra", path: string, bucket: string): readonly string[] {
  const whole = path.slice(1);
  if (style === "virtual") return [whole];
  const inBucket = `${whole}/`.startsWith(`${bucket}/`) ? [whole.slice(bucket.length + 1)] : [];
  // What an endpoint of one's own does with the bucket's name is not known.
  return style === "extra" ? [whole, ...inBucket] : inBucket;
}

/** Decoded once, as the text stands: dot segments that the parser would resolve are not the key. */
function isKey(path: string, key: string): boolean {
  try {
    return decodeURIComponent(path) === key;
  } catch {
    return false;
  }
}

function refused(code: UrlFault, reason: string): UrlVerdict {
  return { kind: "refused", code, reason };
}

/** How long a signed URL is good, or why it is none. */
type SignedQuery =
  /** Epoch milliseconds: from then on it is not served any more. */
  | { readonly kind: "signed"; readonly expiresAt: number }
  | { readonly kind: "refused"; readonly code: "URL_NOT_SIGNED" | "URL_INVALID"; readonly reason: string };

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

/** Reads the signature of a presigned URL, of either style. `query`: the raw text behind the question mark. */
function readSignedQuery(query: string, region: string): SignedQuery {
  const parameters = parseQuery(query);
  if (typeof parameters === "string") return invalid(parameters);
  const has = (names: readonly string[]) => names.every((name) => (parameters.get(name) ?? "") !== "");
  if (has(V4) && parameters.get("X-Amz-Algorithm") === ALGORITHM) return readVersion4(parameters, region);
  if (has(V2)) return readVersion2(parameters.get("Expires") ?? "");
  return { kind: "refused", code: "URL_NOT_SIGNED", reason: "The URL is not signed." };
}

function readVersion4(parameters: ReadonlyMap<string, string>, region: string): SignedQuery {
  const [id, day, where, service, end] = (parameters.get("X-Amz-Credential") ?? "").split("/").slice(-5);
  if (!id || parseBasicDate(`${day}T000000Z`) === undefined || end !== "aws4_request") {
    return invalid("The signature's credential cannot be read.");
  }
  if (where !== region || service !== "s3") return invalid(`The signature is not for S3 in ${region}.`);
  const date = parseBasicDate(parameters.get("X-Amz-Date") ?? "");
  if (date === undefined) return invalid("The signature's date cannot be read.");
  const seconds = parameters.get("X-Amz-Expires") ?? "";
  if (!/^[1-9][0-9]{0,5}$/.test(seconds) || Number(seconds) > MAX_SECONDS) {
    return invalid("The signature's length is not 1 to 604,800 seconds.");
  }
  return { kind: "signed", expiresAt: date + Number(seconds) * 1_000 };
}

function readVersion2(expires: string): SignedQuery {
  if (!/^[0-9]{1,12}$/.test(expires)) return invalid("The signature's end cannot be read.");
  return { kind: "signed", expiresAt: Number(expires) * 1_000 };
}

/** The parameters, or what is wrong with them. */
function parseQuery(query: string): ReadonlyMap<string, string> | string {
  const parameters = new Map<string, string>();
  const seen = new Set<string>();
  for (const pair of query.split("&")) {
    if (pair === "") continue;
    const at = pair.indexOf("=");
    const name = decode(at < 0 ? pair : pair.slice(0, at));
    const value = decode(at < 0 ? "" : pair.slice(at + 1));
    if (name === undefined || value === undefined) return "A parameter of the URL cannot be decoded.";
    if (seen.has(name.toLowerCase())) return "A parameter stands in the URL twice.";
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

/** `20261120T061500Z` as epoch milliseconds. */
function parseBasicDate(text: string): number | undefined {
  const [, year, month, day, hour, minute, second] = /^(\d{4})(\d{2})(\d{2})T(\d{2})(\d{2})(\d{2})Z$/.exec(text) ?? [];
  const iso = `${year}-${month}-${day}T${hour}:${minute}:${second}.000Z`;
  const at = Date.parse(iso);
  // The 31st of February is read as a day in March.
  return Number.isNaN(at) || new Date(at).toISOString() !== iso ? undefined : at;
}

function invalid(reason: string): SignedQuery {
  return { kind: "refused", code: "URL_INVALID", reason };
}

/** The bucket that artifacts come from. */
export interface SourceBucket {
  readonly bucket: string;
  readonly region: string;
  /** `aws` unless said otherwise. */
  readonly partition?: string;
}

/** How the bucket's name stands in a URL. */
type HostStyle = "virtual" | "path";

/** Of partitions whose hosts end otherwise, as the SDK's own table has them (`partitions.json`, `dnsSuffix`). */
const DOMAINS: ReadonlyMap<string, string> = new Map([
  ["aws-cn", "amazonaws.com.cn"],
  ["aws-eusc", "amazonaws.eu"],
]);

/**
 * Every name under which Amazon S3 serves one bucket, exactly.
 * Source: Amazon S3 user guide, "Virtual hosting of buckets" and "Dual-stack endpoints"; `s3-REGION` is the legacy form.
 */
function toSourceHosts({ bucket, region, partition = "aws" }: SourceBucket): ReadonlyMap<string, HostStyle> {
  const domain = DOMAINS.get(partition) ?? "amazonaws.com";
  const services = [`s3.${region}`, "s3", `s3-${region}`, `s3.dualstack.${region}`].map((name) => `${name}.${domain}`);
  return new Map<string, HostStyle>([
    ...services.map((service) => [`${bucket}.${service}`, "virtual"] as const),
    ...services.map((service) => [service, "path"] as const),
  ]);
}

/** A URL without what signs it: scheme, host and path. A presigned URL is a secret. */
export function redactUrl(url: string): string {
  const [, kept] = /^([a-z]+:\/\/[^\s/?#@]*(?:\/[^\s?#]*)?)(?:[?#]|$)/i.exec(url.slice(0, 8_192)) ?? [];
  return kept ?? "[address]";
}
