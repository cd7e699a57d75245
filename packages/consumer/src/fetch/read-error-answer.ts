/** What S3 says of a request that it did not serve. */
export interface ErrorWords {
  readonly code?: string;
  readonly message?: string;
}

const MAX_BYTES = 65_536;
const MAX_WORDS = 500;

/**
 * Reads `<Code>` and `<Message>` of an error in XML, at most 64 KiB of it. What else is in there is not looked at: the
 * answers to wrong signatures repeat the request. Source: Amazon S3 API reference, "REST error responses".
 */
export async function readErrorAnswer(body: AsyncIterable<Uint8Array>): Promise<ErrorWords> {
  const text = await readBeginning(body).catch(() => "");
  const code = findElement(text, "Code", /^[A-Za-z0-9.]{1,100}$/);
  const message = findElement(text, "Message", /^[^<]*$/);
  return { ...(code && { code }), ...(message && { message }) };
}

async function readBeginning(body: AsyncIterable<Uint8Array>): Promise<string> {
  const chunks: Uint8Array[] = [];
  let size = 0;
  for await (const chunk of body) {
    chunks.push(chunk);
    size += chunk.byteLength;
    if (size >= MAX_BYTES) break;
  }
  return Buffer.concat(chunks).subarray(0, MAX_BYTES).toString("utf-8");
}

function findElement(text: string, name: string, shape: RegExp): string | undefined {
  const [, found = ""] = text.split(`<${name}>`, 2);
  const end = found.indexOf(`</${name}>`);
  const value = found.slice(0, Math.max(0, end)).slice(0, MAX_WORDS);
  return shape.test(value) ? value : undefined;
}
