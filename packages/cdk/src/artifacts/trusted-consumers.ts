import type { IResolvable } from "aws-cdk-lib";
import { type Given, mapGiven, toCfn, toCfnText } from "../given.ts";

/** Whom a distributor serves: say one of them, or both. */
export interface TrustedConsumers {
  /** Accounts, by their numbers. The trust of a role, 2,048 characters, holds some 40. */
  readonly accounts?: Given<readonly string[]>;
  /** All accounts of an organisation. */
  readonly organizationId?: Given<string>;
}

type Tests = Readonly<Record<string, Readonly<Record<string, unknown>>>>;

/** The actions that they may call. */
export interface ConsumerRight {
  readonly sid: string;
  readonly actions: readonly string[];
  /** Default: none, as in the policy of a role. */
  readonly resources?: readonly unknown[];
  readonly conditions?: Tests;
  /** The external id that they must pass when they assume a role. */
  readonly externalId?: Given<string> | undefined;
}

/** A statement of a policy of a resource. */
export interface TrustStatement {
  readonly Sid: string;
  readonly Effect: "Allow";
  readonly Principal: object;
  readonly Action: readonly string[];
  readonly Resource?: readonly unknown[];
  readonly Condition?: Tests | IResolvable;
}

/** Returns the statements for a policy, some of which may depend on conditions of the template. */
export function letConsumers(trusted: TrustedConsumers, right: ConsumerRight): readonly unknown[] {
  return toTrustStatements(trusted, right).map((given) => toCfn(given, (statement) => statement));
}

/**
 * One statement for the accounts and one for the organization. The latter excludes services: `aws:PrincipalOrgID` is empty for these
 * (IAM, "AWS global condition context keys").
 */
export function toTrustStatements(trusted: TrustedConsumers, right: ConsumerRight): readonly Given<TrustStatement>[] {
  const { accounts, organizationId } = trusted;
  const { sid, conditions, externalId } = right;
  const ofAccounts = (numbers: readonly string[]) =>
    toStatement({ ...right, sid: `${sid}Accounts` }, { AWS: numbers }, toAccountTests(right));
  const ofOrganization = (id: string) => {
    const said = externalId === undefined ? {} : { "sts:ExternalId": toCfnText(externalId) };
    const StringEquals = { ...conditions?.["StringEquals"], ...said, "aws:PrincipalOrgID": id };
    return toStatement({ ...right, sid: `${sid}Organization` }, { AWS: "*" }, { ...conditions, StringEquals });
  };
  return [
    ...(accounts === undefined ? [] : [mapGiven(accounts, ofAccounts)]),
    ...(organizationId === undefined ? [] : [mapGiven(organizationId, ofOrganization)]),
  ];
}

/** IAM rejects an empty condition, so it is omitted completely. */
function toAccountTests({ conditions, externalId }: ConsumerRight): Tests | IResolvable | undefined {
  if (externalId === undefined) return conditions;
  const test = mapGiven(externalId, (id) => ({ ...conditions, StringEquals: { "sts:ExternalId": id } }));
  return toCfn(test, (tests) => tests);
}

function toStatement(
  { sid, actions, resources }: ConsumerRight,
  Principal: object,
  tests?: Tests | IResolvable,
): TrustStatement {
  return {
    Sid: sid,
    Effect: "Allow",
    Principal,
    Action: actions,
    ...(resources === undefined ? {} : { Resource: resources }),
    ...(tests === undefined ? {} : { Condition: tests }),
  };
}
