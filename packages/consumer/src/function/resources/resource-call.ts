import type { CustomResourceRequest } from "@stackyard/aws/custom-resource";
import type { Logger } from "@stackyard/core";
import type { ConsumerResourcesOptions } from "./consumer-resources-options.ts";

/** One request, and when the invocation ends. */
export interface ResourceCall {
  readonly request: CustomResourceRequest;
  readonly deadlineAt: number;
}

/** What serving one request needs. */
export interface ResourceDeps extends ConsumerResourcesOptions {
  readonly logger: Logger;
}
