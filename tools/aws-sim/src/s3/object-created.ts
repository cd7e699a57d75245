import { type AwsEvent, toAwsEvent } from "../event-bridge/aws-events.ts";
import type { SimCall } from "../sim-call.ts";
import type { Bucket, StoredObject } from "./buckets.ts";

/** How an object came to be there, as the event tells it. */
export type CreationReason = "PutObject" | "CompleteMultipartUpload";

/**
 * "Object Created", on the default bus of the bucket's owner. Source: S3 guide, "EventBridge event message structure". Keys stand
 * there as they are, and ETags without quotes.
 */
export function toObjectCreated(
  { name, account, region, written }: Bucket,
  { key, size, etag, versionId }: StoredObject,
  { now, identity, reason }: Pick<SimCall, "now" | "identity"> & { readonly reason: CreationReason },
): AwsEvent {
  const version = versionId === undefined ? {} : { "version-id": versionId };
  const sequencer = `${now.toString(16)}${written.toString(16).padStart(6, "0")}`.toUpperCase();
  return toAwsEvent({
    account,
    region,
    at: now,
    source: "aws.s3",
    detailType: "Object Created",
    resources: [`arn:aws:s3:::${name}`],
    detail: {
      version: "0",
      bucket: { name },
      reason,
      requester: identity.account,
      object: { key, size, etag: etag.replaceAll('"', ""), ...version, sequencer },
      "request-id": "N4N7GDK58NMKJ12R",
      "source-ip-address": "192.0.2.1",
    },
  });
}
