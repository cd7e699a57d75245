import { NormalizedSchema } from "@smithy/core/schema";

/** Services whose shapes are known, as the SDK names their clients without `Client`. */
export type KnownService = keyof typeof MODULES;

/** Those of them that speak a query protocol. */
export type QueryService = Exclude<KnownService, "CloudWatch" | "S3">;

/** The shapes of a service, as its client writes and reads them. */
export interface ServiceSchemas {
  /** Undefined: the service has no such operation. */
  findOperation(operation: string): OperationSchemas | undefined;
  /** The code on the wire of an error, which clients know by the name of its class (the `awsQueryError` trait). */
  toCode(errorName: string): string;
}

/** What goes in and what comes out; undefined: nothing. */
export interface OperationSchemas {
  readonly input: NormalizedSchema | undefined;
  readonly output: NormalizedSchema | undefined;
}

/** Loaded when a service is asked first: that of EC2 alone is two megabytes. */
const MODULES = {
  AutoScaling: () => import("@aws-sdk/client-auto-scaling"),
  CloudFormation: () => import("@aws-sdk/client-cloudformation"),
  CloudWatch: () => import("@aws-sdk/client-cloudwatch"),
  EC2: () => import("@aws-sdk/client-ec2"),
  ElasticLoadBalancing: () => import("@aws-sdk/client-elastic-load-balancing"),
  ElasticLoadBalancingV2: () => import("@aws-sdk/client-elastic-load-balancing-v2"),
  IAM: () => import("@aws-sdk/client-iam"),
  S3: () => import("@aws-sdk/client-s3"),
  SNS: () => import("@aws-sdk/client-sns"),
  STS: () => import("@aws-sdk/client-sts"),
} as const;

/**
 * Reads the schemas that the client of a service brings along, so that texts on the wire become what the SDK's types say, and
 * no names or types are written down twice.
 */
export async function loadSchemas(service: KnownService): Promise<ServiceSchemas> {
  const shapes: Readonly<Record<string, unknown>> = await MODULES[service]();
  return {
    findOperation(operation) {
      const shape = shapes[`${operation}$`];
      if (!Array.isArray(shape)) return;
      const [, , , , input, output] = shape;
      return { input: toStructure(input), output: toStructure(output) };
    },
    toCode(errorName) {
      const shape = shapes[`${errorName}$`];
      if (!Array.isArray(shape)) return errorName;
      const code: unknown = Object(Object(shape[3])["awsQueryError"])[0];
      return typeof code === "string" ? code : errorName;
    },
  };
}

function toStructure(ref: Parameters<typeof NormalizedSchema.of>[0]): NormalizedSchema | undefined {
  const schema = NormalizedSchema.of(ref);
  return schema.isStructSchema() ? schema : undefined;
}
