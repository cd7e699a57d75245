import type { IncomingMessage, Server, ServerResponse } from "node:http";
import { finished, isWritable } from "node:stream";
import dynalite from "dynalite";

/** An emulator of DynamoDB with tables in memory, over HTTP. */
export interface Dynamodb {
  readonly url: string;
  /** Also serves requests that this process emits. */
  readonly server: Server;
  /** Refuses further requests, and closes the tables when all requests in flight are answered. */
  stop(): Promise<void>;
}

type Serve = (request: IncomingMessage, response: ServerResponse) => void;

/** Starts it on a free port of this machine. */
export async function startDynamodb(): Promise<Dynamodb> {
  const server = dynalite({ createTableMs: 0, deleteTableMs: 0, updateTableMs: 0 });
  const waitForAnswers = countRequests(server);
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const { port } = Object(server.address());
  return {
    url: `http://127.0.0.1:${port}`,
    server,
    async stop() {
      await waitForAnswers();
      const closed = new Promise<void>((resolve, reject) => {
        server.close((error) => (error ? reject(error) : resolve()));
      });
      server.closeAllConnections();
      await closed;
    },
  };
}

/**
 * The emulator closes its tables when no connection is left, although it still works on requests whose callers are gone. It
 * throws into the process at their next step, as it does when a caller goes before its request is complete. Returns what
 * refuses further requests and resolves when none is in work.
 */
function countRequests(server: Server): () => Promise<void> {
  const [serve] = server.listeners("request") as Serve[];
  const open = new Set<Promise<void>>();
  let isStopping = false;
  server.removeAllListeners("request");
  server.on("request", (request, response) => {
    if (isStopping) {
      response.statusCode = 503;
      response.end();
      return;
    }
    const { promise, resolve } = Promise.withResolvers<void>();
    open.add(promise);
    void promise.then(() => open.delete(promise));
    serve?.(request, response);
    request.removeAllListeners("error");
    // The emulator begins when it has the whole request.
    request.once("close", () => request.readableEnded || resolve());
    const end = response.end.bind(response);
    const answer = (...given: Parameters<typeof end>) => {
      const ended = end(...given);
      // A request that this process emits has no stream.
      if (isWritable(response) === null) resolve();
      else finished(response, () => resolve());
      return ended;
    };
    Object.assign(response, { end: answer });
  });
  return async () => {
    isStopping = true;
    await Promise.all(open);
  };
}
