import { Agent, createServer, type IncomingMessage, type ServerResponse, request as sendRequest } from "node:http";
import type { Readable } from "node:stream";
import { buffer } from "node:stream/consumers";
import { pipeline } from "node:stream/promises";
import { type DoorRequest, toDoorRequest } from "./door-request.ts";

/** One address for several emulators, as a cloud or an independent emulator has one. Tests and benchmarks listen at it. */
export interface FrontDoor {
  readonly url: string;
  /** Refuses these until the function that it gives is called: `AccessDeniedException`, which the SDK does not retry. */
  refuse(matches: Matches): () => void;
  /**
   * Lets the next such request wait for ever: before its service has seen it, or after, with the answer in hand. Resolves when
   * one waits. Whoever asked can only give up.
   */
  hold(matches: Matches, when: "before" | "after"): Promise<void>;
  stop(): Promise<void>;
}

/** Which requests are meant. */
export type Matches = (request: DoorRequest) => boolean;

/** Where requests go, and who is told of them. */
export interface FrontDoorOptions {
  /** Addresses by service, or what answers in their place. */
  readonly services: Readonly<Record<string, string | Answer>>;
  /** The address of every other service. */
  readonly others: string;
  /** Changes what a service is asked. */
  readonly rewrite?: (request: DoorRequest) => Buffer;
  /** After each answer. */
  readonly onExchange?: (request: DoorRequest, answer: HttpAnswer) => void;
}

/** Answers requests in the place of a server. */
export type Answer = (request: DoorRequest) => Promise<HttpAnswer>;

/** An answer on the wire. */
export interface HttpAnswer {
  readonly status: number;
  readonly headers: Readonly<Record<string, string | string[] | undefined>>;
  readonly body: Buffer;
  /** Comes after `body`; one that breaks breaks the connection. */
  readonly stream?: Readable;
}

interface Hold {
  readonly matches: Matches;
  readonly when: "before" | "after";
  readonly held: () => void;
}

const DENIED: HttpAnswer = {
  status: 400,
  headers: { "content-type": "application/x-amz-json-1.0", "x-amzn-errortype": "AccessDeniedException" },
  body: Buffer.from('{"__type":"AccessDeniedException","message":"The front door lets nobody pass."}'),
};

/** Opens it on a free port of this machine. */
export async function openFrontDoor(options: FrontDoorOptions): Promise<FrontDoor> {
  const agent = new Agent({ keepAlive: true });
  const refusals = new Set<Matches>();
  const holds = new Set<Hold>();

  /** False: nobody is answered. */
  function passes(request: DoorRequest, when: Hold["when"]): boolean {
    const hold = [...holds].find((each) => each.when === when && each.matches(request));
    if (hold === undefined) return true;
    holds.delete(hold);
    hold.held();
    return false;
  }

  async function serve(incoming: IncomingMessage, response: ServerResponse): Promise<void> {
    const request = toDoorRequest(incoming, await buffer(incoming));
    if (!passes(request, "before")) return;
    const isRefused = [...refusals].some((matches) => matches(request));
    const gone = new AbortController();
    // A long poll whose asker has gone takes no message.
    response.once("close", () => response.writableEnded || gone.abort());
    const answer = isRefused ? DENIED : await ask(options, incoming, request, { agent, signal: gone.signal });
    if (!passes(request, "after")) return;
    options.onExchange?.(request, answer);
    await send(response, answer);
  }

  const server = createServer((incoming, response) => {
    // Who asks sees a connection that broke, and so does the test that made the emulator fail.
    serve(incoming, response).catch(() => response.destroy());
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const address = server.address();
  if (address === null || typeof address === "string") throw new TypeError("The front door listens on no port.");
  return {
    url: `http://127.0.0.1:${address.port}`,
    refuse(matches) {
      refusals.add(matches);
      return () => void refusals.delete(matches);
    },
    hold: (matches, when) => new Promise((held) => holds.add({ matches, when, held })),
    async stop() {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
      agent.destroy();
    },
  };
}

async function send(response: ServerResponse, { status, headers, body, stream }: HttpAnswer): Promise<void> {
  response.writeHead(status, headers);
  if (stream === undefined) return void response.end(body);
  if (body.length > 0) response.write(body);
  await pipeline(stream, response);
}

function ask(
  { services, others, rewrite }: FrontDoorOptions,
  incoming: IncomingMessage,
  request: DoorRequest,
  connection: { readonly agent: Agent; readonly signal: AbortSignal },
): Promise<HttpAnswer> {
  const target = services[request.service] ?? others;
  if (typeof target !== "string") return target(request);
  const body = rewrite?.(request) ?? request.body;
  const headers = { ...incoming.headers, "content-length": String(body.length) };
  const url = new URL(incoming.url ?? "/", target);
  return new Promise((resolve, reject) => {
    const sent = sendRequest(url, { method: incoming.method ?? "GET", headers, ...connection }, (answer) => {
      const { statusCode: status = 500, headers: answered } = answer;
      const { "transfer-encoding": _chunks, "content-length": _length, ...rest } = answered;
      const end = (body: Buffer) => resolve({ status, headers: toHeaders(rest, answered, incoming, body), body });
      buffer(answer).then(end, reject);
    });
    sent.on("error", reject);
    sent.end(body);
  });
}

/** An answer to HEAD tells the length of what it does not bring. */
function toHeaders(
  rest: HttpAnswer["headers"],
  answered: HttpAnswer["headers"],
  { method }: IncomingMessage,
  body: Buffer,
): HttpAnswer["headers"] {
  const length = method === "HEAD" ? answered["content-length"] : String(body.length);
  return { ...rest, ...(length === undefined ? {} : { "content-length": length }) };
}
