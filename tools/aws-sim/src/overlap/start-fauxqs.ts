import { CreateBucketCommand, S3Client } from "@aws-sdk/client-s3";
import { STSClient } from "@aws-sdk/client-sts";
import { buildApp } from "fauxqs";

/** The emulator over HTTP, on loopback only. */
export interface Fauxqs {
  readonly s3: S3Client;
  readonly sts: STSClient;
  createBucket(name: string): Promise<void>;
  stop(): Promise<void>;
}

/** Starts it on a free port of 127.0.0.1; its own `startFauxqs` listens on all addresses. */
export async function startFauxqs(): Promise<Fauxqs> {
  const app = buildApp({ logger: false });
  await app.listen({ host: "127.0.0.1", port: 0 });
  const address = app.server.address();
  if (address === null || typeof address === "string") throw new TypeError("The emulator listens on no port.");
  const common = {
    endpoint: `http://127.0.0.1:${address.port}`,
    region: "eu-west-1",
    maxAttempts: 1,
    credentials: { accessKeyId: "test", secretAccessKey: "test" },
  };
  const s3 = new S3Client({ ...common, forcePathStyle: true });
  const sts = new STSClient(common);
  return {
    s3,
    sts,
    createBucket: async (Bucket) => void (await s3.send(new CreateBucketCommand({ Bucket }))),
    async stop() {
      s3.destroy();
      sts.destroy();
      await app.close();
    },
  };
}
