import type { IncomingMessage, Server, ServerResponse } from "node:http";
import { finished, isWritable } from "node:stream";
import { CreateTableCommand, DynamoDBClient, waitUntilTableExists } from "@aws-sdk/client-dynamodb";
import dynalite from "dynalite";

/** An emulator of DynamoDB with tables in memory, over HTTP. */
export interface Dynamodb {
  readonly url: string;
  /** Also serves requests that this process emits. */
  readonly server: Server;
  /** A client of its own, closed by `stop`. */
  readonly client: DynamoDBClient;
  /** Creates a table with these keys, of type string: the partition key, and the sort key if there is one. */
  createTable(name: string, ...keys: readonly [string, string?]): Promise<void>;
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
  const url = `http://127.0.0.1:${port}`;
  const client = new DynamoDBClient({ endpoint: url, region: "eu-west-1", credentials: CREDENTIALS });
  return {
    url,
    server,
    client,
    createTable: (name, ...keys) => createTable(client, name, keys),
    async stop() {
      client.destroy();
      await waitForAnswers();
      const closed = new Promise<void>((resolve, reject) => {
        server.close((error) => (error ? reject(error) : resolve()));
      });
      server.closeAllConnections();
      await closed;
    },
  };
}

const CREDENTIALS = { accessKeyId: "test", secretAccessKey: "test" };

async function createTable(client: DynamoDBClient, name: string, keys: readonly (string | undefined)[]): Promise<void> {
  const names = keys.filter((key) => key !== undefined);
  await client.send(
    new CreateTableCommand({
      TableName: name,
      BillingMode: "PAY_PER_REQUEST",
      AttributeDefinitions: names.map((AttributeName) => ({ AttributeName, AttributeType: "S" })),
      KeySchema: names.map((AttributeName, index) => ({ AttributeName, KeyType: index === 0 ? "HASH" : "RANGE" })),
    }),
  );
  // A table is ready a moment after it is created.
  await waitUntilTableExists({ client, maxWaitTime: 10, minDelay: 1, maxDelay: 1 }, { TableName: name });
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
