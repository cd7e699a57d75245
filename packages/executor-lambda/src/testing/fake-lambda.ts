import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { text } from "node:stream/consumers";

/** The service's response to one call. */
export type Reply =
  | { readonly payload: string; readonly functionError?: string; readonly log?: string; readonly afterMs?: number }
  | { readonly status: number; readonly type?: string; readonly message: string; readonly reason?: string }
  /** A page of a gateway in front of Lambda, after it got the call. */
  | { readonly page: string; readonly gatewayStatus: number }
  | "hang-up"
  | "cut-off"
  | "silence";

/** One request as it came. */
export interface Received {
  readonly path: string;
  readonly headers: IncomingMessage["headers"];
  readonly body: string;
}

/** Lambda's Invoke over HTTP. */
export interface FakeLambda {
  readonly endpoint: string;
  readonly received: readonly Received[];
  close(): Promise<void>;
}

// Sources: AWS Lambda API reference, Invoke: POST /2015-03-31/functions/{FunctionName}/invocations; headers
// X-Amz-Function-Error and X-Amz-Log-Result (base64); errors have x-amzn-ErrorType and a JSON body; 413 above
// 6,291,456 bytes ("Request must be smaller than 6291456 bytes for the InvokeFunction operation"); an answer above 6 MB
// becomes Function.ResponseSizeTooLarge naming 6291556 bytes; a log tail is at most 4 KB.
const PATH = /^\/2015-03-31\/functions\/([^/]+)\/invocations$/;
const MAX_REQUEST_BYTES = 6_291_456;
const MAX_RESPONSE_BYTES = 6_291_556;
const MAX_LOG_BYTES = 4_096;

/** Serves functions by name; a name that is not among them is not found. */
export async function startFakeLambda(functions: Readonly<Record<string, Reply>>): Promise<FakeLambda> {
  const received: Received[] = [];
  const server = createServer(async (request, response) => {
    const body = await text(request);
    const path = request.url ?? "";
    received.push({ path, headers: request.headers, body });
    const name = decodeURIComponent(PATH.exec(path)?.[1] ?? "");
    if (Buffer.byteLength(body) > MAX_REQUEST_BYTES) return sendError(response, requestTooLarge);
    await send(response, functions[name] ?? toNotFound(name));
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const { port } = server.address() as AddressInfo;
  return {
    endpoint: `http://127.0.0.1:${port}`,
    received,
    async close() {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}

const requestTooLarge = {
  status: 413,
  type: "RequestEntityTooLargeException",
  message: "Request must be smaller than 6291456 bytes for the InvokeFunction operation",
};

function toNotFound(name: string): ErrorReply {
  const message = `Function not found: arn:aws:lambda:eu-west-1:123456789012:function:${name}`;
  return { status: 404, type: "ResourceNotFoundException", message };
}

type ErrorReply = Extract<Reply, { status: number }>;

async function send(response: ServerResponse, reply: Reply): Promise<void> {
  if (reply === "silence") return;
  if (reply === "hang-up") response.socket?.destroy();
  else if (reply === "cut-off") cutOff(response);
  else if ("status" in reply) sendError(response, reply);
  else if ("page" in reply) response.writeHead(reply.gatewayStatus, { "content-type": "text/html" }).end(reply.page);
  else {
    if (reply.afterMs) await new Promise((resolve) => setTimeout(resolve, reply.afterMs));
    sendAnswer(response, reply);
  }
}

function sendAnswer(response: ServerResponse, reply: Extract<Reply, { payload: string }>): void {
  const { payload, functionError } = Buffer.byteLength(reply.payload) > MAX_RESPONSE_BYTES ? responseTooLarge : reply;
  const log = reply.log === undefined ? undefined : Buffer.from(reply.log).subarray(-MAX_LOG_BYTES).toString("base64");
  response.writeHead(200, {
    "content-type": "application/json",
    "x-amz-executed-version": "$LATEST",
    ...(functionError === undefined ? {} : { "x-amz-function-error": functionError }),
    ...(log === undefined ? {} : { "x-amz-log-result": log }),
  });
  response.end(payload);
}

const responseTooLarge = {
  functionError: "Unhandled",
  payload: JSON.stringify({
    errorType: "Function.ResponseSizeTooLarge",
    errorMessage: `Response payload size exceeded maximum allowed payload size (${MAX_RESPONSE_BYTES} bytes).`,
  }),
};

function sendError(response: ServerResponse, { status, type, message, reason }: ErrorReply): void {
  const headers = type === undefined ? {} : { "x-amzn-errortype": type };
  response.writeHead(status, { "content-type": "application/json", ...headers });
  response.end(JSON.stringify({ Type: "User", message, ...(reason === undefined ? {} : { Reason: reason }) }));
}

function cutOff(response: ServerResponse): void {
  response.writeHead(200, { "content-type": "application/json", "content-length": "1000" });
  response.write('{"url":');
  setTimeout(() => response.socket?.destroy(), 20);
}
