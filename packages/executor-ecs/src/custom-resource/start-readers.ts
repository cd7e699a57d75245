import { fieldsOf, integerFrom, listOf, oneOf, type Place, type Reader, readText, refuse } from "./property-readers.ts";

/** Fifty is what ECS takes; four are of ours. */
const MAX_TAGS = 46;

/**
 * How tasks are started, as ECS's RunTask takes it (Amazon ECS API reference, "RunTask", "AwsVpcConfiguration",
 * "CapacityProviderStrategyItem", "PlacementConstraint", "PlacementStrategy", "Tag").
 */
export const readNetworkConfiguration = fieldsOf(
  {
    awsvpcConfiguration: fieldsOf(
      {
        subnets: listOf(readText, 1, 16),
        securityGroups: listOf(readText, 0, 5),
        assignPublicIp: oneOf("ENABLED", "DISABLED"),
      },
      ["subnets"],
    ),
  },
  ["awsvpcConfiguration"],
);

/** At most 20 capacity providers with their shares. */
export const readCapacityProviderStrategy = listOf(
  fieldsOf({ capacityProvider: readText, weight: integerFrom(0, 1_000), base: integerFrom(0, 100_000) }, [
    "capacityProvider",
  ]),
  0,
  20,
);

/** At most 10 rules about where a task may stand. */
export const readPlacementConstraints = listOf(
  fieldsOf({ type: oneOf("distinctInstance", "memberOf"), expression: readText }, ["type"]),
  0,
  10,
);

/** At most 5 rules about how tasks are spread. */
export const readPlacementStrategy = listOf(
  fieldsOf({ type: oneOf("random", "spread", "binpack"), field: readText }, ["type"]),
  0,
  5,
);

/** Tags beside ours; a value is optional. */
export const readTags = listOf(fieldsOf({ key: readTagKey, value: readTagValue }, ["key"]), 0, MAX_TAGS);

/** The ARN of a target group of Elastic Load Balancing. */
export const readTargetGroup: Reader<string> = (value, place) => {
  const arn = readText(value, place);
  if (arn === undefined || /^arn:[a-z-]+:elasticloadbalancing:[a-z0-9-]+:\d{12}:targetgroup\/[^\s]+$/.test(arn))
    return arn;
  return refuse(place, "must be the ARN of a target group.");
};

function readTagKey(value: unknown, place: Place): string | undefined {
  const key = readText(value, place);
  if (key === undefined) return undefined;
  if (key.length > 128) return refuse(place, "must have at most 128 characters.");
  if (/^(aws|stackyard):/i.test(key)) return refuse(place, 'must not begin with "aws:" or "stackyard:".');
  return key;
}

function readTagValue(value: unknown, place: Place): string | undefined {
  if (typeof value === "number" || typeof value === "boolean") return String(value);
  if (typeof value === "string" && value.length <= 256) return value;
  return refuse(place, "must be text of at most 256 characters.");
}
