import { Type } from "typebox";
import { MAX_PER_GROUP } from "./group-quotas.ts";

/** What the two transitions are called (Auto Scaling, LifecycleHookSpecification). */
export const TRANSITIONS = ["autoscaling:EC2_INSTANCE_LAUNCHING", "autoscaling:EC2_INSTANCE_TERMINATING"] as const;

/** What becomes of an instance whose hook nobody completes (Auto Scaling, PutLifecycleHook, `DefaultResult`). */
export const HOOK_RESULTS = ["ABANDON", "CONTINUE"] as const;

/** Seconds that a hook may wait (Auto Scaling, PutLifecycleHook, `HeartbeatTimeout`). */
export const HEARTBEAT = { minimum: 30, maximum: 7200 } as const;

/** A lifecycle hook of a document, by its name. */
export const HookDocument = Type.Object(
  {
    transition: Type.Optional(Type.Enum(TRANSITIONS)),
    role: Type.Optional(Type.String({ description: "Name of the role that publishes to the topic." })),
    sns: Type.Optional(Type.String({ description: "Name of the topic in the same account and region." })),
    heartbeat_timeout: Type.Optional(Type.Integer({ ...HEARTBEAT, description: "Seconds. Default: that of AWS." })),
    role_arn: Type.Optional(Type.String({ description: "In place of that of `role`." })),
    notification_target_arn: Type.Optional(Type.String({ description: "In place of that of `sns`." })),
    event_bridge: Type.Optional(
      Type.Boolean({ description: "Told by EventBridge alone, without role and topic. Default false." }),
    ),
    default_result: Type.Optional(
      Type.Enum(HOOK_RESULTS, { description: "When nobody completes the action in time. Default: ABANDON." }),
    ),
    name: Type.Optional(Type.String({ readOnly: true, description: "Always the hook's key." })),
  },
  { additionalProperties: false },
);

/** Lifecycle hooks by name. */
export const HooksDocument = Type.Record(Type.String(), HookDocument, { maxProperties: MAX_PER_GROUP });
