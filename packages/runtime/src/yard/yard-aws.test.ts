import { PutObjectCommand, S3Client } from "@aws-sdk/client-s3";
import { type AwsYardOptions, silentLogger } from "@stackyard/core";
import { describe, expect, it } from "vitest";
import { createYardAws } from "./yard-aws.ts";

class Client {
  readonly config: Readonly<Record<string, unknown>>;

  constructor(config: Readonly<Record<string, unknown>>) {
    this.config = config;
  }
}

const keys = { AWS_ACCESS_KEY_ID: "AKIA", AWS_SECRET_ACCESS_KEY: "secret", AWS_REGION: "us-east-1" };

function configOf(yard: Omit<AwsYardOptions, "type">, environment: Readonly<Record<string, string>> = keys) {
  const aws = createYardAws({ type: "aws", ...yard }, { environment, logger: silentLogger });
  return aws.client(Client, undefined).config;
}

/** Returns how an upload that is not sent names its encryption. */
async function encryptionOf(yard: Omit<AwsYardOptions, "type">, environment: Readonly<Record<string, string>> = {}) {
  const given = { type: "aws", ...yard } as const;
  const s3 = createYardAws(given, { environment: { ...keys, ...environment }, logger: silentLogger }).client(
    S3Client,
    undefined,
  );
  let headers: Readonly<Record<string, string>> = {};
  s3.middlewareStack.add(
    () => async (args) => {
      headers = Object(args.request).headers;
      return { response: {}, output: { $metadata: {} } };
    },
    { step: "finalizeRequest", name: "keep", priority: "low" },
  );
  await s3.send(new PutObjectCommand({ Bucket: "b", Key: "k", Body: "x" }));
  return [headers["x-amz-server-side-encryption"], headers["x-amz-server-side-encryption-aws-kms-key-id"]];
}

describe("AWS of a yard", () => {
  it("is the environment's region and credentials where the yard names none", () => {
    expect(configOf({})).toMatchObject({
      region: "us-east-1",
      credentials: { accessKeyId: "AKIA", secretAccessKey: "secret" },
    });
    expect(configOf({}, { AWS_DEFAULT_REGION: "eu-west-3", AWS_REGION: "" })["region"]).toBe("eu-west-3");
  });

  it("is the yard's region before the environment's", () => {
    expect(configOf({ region: "eu-west-1" })["region"]).toBe("eu-west-1");
  });

  it("is its profile before keys of the environment", () => {
    const config = configOf({ profile: "production" });

    expect(config["profile"]).toBe("production");
    expect(config).not.toHaveProperty("credentials");
  });

  it("uses the yard's role in its own account, before credentials are loaded", () => {
    const role = "arn:aws:iam::111122223333:role/operators";

    expect(configOf({ region: "eu-west-1", role })).toMatchObject({
      region: "eu-west-1",
      credentials: expect.any(Function),
    });
  });

  it("names the encryption of uploads as the yard says, or the environment before it", async () => {
    const s3Encryption = "arn:aws:kms:eu-west-1:111122223333:key/1";

    expect(await encryptionOf({})).toEqual([undefined, undefined]);
    expect(await encryptionOf({ s3Encryption })).toEqual(["aws:kms", s3Encryption]);
    expect(await encryptionOf({ s3Encryption }, { STACKYARD_S3_ENCRYPTION: "AES256" })).toEqual(["AES256", undefined]);
    expect(() => configOf({ s3Encryption: "yes" })).toThrow("must be AES256, aws:kms or the ARN of a key");
  });

  it("needs a region with a role", () => {
    const role = "arn:aws:iam::111122223333:role/operators";

    expect(() => configOf({ role }, {})).toThrow(expect.objectContaining({ code: "CONFIG_INVALID" }));
    expect(() => configOf({ region: "eu-west-1", role: "operators" })).toThrow("no ARN of a role");
  });

  it("follows addresses of services, and does not take LOCAL_MODE for its own", () => {
    expect(configOf({}, { ...keys, AWS_ENDPOINT_URL: "http://127.0.0.1:4566" })).toMatchObject({
      endpoint: "http://127.0.0.1:4566",
      forcePathStyle: true,
    });
    expect(configOf({}, { ...keys, LOCAL_MODE: "1" })).not.toHaveProperty("endpoint");
    expect(() => configOf({}, { AWS_ENDPOINT_URL: "nonsense" })).toThrow("AWS_ENDPOINT_URL must be an address");
  });
});
