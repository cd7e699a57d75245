import { type Static, Type } from "typebox";
import { HooksDocument } from "./lifecycle-schema.ts";
import { RELEASE_SERVER_FIELDS } from "./server-fields.ts";
import { ServiceDocument } from "./service-schema.ts";

/** What may become of the load balancers of old groups. */
export const DETACH_STRATEGIES = ["Detach", "SkipDetach", "SkipDetachCheck"] as const;

/** Seconds: 48 hours. Step Functions keeps at most 25,000 events of an execution. */
export const MAX_TIMEOUT_SECONDS = 172_800;

/** A group each, made one after the other. */
export const MAX_SERVICES = 100;

const Filled = Type.String({ minLength: 1 });

/**
 * A release document. What is optional has a default; of the required, clients fill in `release_id`, `created_at` and the hash
 * when they deploy. A key with `readOnly` is the deployer's: it may be there and says nothing.
 */
export const ReleaseDocument = Type.Object(
  {
    aws_account_id: Type.Optional(Type.String({ minLength: 1, description: "Default: the deployer's account." })),
    aws_region: Type.Optional(Type.String({ minLength: 1, description: "Default: the deployer's region." })),
    release_id: Filled,
    project_name: Type.String({
      minLength: 1,
      description: "Such as org/name. With config_name at most 43 characters.",
    }),
    config_name: Type.String({ minLength: 1, description: "Such as production." }),
    bucket: Type.Optional(Type.String({ minLength: 1, description: "Default: prefix and the deployer's account." })),
    created_at: Type.String({ format: "date-time", description: "RFC 3339." }),
    timeout: Type.Optional(
      Type.Integer({ minimum: 1, maximum: MAX_TIMEOUT_SECONDS, description: "Seconds. Default 600." }),
    ),
    metadata: Type.Optional(Type.Record(Type.String(), Type.String(), { description: "Yours; never looked at." })),
    safe_release: Type.Optional(
      Type.Boolean({ description: "Refuse what differs from the release before in more than image and user data." }),
    ),
    subnets: Type.Optional(
      Type.Array(Filled, {
        minItems: 1,
        uniqueItems: true,
        description: "Ids, or values of their tags `Name`. Needed unless each service has its own.",
      }),
    ),
    ami: Type.String({ description: "An id, or the value of the image's tag `Name`." }),
    user_data_sha256: Type.String({ minLength: 1, description: "Of the user data that is stored beside, hex." }),
    lifecycle: Type.Optional(HooksDocument),
    services: Type.Record(Type.String(), ServiceDocument, { minProperties: 1, maxProperties: MAX_SERVICES }),
    detach_strategy: Type.Optional(Type.Enum(DETACH_STRATEGIES, { description: "Default Detach." })),
    stable_polls: Type.Optional(
      Type.Integer({ minimum: 1, maximum: 100, description: "Healthy looks in a row. Default 1." }),
    ),
    keep_scaled_capacity: Type.Optional(
      Type.Boolean({ description: "Keep what a policy has added meanwhile. Default false." }),
    ),
    count_terminations: Type.Optional(Type.Enum(["snapshot", "cumulative"], { description: "Default snapshot." })),
    drain_timeout: Type.Optional(Type.Integer({ minimum: 10, maximum: 3600, description: "Seconds. Default 600." })),
    drain_timeout_action: Type.Optional(Type.Enum(["delete", "fail"], { description: "Default delete." })),
    drain_hooks: Type.Optional(
      Type.Boolean({ description: "Let terminating hooks of old groups end before. Default false." }),
    ),
    rollback_window: Type.Optional(
      Type.Integer({
        minimum: 0,
        maximum: 2_592_000,
        description: "Seconds for which the old groups are kept after success. Default 0.",
      }),
    ),
    alarms: Type.Optional(
      Type.Array(Type.String({ minLength: 1, maxLength: 255 }), {
        uniqueItems: true,
        maxItems: 100,
        description: "CloudWatch alarms that must not be in ALARM.",
      }),
    ),
    ...RELEASE_SERVER_FIELDS,
  },
  { additionalProperties: false },
);
/** A release document, as far as a schema can say it. */
export type ReleaseDocument = Static<typeof ReleaseDocument>;
