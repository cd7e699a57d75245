import { createServer, type Server } from "node:http";
import { Readable } from "node:stream";
import { PutObjectCommand, S3Client } from "@aws-sdk/client-s3";
import { SendMessageCommand, SQSClient } from "@aws-sdk/client-sqs";
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { createProcessParts } from "./process-parts.ts";

let server: Server;

beforeEach(async () => {
  server = createServer((request, response) => {
    request.resume();
    response.writeHead(503).end("<Error><Code>SlowDown</Code></Error>");
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
});
afterEach(async () => {
  vi.unstubAllEnvs();
  vi.restoreAllMocks();
  server.closeAllConnections();
  await new Promise((resolve) => server.close(resolve));
});

describe("the clients of a process", () => {
  it("write to the log only through the logger, even if a stream cannot be sent again", async () => {
    const address = server.address();
    const port = typeof address === "object" ? address?.port : "";
    const environment = { AWS_ENDPOINT_URL: `http://127.0.0.1:${port}`, AWS_REGION: "eu-central-1" };
    const keys = { AWS_ACCESS_KEY_ID: "AKIAEXAMPLE", AWS_SECRET_ACCESS_KEY: "secret" };
    for (const [name, value] of Object.entries({ ...environment, ...keys })) vi.stubEnv(name, value);
    const written = (["log", "info", "warn", "error", "debug"] as const).map((name) =>
      vi.spyOn(console, name).mockImplementation(() => undefined),
    );
    const client = createProcessParts(environment).access("eu-central-1").client(S3Client, undefined);
    const Body = Readable.from([Buffer.from("the app")], { objectMode: false });

    const sent = client.send(new PutObjectCommand({ Bucket: "own-bucket", Key: "k", Body, ContentLength: 7 }));

    await expect(sent).rejects.toMatchObject({ name: "SlowDown" });
    expect(written.flatMap((spy) => spy.mock.calls)).toEqual([]);
  });

  it("reach queues at the address of an emulator, whatever their URLs name", async () => {
    const address = server.address();
    const port = typeof address === "object" ? address?.port : "";
    const environment = { AWS_ENDPOINT_URL: `http://127.0.0.1:${port}`, AWS_REGION: "eu-central-1" };
    const keys = { AWS_ACCESS_KEY_ID: "AKIAEXAMPLE", AWS_SECRET_ACCESS_KEY: "secret" };
    for (const [name, value] of Object.entries({ ...environment, ...keys })) vi.stubEnv(name, value);
    const client = createProcessParts(environment).access("eu-central-1").client(SQSClient, undefined);
    const QueueUrl = "https://sqs.eu-central-1.amazonaws.com/444455556666/parking";

    const sent = client.send(new SendMessageCommand({ QueueUrl, MessageBody: "m" }));

    // The emulator answers, and not the DNS.
    await expect(sent).rejects.toMatchObject({ $metadata: { httpStatusCode: 503 } });
  });
});
