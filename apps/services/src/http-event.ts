import { StackyardError } from "@stackyard/core";
import { type Static, Type } from "typebox";
import { Compile } from "typebox/compile";

const Texts = Type.Record(Type.String(), Type.Optional(Type.String()));

/** A request in the format 2.0 of API Gateway, which URLs of functions have too ("Request and response payloads", Lambda). */
const HttpEvent = Type.Object({
  version: Type.Literal("2.0"),
  rawPath: Type.String(),
  rawQueryString: Type.Optional(Type.String()),
  headers: Texts,
  cookies: Type.Optional(Type.Array(Type.String())),
  body: Type.Optional(Type.String()),
  isBase64Encoded: Type.Optional(Type.Boolean()),
  requestContext: Type.Object({
    domainName: Type.String(),
    requestId: Type.String(),
    stage: Type.Optional(Type.String()),
    http: Type.Object({ method: Type.String(), sourceIp: Type.Optional(Type.String()) }),
  }),
});
export type HttpEvent = Static<typeof HttpEvent>;

const httpEvent = Compile(HttpEvent);

/** Returns true for a request of a function's URL or of an HTTP API. */
export function isHttpEvent(event: unknown): event is HttpEvent {
  return httpEvent.Check(event);
}

/** Returns the request as its sender sent it, byte for byte. Throws `USAGE` for one that HTTP does not allow. */
export function toRequest(event: HttpEvent): Request {
  const { rawPath, rawQueryString = "", headers, cookies = [], body, isBase64Encoded, requestContext } = event;
  const { domainName, stage, http } = requestContext;
  // The path contains the stage, unless that is the default one.
  const path = stage !== undefined && rawPath.startsWith(`/${stage}/`) ? rawPath.slice(stage.length + 1) : rawPath;
  const hasBody = body !== undefined && http.method !== "GET" && http.method !== "HEAD";
  try {
    const given = new Headers(
      Object.entries(headers).flatMap(([name, value = ""]): [string, string][] => [[name, value]]),
    );
    if (cookies.length > 0) given.set("cookie", cookies.join("; "));
    return new Request(`https://${domainName}${path}${rawQueryString === "" ? "" : `?${rawQueryString}`}`, {
      method: http.method,
      headers: given,
      body: hasBody ? Buffer.from(body, isBase64Encoded === true ? "base64" : "utf8") : null,
    });
  } catch (cause) {
    throw new StackyardError("USAGE", "The request is not one of HTTP.", { cause });
  }
}

/** The HTTP answer, as Lambda takes it. */
export interface HttpResult {
  readonly statusCode: number;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string;
  readonly isBase64Encoded: true;
}

/** Returns the answer in the same format. */
export async function toResult(response: Response): Promise<HttpResult> {
  const body = Buffer.from(await response.arrayBuffer()).toString("base64");
  return { statusCode: response.status, headers: Object.fromEntries(response.headers), body, isBase64Encoded: true };
}
