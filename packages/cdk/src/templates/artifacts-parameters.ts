import { CONSUMER_PARAMETERS } from "./consumer-parameters.ts";
import { DISTRIBUTOR_PARAMETERS } from "./distributor-parameters.ts";
import { KEY_ARN, type ParameterDefinition } from "./parameter-forms.ts";
import { ROLLOUT_PARAMETERS } from "./rollout-parameters.ts";

const SHARED = {
  KmsKeyArn: {
    group: "Artifacts",
    description:
      "Customer's KMS key of the bucket's objects, also where a bucket that is there has one. Empty: S3's own.",
    ...KEY_ARN,
  },
  Transfer: {
    group: "Artifacts",
    description: "identity: consumers read the distributor's bucket. presigned: by URLs. auto: the first that works.",
    default: "auto",
    values: ["auto", "identity", "presigned"],
  },
} as const satisfies Readonly<Record<string, ParameterDefinition>>;

/** Parameters of the templates `distributor`, `consumer`, `consumer-zip` and `consumers-rollout`. */
export const ARTIFACTS_PARAMETERS = {
  ...ROLLOUT_PARAMETERS,
  ...CONSUMER_PARAMETERS,
  ...SHARED,
  ...DISTRIBUTOR_PARAMETERS,
} as const;
