import { createServer } from "node:http";

/** A KMS with one data key, over HTTP. */
export interface FakeKms {
  readonly url: string;
  /** The bodies of all requests. */
  readonly requests: readonly unknown[];
  stop(): Promise<void>;
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
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const { port } = Object(server.address());
  return {
    url: `http://127.0.0.1:${port}`,
    requests,
    stop: () => new Promise((resolve) => server.close(() => resolve())),
  };
}
