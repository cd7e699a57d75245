// The S3 of copies in a process of its own: what is measured has a processor to itself, and its memory is its own.
import type { Server } from "node:http";
import { createServer } from "node:https";
import { CERTIFICATE as cert, PRIVATE_KEY as key } from "./artifacts/copy-certificate.ts";
import { createSyntheticS3, type SyntheticS3Options } from "./artifacts/synthetic-s3.ts";
import { serveCalls } from "./side-by-side/process-calls.ts";

let buckets: Server | undefined;

serveCalls({
  async start(options: SyntheticS3Options): Promise<string> {
    buckets = createSyntheticS3(options);
    return `http://127.0.0.1:${await listen(buckets)}`;
  },
  /** The same buckets by TLS; gives the port. */
  async startSecure(): Promise<number> {
    return listen(createServer({ cert, key }, (request, response) => buckets?.emit("request", request, response)));
  },
});

async function listen(server: Server): Promise<number> {
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const address = server.address();
  return typeof address === "object" ? (address?.port ?? 0) : 0;
}
