import { FULL_YARD_PARAMETERS } from "./a-yard.ts";
import { FULL_DISTRIBUTOR_APP } from "./an-artifacts-app.ts";
import { findBody } from "./find-template.ts";
import { resolveTemplate, toJson } from "./resolve-template.ts";

/** A quota of AWS that limits how far one installation goes, with the size at which its template stops. */
export interface DesignQuota {
  /** The quota, as its page calls it. */
  readonly quota: string;
  readonly most: number;
  readonly unit: string;
  /** The page of AWS, and when it was read. */
  readonly source: string;
  readonly checked: string;
  /** What grows with each entry. */
  readonly grows: string;
  /** The most entries with which it can be deployed. */
  readonly stopsAt: number;
  /** What to do beyond. */
  readonly beyond: string;
  /** Returns how much of the quota so many entries take. */
  uses(entries: number): number;
}

const ACCOUNT = "444455556666";
const CHECKED = "2026-11-30";
const IAM = "https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_iam-quotas.html";
const EVENTS = "https://docs.aws.amazon.com/eventbridge/latest/userguide/eb-quota.html";
const SQS = "https://docs.aws.amazon.com/AWSSimpleQueueService/latest/SQSDeveloperGuide/quotas-policies.html";
const RULE = `arn:aws:events:eu-west-1:${ACCOUNT}:rule/${"r".repeat(32)}`;
const FUNCTION = `arn:aws:lambda:eu-west-1:${ACCOUNT}:function:${"f".repeat(32)}`;
const SENDER = '{"id":"AROAEXAMPLEEXAMPLE123:*","groups":["release-managers"]}';

/** The parameter of more than 40 is refused before anything is made. */
const BY_ORGANIZATION = "set `OrganizationId`";

/** In the order of the README. */
export const DESIGN_QUOTAS: readonly DesignQuota[] = [
  {
    quota: "filter policies of a topic of SNS",
    most: 200,
    unit: "",
    source: "https://docs.aws.amazon.com/sns/latest/dg/subscription-filter-policy-constraints.html",
    checked: CHECKED,
    grows: "consumers of a distributor: accounts times regions",
    stopsAt: 200,
    beyond: "set `TopicFilter` to `false`, or ask AWS for more; the alarm `Filters` tells it from 181 on",
    uses: (entries) => entries,
  },
  {
    quota: "trust policy of a role",
    most: 2_048,
    unit: "characters",
    source: IAM,
    checked: CHECKED,
    grows: "`TrustedAccounts` of a distributor",
    stopsAt: 40,
    beyond: BY_ORGANIZATION,
    uses: (entries) => sizeOf("distributor", trust(entries), "AssumeRolePolicyDocument", "AWS::IAM::Role"),
  },
  {
    quota: "policy of a bucket",
    most: 20_480,
    unit: "bytes",
    source: "https://docs.aws.amazon.com/AmazonS3/latest/userguide/bucket-policies.html",
    checked: CHECKED,
    grows: "`TrustedAccounts` of a distributor",
    stopsAt: 40,
    beyond: BY_ORGANIZATION,
    uses: (entries) => sizeOf("distributor", trust(entries), "PolicyDocument", "AWS::S3::BucketPolicy"),
  },
  {
    quota: "policy of an event bus",
    most: 10_240,
    unit: "characters",
    source: EVENTS,
    checked: CHECKED,
    grows: "`TrustedAccounts` of a distributor",
    stopsAt: 40,
    beyond: BY_ORGANIZATION,
    uses: (entries) => sizeOf("distributor", trust(entries), "Statement", "AWS::Events::EventBusPolicy"),
  },
  {
    quota: "principals in the policy of a queue",
    most: 50,
    unit: "",
    source: SQS,
    checked: CHECKED,
    grows: "`EventSenderArns` of a yard",
    stopsAt: 47,
    beyond: "let senders publish to a topic (`EventTopicArn`)",
    uses: (entries) => countPrincipals({ EventSenderArns: list(entries, ACCOUNT) }),
  },
  {
    quota: "bytes of the policy of a queue",
    most: 8_192,
    unit: "bytes",
    source: SQS,
    checked: CHECKED,
    grows: "`EventRuleArns` of a yard, of 80 characters each",
    stopsAt: 93,
    beyond: "let rules send to a topic (`EventTopicArn`), or to a bus with one rule",
    uses: (entries) =>
      sizeOf("yard", { EventRuleArns: list(entries, RULE) }, "PolicyDocument", "AWS::SQS::QueuePolicy"),
  },
  {
    quota: "variables of a function",
    most: 4_096,
    unit: "bytes",
    source: "https://docs.aws.amazon.com/lambda/latest/dg/gettingstarted-limits.html",
    checked: CHECKED,
    grows: "entries of `QueueSenders` of a yard, of 60 characters each",
    stopsAt: 47,
    beyond: "use `*` for the sessions of a role, and groups for several roles",
    uses: (entries) => countVariables({ QueueSenders: `[${list(entries, SENDER)}]` }),
  },
  {
    quota: "inline policies of a role",
    most: 10_240,
    unit: "characters",
    source: IAM,
    checked: CHECKED,
    grows: "`FunctionArns` of a yard, of 80 characters each",
    stopsAt: 60,
    beyond: "name functions by a prefix with `*`, or use `TaskRunnerPolicyArns`",
    uses: (entries) => sizeOf("yard", { FunctionArns: list(entries, FUNCTION) }, "Policies", "AWS::IAM::Role"),
  },
  {
    quota: "managed policies of a role",
    most: 10,
    unit: "",
    source: IAM,
    checked: CHECKED,
    grows: "`TaskRunnerPolicyArns`",
    stopsAt: 10,
    beyond: "join policies, or ask AWS for up to 20",
    uses: (entries) => entries,
  },
  {
    quota: "rules of an event bus",
    most: 300,
    unit: "",
    source: EVENTS,
    checked: CHECKED,
    grows: "fleets in an account and region",
    stopsAt: 100,
    beyond: "ask AWS for more",
    uses: (entries) => entries * count("fleet", "AWS::Events::Rule"),
  },
  {
    quota: "units of an organization in an operation of a StackSet",
    most: 50,
    unit: "",
    source: "https://docs.aws.amazon.com/AWSCloudFormation/latest/APIReference/API_CreateStackInstances.html",
    checked: CHECKED,
    grows: "`OrganizationalUnitIds` of the roll-out of consumers",
    stopsAt: 50,
    beyond: "name a unit above them",
    uses: (entries) => entries,
  },
];

const list = (entries: number, text: string) => Array.from({ length: entries }, () => text).join(",");
const trust = (entries: number) => ({
  TrustedAccounts: list(entries, ACCOUNT),
  OrganizationId: "o-a1b2c3d4e5",
  ExistingSourceBucket: "",
  Transfer: "auto",
});

function deploy(name: "yard" | "distributor", given: Readonly<Record<string, string>>) {
  const full = name === "yard" ? FULL_YARD_PARAMETERS : FULL_DISTRIBUTOR_APP;
  return Object.values(resolveTemplate(JSON.parse(findBody(name)), { ...full, ...given }).resources);
}

/** Returns the characters of the largest such part of a template, without white space. */
function sizeOf(
  name: "yard" | "distributor",
  given: Readonly<Record<string, string>>,
  part: string,
  ofType: string,
): number {
  const sizes = deploy(name, given).flatMap(({ type, properties }) =>
    type === ofType && part in properties ? JSON.stringify(properties[part]).replaceAll(/\s/g, "").length : [],
  );
  return Math.max(0, ...sizes);
}

/** Returns the bytes of the variables of the function that has most. */
function countVariables(given: Readonly<Record<string, string>>): number {
  const counts = deploy("yard", given).map(({ properties }) => {
    const variables = Object.entries(toJson(toJson(properties["Environment"])["Variables"]));
    return variables.reduce((sum, [name, value]) => sum + Buffer.byteLength(`${name}${value}`), 0);
  });
  return Math.max(...counts);
}

function countPrincipals(given: Readonly<Record<string, string>>): number {
  const counts = deploy("yard", given).flatMap(({ type, properties }) => {
    if (type !== "AWS::SQS::QueuePolicy") return [];
    const statements = [toJson(properties["PolicyDocument"])["Statement"]].flat();
    const principals = statements.flatMap((each) => {
      const principal = toJson(each)["Principal"];
      return typeof principal === "string" ? [principal] : Object.values(toJson(principal)).flat();
    });
    return principals.length;
  });
  return Math.max(...counts);
}

function count(name: string, ofType: string): number {
  const { Resources } = JSON.parse(findBody(name));
  return Object.values<{ readonly Type: string }>(Resources).filter(({ Type }) => Type === ofType).length;
}

/** Formats the table of the README. */
export function toQuotaTable(): string {
  const rows = DESIGN_QUOTAS.map(({ quota, most, unit, source, checked, grows, stopsAt, beyond }) => {
    const size = `${most.toLocaleString("en")} ${unit}`.trim();
    return `| [${quota}](${source}), ${checked} | ${size} | ${grows} | ${stopsAt} | ${beyond} |`;
  });
  return [
    "| quota of AWS, and when it was read | default | grows with | stops at | beyond |",
    "|---|---|---|---|---|",
    ...rows,
  ].join("\n");
}
