import { Readable, type Writable } from "node:stream";
import { setImmediate } from "node:timers/promises";
import { StdioServerTransport } from "@modelcontextprotocol/sdk/server/stdio.js";
import { isStackyardError } from "@stackyard/core";
import { createMcpServer, type McpServerOptions, type YardPlace } from "./create-mcp-server.ts";

/** A place that must be closed, such as a server that runs in this process. */
export interface OpenYardPlace extends YardPlace {
  close(): Promise<void>;
}

export interface StdioOptions extends Pick<McpServerOptions, "version" | "allowWrites"> {
  readonly input: AsyncIterable<Uint8Array | string>;
  /** Only messages of the protocol are written to it. */
  readonly output: Writable;
  /** Finds the yard at the first call, and again after a call that did not reach it: its server may have another address. */
  readonly openYard: () => Promise<OpenYardPlace>;
  /** Aborted when the process should end. */
  readonly signal: AbortSignal;
}

/** The time that calls have when the client has closed its end, in milliseconds. */
const FINISH_MS = 5_000;

/** Serves one assistant over standard input and output, until it closes its end, no longer reads, or the signal is aborted. */
export async function serveStdio({ input, output, openYard, signal, ...options }: StdioOptions): Promise<void> {
  const place = createPlace(openYard);
  const running = new Set<Promise<unknown>>();
  const server = createMcpServer({ ...options, running, findYard: place.find, onFailure: place.forgetUnreachable });
  const stdin = Readable.from(input, { objectMode: false });
  const transport = new StdioServerTransport(stdin, output);
  const ended = Promise.withResolvers<void>();
  const end = () => ended.resolve();
  // The transport of the SDK notices neither.
  stdin.once("end", () => void finish(running).then(end));
  stdin.once("error", end);
  output.once("error", end);
  output.once("close", end);
  signal.addEventListener("abort", end, { once: true });
  if (signal.aborted) end();
  await server.connect(transport);
  await ended.promise;
  await server.close();
  stdin.destroy();
  await place.close();
}

/** Resolves when the calls have been answered, or their time is over. */
async function finish(running: ReadonlySet<Promise<unknown>>): Promise<void> {
  const { promise: limit, resolve } = Promise.withResolvers<void>();
  const timer = setTimeout(resolve, FINISH_MS);
  // Messages that arrived with the end are handled in the meantime.
  await setImmediate();
  await Promise.race([Promise.allSettled(running), limit]);
  // The answers are written after their promises.
  await setImmediate();
  clearTimeout(timer);
}

/** Finds the yard once for all calls. */
function createPlace(openYard: StdioOptions["openYard"]) {
  let opened: Promise<OpenYardPlace> | undefined;
  const close = async () => {
    const last = opened;
    opened = undefined;
    await last?.then((place) => place.close()).catch(() => {});
  };
  return {
    find(): Promise<OpenYardPlace> {
      opened ??= openYard().catch((error: unknown) => {
        opened = undefined;
        throw error;
      });
      return opened;
    },
    forgetUnreachable(error: unknown): void {
      // A new token may be there too.
      if (isStackyardError(error, "UNREACHABLE") || isStackyardError(error, "UNAUTHENTICATED")) void close();
    },
    close,
  };
}
