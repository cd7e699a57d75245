import { Type } from "typebox";
import { AutoscalingDocument, PolicyDocument } from "./autoscaling-schema.ts";
import { MAX_PER_GROUP } from "./group-quotas.ts";
import { HookDocument } from "./lifecycle-schema.ts";
import { MAX_SERVICES, ReleaseDocument } from "./release-schema.ts";
import { ServiceDocument } from "./service-schema.ts";

const SeedPolicy = Type.Pick(PolicyDocument, [
  "type",
  "scaling_adjustment",
  "threshold",
  "period",
  "evaluation_periods",
  "cooldown",
]);

const SeedAutoscaling = Type.Object({
  ...Type.Pick(AutoscalingDocument, ["min_size", "max_size", "spread", "max_terms"]).properties,
  policies: Type.Optional(Type.Array(SeedPolicy, { maxItems: MAX_PER_GROUP })),
});

const SeedService = Type.Object({
  ...Type.Pick(ServiceDocument, [
    "instance_type",
    "security_groups",
    "elbs",
    "target_groups",
    "profile",
    "tags",
    "ebs_volume_size",
    "ebs_volume_type",
    "ebs_device_name",
  ]).properties,
  autoscaling: Type.Optional(SeedAutoscaling),
});

const SeedHook = Type.Omit(HookDocument, ["event_bridge", "default_result"]);

/** A release document of the first generation: it brings its user data along, and may hold whatever else it likes. */
export const SeedDocument = Type.Object({
  ...Type.Pick(ReleaseDocument, [
    "aws_account_id",
    "aws_region",
    "release_id",
    "project_name",
    "config_name",
    "bucket",
    "created_at",
    "subnets",
    "ami",
  ]).properties,
  timeout: Type.Optional(Type.Integer({ minimum: 1 })),
  user_data: Type.String({ minLength: 1 }),
  lifecycle: Type.Optional(Type.Record(Type.String(), SeedHook, { maxProperties: MAX_PER_GROUP })),
  services: Type.Record(Type.String(), SeedService, { minProperties: 1, maxProperties: MAX_SERVICES }),
});
