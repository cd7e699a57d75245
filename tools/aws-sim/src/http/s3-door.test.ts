import { describe, expect, it } from "vitest";
import { loadSchemas } from "./query-protocol.ts";
import { readRestInput } from "./s3-door.ts";

async function read(operation: string, request: { path: string; headers?: Record<string, string>; body?: string }) {
  const schemas = await loadSchemas("S3");
  const { input } = schemas.findOperation(operation) ?? {};
  if (input === undefined) throw new Error(`S3 has no ${operation}.`);
  return readRestInput(input, { headers: {}, ...request, body: Buffer.from(request.body ?? "") }, schemas);
}

describe("a request to S3", () => {
  it("has its bucket and key in the path, and its conditions in headers", async () => {
    const headers = { "if-none-match": "*", "x-amz-meta-by": "me", "x-amz-server-side-encryption": "aws:kms" };

    expect(await read("PutObject", { path: "/b/a%20b/c?x-id=PutObject", headers, body: "x" })).toEqual({
      Bucket: "b",
      Key: "a b/c",
      IfNoneMatch: "*",
      ServerSideEncryption: "aws:kms",
      Metadata: { by: "me" },
      Body: Buffer.from("x"),
    });
  });

  it("has numbers and texts in its query", async () => {
    expect(await read("ListObjectsV2", { path: "/b?list-type=2&prefix=a%2F&max-keys=5" })).toEqual({
      Bucket: "b",
      Prefix: "a/",
      MaxKeys: 5,
    });
  });

  it("has its body in chunks where it is a stream", async () => {
    const headers = { "content-encoding": "aws-chunked" };
    const body = "5;chunk-signature=0\r\nhello\r\n6\r\n world\r\n0\r\nx-amz-checksum-crc32:AAAA\r\n\r\n";

    expect((await read("PutObject", { path: "/b/k", headers, body }))["Body"]).toEqual(Buffer.from("hello world"));
  });
});
