import { StackyardError } from "@stackyard/core";
import { HttpError } from "./http-error.ts";
import { parseJson } from "./parse-json.ts";

/** The body's bytes, at most so many: `PAYLOAD_TOO_LARGE` comes as soon as that is known. */
export async function readBytes(request: Request, maxBytes: number): Promise<Uint8Array> {
  const declared = Number(request.headers.get("content-length") ?? 0);
  if (declared > maxBytes) throw tooLarge(maxBytes);
  if (request.body === null) return new Uint8Array();
  const chunks: Uint8Array[] = [];
  let size = 0;
  for await (const chunk of untilBroken(request.body)) {
    size += chunk.byteLength;
    if (size > maxBytes) throw tooLarge(maxBytes);
    chunks.push(chunk);
  }
  return Buffer.concat(chunks, size);
}

/** A sender that hangs up is no fault of the server: nobody shall look for it in the log. */
async function* untilBroken(body: ReadableStream<Uint8Array>): AsyncGenerator<Uint8Array> {
  try {
    yield* body;
  } catch (cause) {
    throw new HttpError(400, "USAGE", "The body broke off before its end.", { cause });
  }
}

/** The body as JSON. An absent one is undefined. The type must be said: a page of another site cannot say it unasked. */
export async function readJson(request: Request, maxBytes: number): Promise<unknown> {
  const bytes = await readBytes(request, maxBytes);
  if (bytes.byteLength === 0) return undefined;
  const type = request.headers.get("content-type")?.split(";")[0]?.trim().toLowerCase() ?? "";
  if (type !== "application/json" && !type.endsWith("+json")) {
    throw new HttpError(415, "USAGE", 'Send JSON with the header "content-type: application/json".');
  }
  return parseJson(toText(bytes));
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
