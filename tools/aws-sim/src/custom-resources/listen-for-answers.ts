import { createServer } from "node:http";
import { text } from "node:stream/consumers";
import type { AnswerEndpoint } from "./answer-endpoint.ts";

/** The endpoint on a port of this machine. */
export interface AnswerListener {
  readonly url: string;
  stop(): Promise<void>;
}

/** Serves the endpoint over HTTP, for programs that run in processes of their own: the same paths, another host. */
export async function listenForAnswers(endpoint: AnswerEndpoint): Promise<AnswerListener> {
  const server = createServer((request, response) => {
    const { method = "GET", url: path = "/", headers } = request;
    text(request)
      .then((body) => endpoint.put({ method, path, contentType: headers["content-type"] ?? null, body }))
      .then(({ status, body }) => response.writeHead(status, { "content-length": Buffer.byteLength(body) }).end(body))
      .catch(() => response.destroy());
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const address = server.address();
  if (address === null || typeof address === "string") throw new TypeError("The endpoint listens on no port.");
  return {
    url: `http://127.0.0.1:${address.port}`,
    async stop() {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}
