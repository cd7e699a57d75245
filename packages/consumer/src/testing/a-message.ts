import type { ConsumerConfig, MessageRecord } from "../decide-message.ts";

/** A consumer in Frankfurt of a distributor in Ireland. */
export const CONSUMER: ConsumerConfig = {
  account: "444455556666",
  region: "eu-central-1",
  topicArn: "arn:aws:sns:eu-west-1:111122223333:artifacts",
  sourceBucket: "dist-bucket",
  sourceRegion: "eu-west-1",
  sourceAccount: "111122223333",
};

/** 2026-11-20T06:00:00Z. */
export const NOW = Date.UTC(2026, 10, 20, 6);
/** A key of the builders. */
export const KEY = "billing-api/1.4.2/app.zip";
/** The digest of the builders. */
export const SHA256 = "ab".repeat(32);

const V4 = {
  "X-Amz-Algorithm": "AWS4-HMAC-SHA256",
  "X-Amz-Credential": "ASIAEXAMPLE/20261120/eu-west-1/s3/aws4_request",
  "X-Amz-Date": "20261120T055900Z",
  "X-Amz-Expires": "3600",
  "X-Amz-SignedHeaders": "host",
  "X-Amz-Signature": "0".repeat(64),
};

/** Returns a signed URL, with parameters replaced or (`undefined`) removed. */
export function aUrl(
  over: Readonly<Record<string, string | undefined>> = {},
  path = `/${KEY}`,
  host = "dist-bucket.s3.eu-west-1.amazonaws.com",
) {
  const parameters = Object.entries({ ...V4, ...over }).flatMap(([name, value]) =>
    value === undefined ? [] : [`${name}=${encodeURIComponent(value)}`],
  );
  return `https://${host}${path}?${parameters.join("&")}`;
}

/** Returns the body of a message of the second version. */
export function aBody(over: Readonly<Record<string, unknown>> = {}): Record<string, unknown> {
  return {
    ArtifactKey: KEY,
    ArtifactUrl: aUrl(),
    v: 2,
    distributionId: "6a1f5f0e-0000-4000-8000-000000000001",
    sequence: 1_042,
    issuedAt: "2026-11-20T05:59:00Z",
    urlExpiresAt: "2026-11-20T06:59:00Z",
    artifact: {
      name: "billing-api",
      version: "1.4.2",
      size: 1_234,
      sha256: SHA256,
      contentType: "application/zip",
      rewrite: "none",
    },
    source: { account: "111122223333", region: "eu-west-1", bucket: "dist-bucket", versionId: "v1" },
    target: { account: "ALL", region: "ALL" },
    manifest: { key: "billing-api/1.4.2/manifest.json", sha256: SHA256 },
    ...over,
  };
}

/** Returns a record of the queue, with the attributes of a message to everybody. */
export function aRecord(
  body: unknown = aBody(),
  attributes: Readonly<Record<string, string>> = { account: "ALL", region: "ALL" },
): MessageRecord {
  const messageAttributes = Object.fromEntries(
    Object.entries(attributes).map(([name, stringValue]) => [name, { stringValue, dataType: "String" }]),
  );
  return { messageId: "m-1", body: typeof body === "string" ? body : JSON.stringify(body), messageAttributes };
}
