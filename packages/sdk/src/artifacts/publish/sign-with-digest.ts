import type { PutObjectCommand, UploadPartCommand } from "@aws-sdk/client-s3";

interface Step {
  readonly request?: unknown;
}

/**
 * Signs a body by the digest that is known of it, in hex; otherwise the SDK would work it out once more. Source: Amazon S3 API
 * reference, "Authenticating Requests", `x-amz-content-sha256`.
 */
export function signWithDigest(command: PutObjectCommand | UploadPartCommand, sha256: string): void {
  // The types of the two stacks have no call in common.
  const { middlewareStack } = Object(command);
  const middleware = (next: (args: Step) => unknown) => (args: Step) => {
    const { headers } = Object(args.request);
    if (headers !== undefined) headers["x-amz-content-sha256"] = sha256;
    return next(args);
  };
  middlewareStack.add(middleware, { step: "build", name: "signWithDigest", override: true });
}
