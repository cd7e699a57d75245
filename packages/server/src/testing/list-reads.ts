import type { TestYard } from "./test-yard.ts";

/** One request that reads. */
export interface Read {
  readonly operationId: string;
  readonly path: string;
}

/** Returns one request for every operation that reads and every value of the names in its path. */
export async function listReads(
  yard: TestYard,
  values: Readonly<Record<string, readonly string[]>>,
): Promise<readonly Read[]> {
  const api = await yard.json<{ paths: Record<string, { get?: { operationId: string } }> }>("/openapi.json");
  return Object.entries(api.paths).flatMap(([path, { get }]) => {
    if (get === undefined) return [];
    const names = [...path.matchAll(/\{(\w+)\}/g)].map(([, name]) => name ?? "");
    const fill = (made: readonly string[], name: string) =>
      made.flatMap((each) =>
        (values[name] ?? [`no-${name}`]).map((value) => each.replace(`{${name}}`, encodeURIComponent(value))),
      );
    return names.reduce(fill, [path]).map((each) => ({ operationId: get.operationId, path: each }));
  });
}

const STREAMS = ["/v1/watch", "/v1/stream"];
const MOST_PARTS = 20;
const SILENCE_MS = 200;

/** Returns the text of an answer; of a stream, what it has to say from its beginning. */
export async function readWhole(yard: TestYard, path: string, secret?: string): Promise<string> {
  const url = STREAMS.includes(path) ? `${path}?since=0` : path;
  const response = await yard.call(url, secret === undefined ? {} : { headers: { authorization: `Bearer ${secret}` } });
  if (response.headers.get("content-type") !== "text/event-stream") return response.text();
  const reader = response.body?.getReader();
  let text = "";
  for (let parts = 0; parts < MOST_PARTS; parts += 1) {
    const silence = new Promise<undefined>((resolve) => setTimeout(() => resolve(undefined), SILENCE_MS));
    const part = await Promise.race([reader?.read(), silence]);
    if (part?.value === undefined) break;
    text += Buffer.from(part.value).toString();
  }
  await reader?.cancel();
  return text;
}
