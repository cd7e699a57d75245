import { accountsUpTo, optional, type ParameterDefinition } from "./parameter-forms.ts";

const UNIT = "(ou-[a-z0-9]{4,32}-[a-z0-9]{8,32}|r-[a-z0-9]{4,32})";
const PERCENT = { type: "Number", min: 0, max: 100 } as const;

/** Settings for the roll-out of consumers to accounts and regions. */
export const ROLLOUT_PARAMETERS = {
  ConsumerTemplateUrl: {
    group: "Rollout",
    description: "Address of the template consumer in S3, which the account of the StackSet may read.",
    pattern: "^https://[^\\s]{1,1016}$",
    constraint: "An address that begins with https://.",
  },
  StackSetName: {
    group: "Rollout",
    description: "Name of the StackSet.",
    default: "stackyard-consumers",
    pattern: "^[A-Za-z][A-Za-z0-9-]{0,127}$",
  },
  PermissionModel: {
    group: "Rollout",
    description:
      "SERVICE_MANAGED: into units of the organisation. SELF_MANAGED: into accounts that have the roles of StackSets.",
    default: "SERVICE_MANAGED",
    values: ["SERVICE_MANAGED", "SELF_MANAGED"],
  },
  CallAs: {
    group: "Rollout",
    description:
      "For service-managed: SELF in the management account, DELEGATED_ADMIN in an account that stands in for it.",
    default: "SELF",
    values: ["SELF", "DELEGATED_ADMIN"],
  },
  OrganizationalUnitIds: {
    group: "Rollout",
    description: "For service-managed: units or the root, ids by commas.",
    ...optional(`${UNIT}(,${UNIT}){0,99}`, "Ids such as ou-ab12-cd34ef56 or r-ab12 by commas, or nothing."),
  },
  ConsumerAccounts: {
    group: "Rollout",
    description: "For self-managed: accounts by commas.",
    ...accountsUpTo(200),
  },
  ConsumerRegions: { group: "Rollout", description: "Regions by commas.", type: "CommaDelimitedList" },
  AutoDeployment: {
    group: "Rollout",
    description:
      "For service-managed: true, an account that joins a unit gets a consumer, and one that leaves it loses it. The bucket is kept.",
    default: "true",
    values: ["true", "false"],
  },
  FailureTolerancePercentage: {
    group: "Rollout",
    description: "Share of accounts in a region that may fail before the rest is given up. Not for auto-deployment.",
    ...PERCENT,
    default: 10,
  },
  MaxConcurrentPercentage: {
    group: "Rollout",
    description: "Share of accounts that are worked at a time. Not for auto-deployment.",
    ...PERCENT,
    default: 25,
    min: 1,
  },
} as const satisfies Readonly<Record<string, ParameterDefinition>>;
