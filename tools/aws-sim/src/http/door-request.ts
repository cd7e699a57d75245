import type { IncomingMessage } from "node:http";

/** A request to AWS, as far as it can be read from the wire. */
export interface DoorRequest {
  /** As in the credential scope of the signature: `sqs`, `dynamodb`, `s3`, `lambda`, `secretsmanager`. */
  readonly service: string;
  readonly region: string;
  readonly accessKeyId: string;
  /** Of temporary credentials. */
  readonly sessionToken: string | undefined;
  /** As the API reference names it; of S3 and Lambda what method and path tell. */
  readonly operation: string;
  readonly method: string;
  /** With its query. */
  readonly path: string;
  readonly headers: Readonly<Record<string, string | string[] | undefined>>;
  readonly body: Buffer;
}

const SCOPE = /Credential=([^/]+)\/\d{8}\/([^/]+)\/([^/]+)\/aws4_request/;
/** A presigned URL has its scope in the query ("Authenticating Requests: Using Query Parameters"). */
const QUERY_SCOPE = /X-Amz-Credential=([^&]+)/;

/**
 * Tells what is asked. Sources: "Create a signed AWS API request" (credential scope); AWS JSON protocols, whose
 * `X-Amz-Target` names the operation; S3 API reference, GetObject, PutObject, HeadObject and ListObjectsV2.
 */
export function toDoorRequest(
  { method = "GET", url = "/", headers }: Pick<IncomingMessage, "method" | "url" | "headers">,
  body: Buffer,
): DoorRequest {
  const [, accessKeyId = "", region = "", service = ""] =
    SCOPE.exec(headers.authorization ?? findQueryScope(url)) ?? [];
  const target = headers["x-amz-target"];
  const operation = typeof target === "string" ? (target.split(".").at(-1) ?? "") : toRestOperation(method, url);
  const token = headers["x-amz-security-token"];
  const sessionToken = typeof token === "string" ? token : undefined;
  return { service, region, accessKeyId, sessionToken, operation, method, path: url, headers, body };
}

function findQueryScope(url: string): string {
  const [, scope] = QUERY_SCOPE.exec(url) ?? [];
  return scope === undefined ? "" : `Credential=${decodeURIComponent(scope)}`;
}

function toRestOperation(method: string, url: string): string {
  if (/^\/2015-03-31\/functions\/[^/]+\/invocations/.test(url)) return "Invoke";
  if (url.includes("list-type=2")) return "ListObjectsV2";
  const [first = "", rest = ""] = method.toLowerCase().split(/(?<=^.)/);
  return `${first.toUpperCase()}${rest}Object`;
}
