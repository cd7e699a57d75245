import { DynamoDBClient } from "@aws-sdk/client-dynamodb";
import { S3Client, type S3ClientConfig } from "@aws-sdk/client-s3";
import { SecretsManagerClient } from "@aws-sdk/client-secrets-manager";
import { SQSClient } from "@aws-sdk/client-sqs";
import { silentLogger } from "@stackyard/core";
import { createFakeClock } from "@stackyard/core/testing";
import { describe, expect, it } from "vitest";
import { createEnvironmentAws } from "./environment-aws.ts";
import { anEnvironment } from "./testing/memory-parts.ts";

function createAws(values: Readonly<Record<string, string>>) {
  const environment = anEnvironment(values);
  return createEnvironmentAws({ environment, session: { name: "t" }, clock: createFakeClock(), logger: silentLogger });
}

type Endpoint = { readonly hostname: string; readonly port?: number | undefined };
const placeOf = async (client: { readonly config: { readonly endpoint?: (() => Promise<Endpoint>) | undefined } }) => {
  const found = await client.config.endpoint?.();
  return found === undefined ? "its own" : `${found.hostname}:${found.port}`;
};

describe("AWS by the environment", () => {
  it("has the region and credentials of the environment, and the services' own addresses", async () => {
    const aws = createAws({ AWS_ACCESS_KEY_ID: "AKIA", AWS_SECRET_ACCESS_KEY: "s" });

    const s3 = aws.client(S3Client, undefined);

    expect(await s3.config.region()).toBe("eu-west-1");
    expect(await s3.config.credentials()).toMatchObject({ accessKeyId: "AKIA", secretAccessKey: "s" });
    expect([await placeOf(s3), s3.config.forcePathStyle ?? false]).toEqual(["its own", false]);
  });

  it("finds every service at one address, and S3 by path", async () => {
    const aws = createAws({ AWS_ENDPOINT_URL: "http://127.0.0.1:4566" });

    const s3 = aws.client(S3Client, undefined);

    expect([await placeOf(s3), s3.config.forcePathStyle]).toEqual(["127.0.0.1:4566", true]);
    expect(await placeOf(aws.client(SecretsManagerClient, undefined))).toBe("127.0.0.1:4566");
  });

  it("finds a service at its own address before that of all", async () => {
    const aws = createAws({
      AWS_ENDPOINT_URL: "http://127.0.0.1:4566",
      AWS_ENDPOINT_URL_DYNAMODB: "http://127.0.0.1:8000",
      AWS_ENDPOINT_URL_SECRETS_MANAGER: "http://127.0.0.1:9000",
    });

    expect(await placeOf(aws.client(SQSClient, undefined))).toBe("127.0.0.1:4566");
    expect(await placeOf(aws.client(DynamoDBClient, undefined))).toBe("127.0.0.1:8000");
    expect(await placeOf(aws.client(SecretsManagerClient, undefined))).toBe("127.0.0.1:9000");
  });

  it("makes one client of a service, also where that has its own address", () => {
    const aws = createAws({ AWS_ENDPOINT_URL_SQS: "http://127.0.0.1:9324" });

    expect(aws.client(SQSClient, undefined)).toBe(aws.client(SQSClient, undefined));
    expect(aws.client(S3Client, undefined)).toBe(aws.client(S3Client, undefined));
  });

  it("makes no client in order to ask for one that it has", () => {
    const aws = createAws({ AWS_ENDPOINT_URL_SQS: "http://127.0.0.1:9324" });
    let made = 0;
    class CountedClient extends S3Client {
      constructor(config: S3ClientConfig) {
        super(config);
        made += 1;
      }
    }

    aws.client(CountedClient, undefined);
    const first = made;
    aws.client(CountedClient, undefined);

    expect([first, made]).toEqual([2, 2]);
  });
});
