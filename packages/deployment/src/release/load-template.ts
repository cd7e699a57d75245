import { GetObjectCommand, type S3Client } from "@aws-sdk/client-s3";
import { findAwsFault, toAwsError } from "@stackyard/aws";
import { StackyardError } from "@stackyard/core";
import { type Place, toKey } from "../object-keys.ts";

/** A published template. */
export interface PublishedTemplate {
  readonly text: string;
  /** As CloudFormation takes it. */
  readonly url: string;
}

/** Reads a template. Throws `NOT_FOUND` when it is not there. */
export async function loadTemplate(
  s3: S3Client,
  place: Place,
  name: string,
  version: string,
): Promise<PublishedTemplate> {
  const key = toKey(place, { kind: "template", name, version });
  try {
    const { Body } = await s3.send(new GetObjectCommand({ Bucket: place.bucket, Key: key }));
    const text = (await Body?.transformToString()) ?? "";
    const region: Promise<string> = s3.config.region();
    return { text, url: toTemplateUrl(place.bucket, key, await region) };
  } catch (error) {
    if (findAwsFault(error).code !== "NOT_FOUND")
      throw toAwsError(error, `s3://${place.bucket}/${key} cannot be read.`);
    const hint = "`stackyard apps ls` shows what is published.";
    throw new StackyardError("NOT_FOUND", `There is no s3://${place.bucket}/${key}.`, {
      cause: error,
      details: { hint },
    });
  }
}

/** API reference, "CreateChangeSet", TemplateURL: an https address of S3. */
export function toTemplateUrl(bucket: string, key: string, region: string): string {
  const suffix = region.startsWith("cn-") ? "amazonaws.com.cn" : "amazonaws.com";
  return `https://${bucket}.s3.${region}.${suffix}/${key}`;
}
