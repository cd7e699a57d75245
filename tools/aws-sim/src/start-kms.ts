import { createServer } from "node:http";
import { type Listener, listen } from "./http/listen.ts";

/** A KMS with one data key, over HTTP. */
export interface FakeKms extends Listener {
  /** The bodies of all requests. */
  readonly requests: readonly unknown[];
}

/** Starts it on a loopback port. It answers GenerateDataKey and Decrypt alike (KMS API reference, response syntax of both). */
export async function startKms(): Promise<FakeKms> {
  const Plaintext = Buffer.alloc(32, 7).toString("base64");
  const CiphertextBlob = Buffer.alloc(100, 8).toString("base64");
  const requests: unknown[] = [];
  const server = createServer(async (request, response) => {
    requests.push(JSON.parse(Buffer.concat(await request.toArray()).toString()));
    response.setHeader("content-type", "application/x-amz-json-1.1");
    response.end(JSON.stringify({ Plaintext, CiphertextBlob }));
  });
  return { requests, ...(await listen(server)) };
}
