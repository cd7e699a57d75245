import { Type } from "typebox";
import { AutoscalingDocument } from "./autoscaling-schema.ts";
import { MAX_PER_GROUP } from "./group-quotas.ts";
import { HooksDocument } from "./lifecycle-schema.ts";
import { SERVICE_SERVER_FIELDS } from "./server-fields.ts";

/** Kinds of EBS volumes (EC2, EbsBlockDevice, `VolumeType`). */
export const VOLUME_TYPES = ["gp3", "gp2", "io1", "io2", "st1", "sc1", "standard"] as const;

/** Placement strategies of EC2. */
export const PLACEMENT_STRATEGIES = ["cluster", "spread", "partition"] as const;

/** What a service may be placed on. */
export const TENANCIES = ["default", "dedicated"] as const;

/** Termination policies (Auto Scaling User Guide, termination policies); a function's ARN is one, too. */
export const TERMINATION_POLICIES = [
  "Default",
  "AllocationStrategy",
  "ClosestToNextInstanceHour",
  "NewestInstance",
  "OldestInstance",
  "OldestLaunchConfiguration",
  "OldestLaunchTemplate",
] as const;

const closed = { additionalProperties: false };

const balancers = { uniqueItems: true, maxItems: MAX_PER_GROUP };

const Filled = Type.String({ minLength: 1 });

/** A further block device of a service. */
export const VolumeDocument = Type.Object(
  {
    device: Filled,
    size: Type.Integer({ minimum: 1, description: "GiB." }),
    type: Type.Optional(Type.Enum(VOLUME_TYPES, { description: "Default gp3." })),
    iops: Type.Optional(Type.Integer({ minimum: 1 })),
    throughput: Type.Optional(Type.Integer({ minimum: 1, description: "MiB a second. Of gp3." })),
    encrypted: Type.Optional(Type.Boolean()),
    kms_key: Type.Optional(Filled),
    delete_on_termination: Type.Optional(Type.Boolean()),
  },
  closed,
);

/** A service of a document: a group of servers that are alike. */
export const ServiceDocument = Type.Object(
  {
    instance_type: Filled,
    instance_types: Type.Optional(
      Type.Array(Filled, { uniqueItems: true, maxItems: 39, description: "More types that will do." }),
    ),
    on_demand_base_capacity: Type.Optional(Type.Integer({ minimum: 0 })),
    on_demand_percentage: Type.Optional(Type.Integer({ minimum: 0, maximum: 100 })),
    capacity_rebalance: Type.Optional(Type.Boolean()),
    security_groups: Type.Array(Filled, {
      minItems: 1,
      uniqueItems: true,
      description: "Values of their tags `Name`.",
    }),
    elbs: Type.Optional(Type.Array(Filled, { ...balancers, description: "Names of classic load balancers." })),
    target_groups: Type.Optional(Type.Array(Filled, { ...balancers, description: "Names." })),
    profile: Type.Optional(Type.String({ description: "Name of an instance profile." })),
    tags: Type.Optional(Type.Record(Type.String({ minLength: 1 }), Type.String())),
    autoscaling: Type.Optional(AutoscalingDocument),
    spot_price: Type.Optional(Filled),
    ebs_volume_size: Type.Optional(Type.Integer({ minimum: 1, description: "GiB." })),
    ebs_volume_type: Type.Optional(
      Type.String({ minLength: 1, description: "Default gp3; of predecessors' presets gp2." }),
    ),
    ebs_device_name: Type.Optional(Type.String({ minLength: 1, description: "Default /dev/xvda." })),
    ebs_iops: Type.Optional(Type.Integer({ minimum: 1 })),
    ebs_throughput: Type.Optional(Type.Integer({ minimum: 1, description: "MiB a second." })),
    ebs_encrypted: Type.Optional(Type.Boolean()),
    ebs_kms_key: Type.Optional(Filled),
    ebs_delete_on_termination: Type.Optional(Type.Boolean()),
    volumes: Type.Optional(Type.Array(VolumeDocument, { maxItems: 20, description: "Further devices." })),
    associate_public_ip_address: Type.Optional(Type.Boolean()),
    metadata_tokens: Type.Optional(Type.Enum(["required", "optional"], { description: "Default required." })),
    metadata_hop_limit: Type.Optional(
      Type.Integer({ minimum: 1, maximum: 64, description: "Default 1; 2 for containers." }),
    ),
    placement_group_name: Type.Optional(Filled),
    placement_group_strategy: Type.Optional(Type.Enum(PLACEMENT_STRATEGIES)),
    placement_group_partition_count: Type.Optional(Type.Integer({ minimum: 1, maximum: 7 })),
    placement_tenancy: Type.Optional(Type.Enum(TENANCIES)),
    termination_policies: Type.Optional(
      Type.Array(Type.String({ pattern: `^(?:${TERMINATION_POLICIES.join("|")}|arn:.+)$` }), {
        minItems: 1,
        uniqueItems: true,
        description: "Default: OldestLaunchTemplate, Default.",
      }),
    ),
    ami: Type.Optional(Type.String({ minLength: 1, description: "In place of the release's." })),
    subnets: Type.Optional(Type.Array(Filled, { minItems: 1, uniqueItems: true })),
    lifecycle: Type.Optional(HooksDocument),
    depends_on: Type.Optional(
      Type.Array(Filled, { uniqueItems: true, description: "Services whose groups are created before." }),
    ),
    ...SERVICE_SERVER_FIELDS,
  },
  closed,
);
