import { createServer } from "node:http";

/** The data sent to a collector. */
export interface Received {
  readonly path: string;
  readonly headers: Readonly<Record<string, unknown>>;
  readonly type: string;
  /** As it came. */
  readonly bytes: Buffer;
}

/** Starts a collector on a loopback port that keeps its data. */
export async function startCollector(status = 200) {
  const received: Received[] = [];
  const server = createServer((request, response) => {
    const parts: Buffer[] = [];
    request.on("data", (part: Buffer) => parts.push(part));
    request.on("end", () => {
      const { headers, url = "" } = request;
      received.push({ path: url, headers, type: headers["content-type"] ?? "", bytes: Buffer.concat(parts) });
      response.writeHead(status, { "content-type": headers["content-type"] ?? "" }).end(status === 200 ? "{}" : "");
    });
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const address = server.address();
  if (address === null || typeof address === "string") throw new TypeError("The collector listens on no port.");
  return {
    received,
    url: `http://127.0.0.1:${address.port}`,
    stop: () => new Promise((resolve) => server.close(resolve).closeAllConnections()),
  };
}
