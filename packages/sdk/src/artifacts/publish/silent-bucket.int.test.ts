import { once } from "node:events";
import { createServer, type Server } from "node:http";
import { S3Client } from "@aws-sdk/client-s3";
import { afterEach, beforeEach, expect, it } from "vitest";
import { someBytes } from "../../testing/a-bucket.ts";
import { findArtifactCode } from "../manifest.ts";
import { publishArtifact } from "../publish-artifact.ts";

let server: Server;
let methods: string[];

/** Knows nothing, begins uploads, and then never answers again. */
beforeEach(async () => {
  methods = [];
  server = createServer((request, response) => {
    methods.push(request.method ?? "");
    request.resume();
    if (request.method === "GET" || request.method === "HEAD") response.writeHead(404).end();
    if (request.method !== "POST") return;
    response.end("<InitiateMultipartUploadResult><UploadId>u-1</UploadId></InitiateMultipartUploadResult>");
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
});
afterEach(() => {
  server.closeAllConnections();
  server.close();
});

function createClient(limits: { readonly socketTimeout?: number } = {}): S3Client {
  const address = server.address();
  const port = typeof address === "object" ? address?.port : undefined;
  return new S3Client({
    region: "eu-west-1",
    endpoint: `http://127.0.0.1:${port}`,
    forcePathStyle: true,
    maxAttempts: 1,
    credentials: { accessKeyId: "AKIAEXAMPLE", secretAccessKey: "secret" },
    requestHandler: limits,
  });
}

const large = { path: "image.tar", body: someBytes(65 * 1_048_576) };
const publication = { bucket: "source", name: "billing-api", version: "1.4.2", files: [large] };

it("ends a publisher by the limits of its client", async () => {
  // Long enough for the answers that come, also on a busy machine.
  const client = createClient({ socketTimeout: 5_000 });

  expect(await publishArtifact({ ...publication, client }).catch(findArtifactCode)).toBe("UNREACHABLE");
  expect(methods.at(-1)).toBe("DELETE");
});

it("lets a publisher that is stopped go, although not even its upload is taken away", async () => {
  const stop = new AbortController();
  server.on("request", ({ method }) => {
    if (method === "PUT") stop.abort();
  });

  const published = publishArtifact({ ...publication, client: createClient(), signal: stop.signal });

  expect(await published.catch(findArtifactCode)).toBe("INTERRUPTED");
  expect(methods.slice(0, 3)).toEqual(["GET", "HEAD", "POST"]);
  expect(methods.at(-1)).toBe("DELETE");
});
