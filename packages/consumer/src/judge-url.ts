import { readSignedQuery } from "./signed-query.ts";
import { type HostStyle, type SourceBucket, toSourceHosts } from "./source-hosts.ts";

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
