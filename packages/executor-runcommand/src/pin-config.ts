import { S3Client } from "@aws-sdk/client-s3";
import { type ExecutorContext, type Failed, failed } from "@stackyard/core";
import type { RunCommandConfig } from "./definition.ts";
import { toCallError } from "./ssm/call-aws.ts";

/**
 * The config with its artifact's SHA-256 and version, where the profile checks them and nobody has said them: read once, so
 * that every instance of the run gets the same content.
 */
export async function pinConfig(ctx: ExecutorContext, config: RunCommandConfig): Promise<RunCommandConfig | Failed> {
  const { artifact } = config;
  if (artifact === undefined || !isToBePinned(config)) return config;
  // Only those who need it load S3's client.
  const { pinArtifact } = await import("./fleet/pin-artifact.ts");
  try {
    const pinned = await pinArtifact(ctx.aws(S3Client), artifact, ctx.signal);
    if ("kind" in pinned) return failed({ code: pinned.code, message: pinned.message, retryable: false });
    return { ...config, artifact: pinned };
  } catch (error) {
    ctx.signal.throwIfAborted();
    throw toCallError(error, { what: `The artifact s3://${artifact.bucket}/${artifact.key} could not be read.` });
  }
}

/** The predecessor's lines check nothing. */
export function isToBePinned({ artifact, document, profile }: RunCommandConfig): boolean {
  return artifact !== undefined && artifact.sha256 === undefined && document === undefined && profile !== "garlc-1";
}
