/** How long a signed URL is good, or why it is none. */
export type SignedQuery =
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
export function readSignedQuery(query: string, region: string): SignedQuery {
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
