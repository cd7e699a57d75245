import { findText, type SimCall } from "../sim-call.ts";
import { SimFault } from "../sim-fault.ts";
import { type Encryption, SSE_S3 } from "./buckets.ts";

/** "PutObject", x-amz-server-side-encryption. */
const KINDS = ["AES256", "aws:kms", "aws:kms:dsse", "aws:fsx"];

/**
 * How PutObject is asked to encrypt; SSE-S3 where nothing is asked. With KMS and no key S3 takes its own (`aws/s3`). Source: API
 * reference, "PutObject", x-amz-server-side-encryption and x-amz-server-side-encryption-aws-kms-key-id.
 */
export function toEncryption(input: SimCall["input"]): Encryption {
  const kind = findText(input, "ServerSideEncryption");
  const key = findText(input, "SSEKMSKeyId");
  if (kind === undefined && key === undefined) return SSE_S3;
  if (kind === undefined || !KINDS.includes(kind)) {
    throw new SimFault("InvalidArgument", 400, "The encryption method specified is not supported");
  }
  if (kind === "AES256") {
    if (key === undefined) return SSE_S3;
    const why = "Server Side Encryption with AWS KMS managed key requires HTTP header x-amz-server-side-encryption";
    throw new SimFault("InvalidArgument", 400, `${why} : aws:kms`);
  }
  return { ServerSideEncryption: kind, SSEKMSKeyId: key ?? "alias/aws/s3" };
}
