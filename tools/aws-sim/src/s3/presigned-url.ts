import { createHash, createHmac } from "node:crypto";
import { SimFault } from "../sim-fault.ts";

/** What a presigned URL says. */
export interface PresignedUrl {
  readonly method: string;
  readonly bucket: string;
  readonly key: string;
  readonly versionId: string | undefined;
  readonly region: string;
  readonly accessKeyId: string;
  readonly sessionToken: string | undefined;
  readonly signedAt: number;
  readonly expiresSeconds: number;
  readonly signature: string;
  /** What the holder of the key has signed. */
  readonly stringToSign: string;
  readonly scope: string;
}

/** S3 API reference, "Authenticating Requests: Using Query Parameters": at most a week. */
const MAX_EXPIRES = 604_800;
const HOST = /^(?:(?<bucket>.+)\.)?s3[.-](?<region>[a-z0-9-]+)\.amazonaws\.com$/;
const SCOPE = /^([^/]+)\/(\d{8}\/([^/]+)\/s3\/aws4_request)$/;

/**
 * Reads a URL of the SDK's presigner, virtual-hosted or path style. Throws as S3 answers: `AuthorizationQueryParametersError`
 * for what is no such URL. Only `host` may be a signed header.
 */
export function parsePresignedUrl(method: string, text: string): PresignedUrl {
  const url = new URL(text);
  const read = (name: string): string => url.searchParams.get(`X-Amz-${name}`) ?? "";
  const [, accessKeyId, scope, region] = SCOPE.exec(read("Credential")) ?? [];
  const expiresSeconds = Number(read("Expires"));
  if (accessKeyId === undefined || scope === undefined || region === undefined || read("SignedHeaders") !== "host") {
    throw malformed("Error parsing the X-Amz-Credential parameter");
  }
  if (!(expiresSeconds >= 1 && expiresSeconds <= MAX_EXPIRES)) {
    throw malformed(
      "X-Amz-Expires must be less than a week (in seconds); that is, the given X-Amz-Expires must be less than 604800 seconds",
    );
  }
  const path = decodeURIComponent(url.pathname).slice(1);
  const hosted = HOST.exec(url.hostname)?.groups?.["bucket"];
  const [bucket = "", ...rest] = hosted === undefined ? path.split("/") : [hosted, path];
  return {
    method,
    bucket,
    key: rest.join("/"),
    region,
    accessKeyId,
    expiresSeconds,
    scope,
    versionId: url.searchParams.get("versionId") ?? undefined,
    sessionToken: url.searchParams.get("X-Amz-Security-Token") ?? undefined,
    signedAt: parseDate(read("Date")),
    signature: read("Signature"),
    stringToSign: toStringToSign(method, url, scope),
  };
}

/** True for the signature that the holder of the secret makes (the same page, "Calculating a Signature"). */
export function isSignedWith(secretAccessKey: string, { scope, stringToSign, signature }: PresignedUrl): boolean {
  let key: Buffer = Buffer.from(`AWS4${secretAccessKey}`);
  for (const part of scope.split("/")) key = hmac(key, part);
  return hmac(key, stringToSign).toString("hex") === signature;
}

function toStringToSign(method: string, url: URL, scope: string): string {
  const query = url.search
    .slice(1)
    .split("&")
    .filter((part) => !part.startsWith("X-Amz-Signature="))
    .sort()
    .join("&");
  const canonical = [method, url.pathname, query, `host:${url.host}`, "", "host", "UNSIGNED-PAYLOAD"].join("\n");
  const hash = createHash("sha256").update(canonical).digest("hex");
  return ["AWS4-HMAC-SHA256", url.searchParams.get("X-Amz-Date"), scope, hash].join("\n");
}

function hmac(key: Buffer, text: string): Buffer {
  return createHmac("sha256", key).update(text).digest();
}

function parseDate(text: string): number {
  return Date.parse(text.replace(/^(\d{4})(\d\d)(\d\d)T(\d\d)(\d\d)(\d\d)Z$/, "$1-$2-$3T$4:$5:$6Z"));
}

function malformed(message: string): SimFault {
  return new SimFault("AuthorizationQueryParametersError", 400, message);
}
