import { expect, it } from "vitest";
import { parseS3Call } from "./s3-call.ts";

const HERE = "127.0.0.1:4566";

it.each([
  ["GET", "/b/a/1.bin?x-id=GetObject", HERE, { kind: "get", bucket: "b", key: "a/1.bin" }],
  ["GET", "/a/1.bin?X-Amz-Signature=0", "b.s3.eu-west-1.amazonaws.com", { kind: "get", bucket: "b", key: "a/1.bin" }],
  ["HEAD", "/b/a%20b", HERE, { kind: "head", bucket: "b", key: "a b" }],
  ["PUT", "/b/k", HERE, { kind: "put", bucket: "b", key: "k" }],
  ["PUT", "/b/k?partNumber=1&uploadId=u", HERE, { kind: "part", bucket: "b", key: "k" }],
  ["POST", "/b/k?uploads=", HERE, { kind: "begin", bucket: "b", key: "k" }],
  ["POST", "/b/k?uploadId=u", HERE, { kind: "complete", bucket: "b", key: "k" }],
  ["POST", "/b?delete", HERE, { kind: "other", bucket: "b", key: "" }],
  ["DELETE", "/b/k?uploadId=u", HERE, { kind: "delete", bucket: "b", key: "k" }],
  ["OPTIONS", "/", HERE, { kind: "other", bucket: "", key: "" }],
])("reads %s %s", (method, path, host, expected) => {
  expect(parseS3Call({ method, path, headers: { host } })).toEqual(expected);
});

it("reads a range, and no other kind of it", () => {
  const rangeOf = (range: string) => parseS3Call({ method: "GET", path: "/b/k", headers: { host: HERE, range } }).range;

  expect(["bytes=5-9", "bytes=5-", "bytes=-5", "lines=1-2"].map(rangeOf)).toEqual([
    { from: 5, to: 9 },
    undefined,
    undefined,
    undefined,
  ]);
});
