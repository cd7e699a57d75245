import type { ExecutorContext } from "@stackyard/core";
import { TerraformFailure } from "./failure.ts";
import type { S3Object, S3Source } from "./s3-source.ts";

const MISSING_TEXT =
  'Sources of type "s3" need the package @aws-sdk/client-s3: install it beside @stackyard/executor-terraform.';

/**
 * S3 through the SDK's client for the task's target. The SDK is loaded when the first source needs it, so whoever uses
 * none need not install it. Fails with TERRAFORM_SOURCE_UNSUPPORTED.
 */
export async function loadSdkS3Source(ctx: ExecutorContext): Promise<S3Source> {
  const sdk = await import("@aws-sdk/client-s3").catch((cause: unknown) => {
    throw new TerraformFailure("TERRAFORM_SOURCE_UNSUPPORTED", MISSING_TEXT, { cause });
  });
  const client = ctx.aws(sdk.S3Client);
  const abort = { abortSignal: ctx.signal };
  return {
    async *list(bucket, prefix) {
      const pages = sdk.paginateListObjectsV2({ client }, { Bucket: bucket, Prefix: prefix }, abort);
      for await (const { Contents = [] } of pages) yield* Contents.map(toObject);
    },
    async read(bucket, key) {
      const { Body } = await client.send(new sdk.GetObjectCommand({ Bucket: bucket, Key: key }), abort);
      if (Body === undefined) throw new Error(`S3 gave no body for ${key}.`);
      return Body.transformToWebStream();
    },
  };
}

function toObject({ Key = "", Size = 0 }: { Key?: string | undefined; Size?: number | undefined }): S3Object {
  return { key: Key, size: Size };
}
