import type { IncomingHttpHeaders } from "node:http";
import { PutObjectCommand, S3Client } from "@aws-sdk/client-s3";
import { expect, it } from "vitest";
import { signWithDigest } from "./upload-file.ts";

it("has a body signed by the digest that it is given", async () => {
  const seen: IncomingHttpHeaders[] = [];
  const requestHandler = {
    handle: async ({ headers }: { readonly headers: IncomingHttpHeaders }) => {
      seen.push(headers);
      throw new Error("enough");
    },
  };
  const credentials = { accessKeyId: "a", secretAccessKey: "b" };
  const client = new S3Client({ region: "eu-west-1", credentials, maxAttempts: 1, requestHandler });
  const command = new PutObjectCommand({ Bucket: "b", Key: "k", Body: Buffer.from("bytes") });

  signWithDigest(command, "ab".repeat(32));
  await client.send(command).catch(() => undefined);

  expect(seen.map((headers) => headers["x-amz-content-sha256"])).toEqual(["ab".repeat(32)]);
  expect(String(seen[0]?.["authorization"])).toContain("x-amz-content-sha256");
});
