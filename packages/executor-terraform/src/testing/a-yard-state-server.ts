import { createServer, type IncomingMessage } from "node:http";
import type { AddressInfo } from "node:net";
import { isMap, type Records } from "@stackyard/core";
import { findKeptState, type KeptState, toContentKey, toStateHeadKey, writeCompressed } from "@stackyard/core/services";

/** The state backend of a yard over its records, for one state: it answers the newest grant only. */
export interface YardStateServer {
  readonly url: string;
  /** The credentials that it accepts, `attempt id:password`; those of an earlier grant are refused from now on. */
  granted: string;
  /** What it does with states. `away`: it refuses them. */
  weather: "fair" | "away";
  /** Returns the current state. */
  content(): string | undefined;
  /** Makes a state the newest version, as an operator does. */
  write(text: string): Promise<void>;
  close(): Promise<void>;
}

const clock = { now: () => Date.now() };

/** Starts the backend for the state with this key. */
export async function startYardStateServer(records: Records, key: string): Promise<YardStateServer> {
  let content: string | undefined;
  let lock: { readonly by: string; readonly text: string } | undefined;

  async function write(text: string, by = "ada", token?: number): Promise<void> {
    const head = await findKeptState({ records, clock }, key);
    const version = { version: head?.next ?? 1, blob: "b" };
    const bytes = new TextEncoder().encode(text);
    const place = { keyOf: (index: number) => toContentKey(key, version, index), now: clock.now() };
    const facts = {
      ...version,
      chunks: await writeCompressed(records, place, bytes),
      bytes: bytes.byteLength,
      by,
      ...(token === undefined ? {} : { token }),
      resources: JSON.parse(text).resources.length,
    };
    await putHead({ key, next: version.version + 1, current: version.version, versions: [facts] });
    content = text;
  }

  async function putHead(value: KeptState): Promise<void> {
    const found = await records.get(toStateHeadKey(key), 0);
    await records.put({ key: toStateHeadKey(key), value, expected: found?.version ?? "absent", now: 0 });
  }

  type Answer = readonly [status: number, text?: string];

  function take(user: string, text: string): Answer {
    if (lock !== undefined && lock.by === user && lock.text !== text) return [423, lock.text];
    lock = { by: user, text };
    return [200];
  }

  function release(): Answer {
    lock = undefined;
    return [200];
  }

  async function save(user: string, text: string): Promise<Answer> {
    if (server.weather === "away") return [503];
    const [attempt = "", password = ""] = user.split(":");
    await write(text, attempt, Number(password.split(".")[0]));
    return [200];
  }

  async function answer(method: string, user: string, body: string): Promise<Answer> {
    if (user !== server.granted) return [401];
    if (method === "LOCK") return take(user, body);
    if (method === "UNLOCK") return release();
    if (method === "POST") return save(user, body);
    return content === undefined ? [404] : [200, content];
  }

  const http = createServer(async (request, response) => {
    const user = Buffer.from((request.headers.authorization ?? "").replace("Basic ", ""), "base64").toString();
    const [status, text = ""] = await answer(request.method ?? "", user, await readText(request));
    response.writeHead(status).end(text);
  });
  await new Promise<void>((resolve) => http.listen(0, "127.0.0.1", resolve));
  const server: YardStateServer = {
    url: `http://127.0.0.1:${(http.address() as AddressInfo).port}/state`,
    granted: "",
    weather: "fair",
    content: () => content,
    write: (text) => write(text),
    close: () => new Promise((resolve) => http.close(() => resolve())),
  };
  return server;
}

async function readText(request: IncomingMessage): Promise<string> {
  const pieces: Buffer[] = [];
  for await (const piece of request) pieces.push(piece);
  return Buffer.concat(pieces).toString();
}

/** Returns the ids of the resources in a state. */
export function listIds(text: string | undefined): readonly string[] {
  const state: unknown = text === undefined ? {} : JSON.parse(text);
  const resources = isMap(state) && Array.isArray(state["resources"]) ? state["resources"] : [];
  return resources.flatMap(({ instances }) =>
    instances.map(({ attributes }: { attributes: { id: string } }) => attributes.id),
  );
}
