import { createServer, type RequestListener, type Server } from "node:http";
import type { AddressInfo } from "node:net";

/** A server on loopback that replaces the source bucket. */
export interface ASource {
  readonly origin: string;
  /** Headers and path of the requests, in order. */
  readonly requests: readonly { readonly path: string; readonly host: string; readonly range: string | undefined }[];
  close(): Promise<void>;
}

/** Answers requests on loopback. */
export async function openSource(answer: RequestListener): Promise<ASource> {
  const requests: { path: string; host: string; range: string | undefined }[] = [];
  const server = createServer((request, response) => {
    const { url: path = "", headers } = request;
    requests.push({ path, host: headers.host ?? "", range: headers.range });
    answer(request, response);
  });
  return { origin: `http://127.0.0.1:${await listen(server)}`, requests, close: () => close(server) };
}

/** Listens on a free port of loopback. */
export async function listen(server: Server): Promise<number> {
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  return (server.address() as AddressInfo).port;
}

/** Ends a server and its connections. */
export async function close(server: Server): Promise<void> {
  server.closeAllConnections();
  await new Promise((resolve) => server.close(resolve));
}
