import { parseJsonOr, StackyardError } from "@stackyard/core";
import { HttpError } from "./problem.ts";

/**
 * Reads at most `maxBytes` of the body; throws `PAYLOAD_TOO_LARGE` at the first byte beyond. Calls `onBytes`
 * with the length of each piece before it is kept; it may throw.
 */
export async function readBytes(
  request: Request,
  maxBytes: number,
  onBytes?: (length: number) => void,
): Promise<Uint8Array> {
  const declared = Number(request.headers.get("content-length") ?? 0);
  if (declared > maxBytes) throw tooLarge(maxBytes);
  if (request.body === null) return new Uint8Array();
  const chunks: Uint8Array[] = [];
  let size = 0;
  for await (const chunk of untilBroken(request.body)) {
    size += chunk.byteLength;
    if (size > maxBytes) throw tooLarge(maxBytes);
    onBytes?.(chunk.byteLength);
    chunks.push(chunk);
  }
  return Buffer.concat(chunks, size);
}

/** Turns a client's disconnect into `USAGE`: it is not a fault of the server, so the log must not show it as one. */
async function* untilBroken(body: ReadableStream<Uint8Array>): AsyncGenerator<Uint8Array> {
  try {
    yield* body;
  } catch (cause) {
    throw new HttpError(400, "USAGE", "The body ended early.", { cause });
  }
}

/** Reads the body as JSON; undefined when it is empty. The content type is required: a page of another site cannot set it without a preflight. */
export async function readJson(request: Request, maxBytes: number): Promise<unknown> {
  const bytes = await readBytes(request, maxBytes);
  if (bytes.byteLength === 0) return undefined;
  const type = request.headers.get("content-type")?.split(";")[0]?.trim().toLowerCase() ?? "";
  if (type !== "application/json" && !type.endsWith("+json")) {
    throw new HttpError(415, "USAGE", 'Send JSON with the header "content-type: application/json".');
  }
  return parseStrictJson(toText(bytes));
}

function toText(bytes: Uint8Array): string {
  try {
    return new TextDecoder("utf-8", { fatal: true }).decode(bytes);
  } catch (cause) {
    throw new HttpError(400, "USAGE", "The body is not UTF-8.", { cause });
  }
}

function tooLarge(maxBytes: number): StackyardError {
  return new StackyardError("PAYLOAD_TOO_LARGE", `The body is larger than ${maxBytes} bytes.`);
}

const MAX_DEPTH = 32;

/**
 * Parses JSON from outside. Rejects (400, `USAGE`) invalid JSON, nesting deeper than 32, and any key `__proto__`, so
 * that no later copy of the value can reach a prototype. `what` begins the error's message.
 */
export function parseStrictJson(text: string, what = "The body"): unknown {
  const value = parseJsonOr(text, (cause) => new HttpError(400, "USAGE", `${what} is not JSON.`, { cause }));
  const open: { readonly value: unknown; readonly depth: number }[] = [{ value, depth: 1 }];
  for (let next = open.pop(); next !== undefined; next = open.pop()) {
    const { value, depth } = next;
    if (typeof value !== "object" || value === null) continue;
    if (depth > MAX_DEPTH) throw new HttpError(400, "USAGE", `${what} nests deeper than ${MAX_DEPTH} levels.`);
    if (Object.hasOwn(value, "__proto__")) throw new HttpError(400, "USAGE", `${what} has a key "__proto__".`);
    for (const child of Object.values(value)) open.push({ value: child, depth: depth + 1 });
  }
  return value;
}
