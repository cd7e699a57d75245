import { createServer, type IncomingMessage, type ServerResponse } from "node:http";

/** A function as Lambda's API shows it. */
export interface ShownFunction {
  readonly name: string;
  /** ARNs of queues that it reads. */
  readonly reads: readonly string[];
  readonly variables?: Readonly<Record<string, string>>;
  /** Default: 30. */
  readonly timeoutSeconds?: number;
  /** Default: Allow. */
  readonly recursiveLoop?: string;
}

/** The part of Lambda's API that is read, over HTTP on loopback. */
export interface LambdaApi {
  readonly url: string;
  /** Sets the functions shown from now on. `denied`: every call is refused. */
  show(functions: readonly ShownFunction[] | "denied"): void;
  stop(): Promise<void>;
}

const ARN = "arn:aws:lambda:eu-west-1:000000000000:function:";

/** Starts it, without functions. Paths: Lambda API Reference. */
export async function startLambdaApi(): Promise<LambdaApi> {
  let shown: readonly ShownFunction[] | "denied" = [];
  const server = createServer((request, response) => answer(request, response, shown));
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const address = server.address();
  if (address === null || typeof address === "string") throw new TypeError("It listens on no port.");
  return {
    url: `http://127.0.0.1:${address.port}`,
    show(functions) {
      shown = functions;
    },
    stop: () =>
      new Promise((resolve) => {
        server.closeAllConnections();
        server.close(() => resolve());
      }),
  };
}

function answer(request: IncomingMessage, response: ServerResponse, shown: readonly ShownFunction[] | "denied"): void {
  const url = new URL(request.url ?? "/", "http://lambda");
  const body = shown === "denied" ? undefined : findBody(url, shown);
  const denied = { Message: "User is not authorized to perform: lambda:ListEventSourceMappings" };
  const headers = { "content-type": "application/json", "x-amzn-errortype": "AccessDeniedException" };
  if (body !== undefined) response.writeHead(200, { "content-type": "application/json" }).end(JSON.stringify(body));
  else response.writeHead(403, headers).end(JSON.stringify(denied));
}

function findBody({ pathname, searchParams }: URL, shown: readonly ShownFunction[]): unknown {
  if (pathname.startsWith("/2015-03-31/event-source-mappings")) {
    const queue = searchParams.get("EventSourceArn") ?? "";
    const readers = shown.filter(({ reads }) => reads.includes(queue));
    return { EventSourceMappings: readers.map(({ name }) => toMapping(name)) };
  }
  const found = shown.find(({ name }) => decodeURIComponent(pathname).includes(`${ARN}${name}/`));
  if (found === undefined) return undefined;
  const { recursiveLoop = "Allow", timeoutSeconds = 30, variables = {} } = found;
  if (pathname.endsWith("/recursion-config")) return { RecursiveLoop: recursiveLoop };
  return { FunctionName: found.name, Timeout: timeoutSeconds, Environment: { Variables: variables } };
}

function toMapping(name: string) {
  return {
    UUID: `mapping-of-${name}`,
    FunctionArn: `${ARN}${name}`,
    State: "Enabled",
    BatchSize: 10,
    FunctionResponseTypes: ["ReportBatchItemFailures"],
  };
}
