import { LambdaClient, type LambdaClientConfig } from "@aws-sdk/client-lambda";

/**
 * What a client must have so that a call is made once and waited for: no retry by the SDK, which cannot know whether the
 * function has run, and a socket that may be silent for longer than any function runs (900 s). TCP keep-alive is the
 * SDK's default. The connection's own time-out comes before anything is sent.
 */
const lambdaClientConfig = {
  maxAttempts: 1,
  retryMode: "standard",
  requestHandler: {
    connectionTimeout: 10_000,
    socketTimeout: 930_000,
    // A call waits for a free socket as long as for a connection, so there must always be one.
    httpsAgent: { keepAlive: true, maxSockets: 1_000 },
  },
} as const satisfies LambdaClientConfig;

/**
 * The client of Invoke. `ctx.aws` makes it with the configuration that it gives every client; what a call must not have
 * is replaced here, so that no runner can forget it. A request handler that the runner made itself is kept.
 */
export class InvokeClient extends LambdaClient {
  constructor(config: LambdaClientConfig) {
    const { retryStrategy: _, requestHandler, ...rest } = config;
    super({ ...rest, ...lambdaClientConfig, requestHandler: toRequestHandler(requestHandler) });
  }
}

type RequestHandler = NonNullable<LambdaClientConfig["requestHandler"]>;

function toRequestHandler(given: LambdaClientConfig["requestHandler"]): RequestHandler {
  if (given !== undefined && "handle" in given) return given;
  return { ...given, ...lambdaClientConfig.requestHandler };
}
