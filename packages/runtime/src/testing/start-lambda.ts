import { once } from "node:events";
import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import { text } from "node:stream/consumers";
import { createAwsSim } from "@stackyard/aws-sim";
import { systemClock } from "@stackyard/core/engine";

const ACCOUNT = "111122223333";
const REGION = "eu-west-1";

/** Lambda on a loopback port, with functions of this process. */
export interface LambdaServer {
  /** For `AWS_ENDPOINT_URL_LAMBDA`. */
  readonly url: string;
  /** Makes or replaces a function. What it throws is its error. */
  add(name: string, handler: (event: unknown) => unknown): void;
  stop(): Promise<void>;
}

/** Starts it. */
export async function startLambda(): Promise<LambdaServer> {
  const sim = createAwsSim({ clock: systemClock });
  const { accessKeyId } = sim.iam.addUser({ account: ACCOUNT, name: "runner" });

  async function answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const name = /^\/2015-03-31\/functions\/([^/]+)\/invocations/.exec(request.url ?? "")?.[1] ?? "";
    const input = { FunctionName: decodeURIComponent(name), Payload: await text(request) };
    const call = {
      service: "Lambda",
      operation: "Invoke",
      input,
      region: REGION,
      accessKeyId,
      sessionToken: undefined,
    };
    const { status, headers, body } = await sim.serve(call).then(toAnswer, toFault);
    response.writeHead(status, headers).end(body);
  }

  const server = createServer((request, response) => void answer(request, response));
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  const address = server.address();
  const port = typeof address === "object" && address !== null ? address.port : 0;
  return {
    url: `http://127.0.0.1:${port}`,
    add: (name, handler) => sim.lambda.addFunction({ account: ACCOUNT, region: REGION, name, handler }),
    async stop() {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}

interface HttpAnswer {
  readonly status: number;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string;
}

function toAnswer(output: unknown): HttpAnswer {
  const { FunctionError, Payload } = Object(output);
  const error = FunctionError === undefined ? {} : { "x-amz-function-error": String(FunctionError) };
  return { status: 200, headers: error, body: Buffer.from(Payload).toString() };
}

function toFault(error: unknown): HttpAnswer {
  const { name, message, $metadata } = Object(error);
  const headers = { "x-amzn-errortype": String(name) };
  return { status: $metadata?.httpStatusCode ?? 500, headers, body: JSON.stringify({ message }) };
}
