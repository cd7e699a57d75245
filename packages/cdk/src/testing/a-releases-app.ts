import { KEY, OPERATIONS, SUBNETS } from "./a-yard.ts";

/** Parameters of a deployment of the deployer of releases. */
export const RELEASES_APP = { CodeBucket: "code", ReleasesCodeKey: "releases.zip" } as const;

/** All parameters are set. */
export const FULL_RELEASES_APP = {
  S3Encryption: "arn:aws:kms:eu-west-1:111122223333:key/0000abcd-12ab-34cd-56ef-1234567890ab",
  ...RELEASES_APP,
  ...SUBNETS,
  ...OPERATIONS,
  ReleasesCodeVersion: "v1",
  ReleasesPreset: "odin",
  ExistingReleaseBucket: "coinbase-odin-111122223333",
  ExistingLockTable: "coinbase-odin-locks",
  ReleaseKeyArn: KEY,
  AssumedRole: "deployer",
  AssumedRoleExternalId: "yard-blue",
  ReleaseSessionTags: "false",
} as const;

/** An account that is released into. */
export const RELEASES_ACCOUNT = {
  DeployerRoleArn: "arn:aws:iam::999900001111:role/stackyard-releases-ReleasesRole-AbCdEf",
} as const;

/** All parameters are set. */
export const FULL_RELEASES_ACCOUNT = {
  ...RELEASES_ACCOUNT,
  ReleasesPreset: "odin",
  AssumedRole: "deployer",
  AssumedRoleExternalId: "yard-blue",
  ReleaseSessionTags: "false",
  PassedRoleArns: "arn:aws:iam::111122223333:role/web,arn:aws:iam::111122223333:role/hooks",
  PermissionsBoundaryArn: "arn:aws:iam::111122223333:policy/boundary",
} as const;

/** Ways to deploy both templates that together take both sides of every condition. */
export const RELEASES_DEPLOYMENTS: readonly (readonly [string, string, Readonly<Record<string, string>>])[] = [
  ["releases", "with defaults", RELEASES_APP],
  [
    "releases",
    "with a key and the names of the oldest",
    { ...RELEASES_APP, ReleasesPreset: "step-asg-deployer", ReleaseKeyArn: FULL_RELEASES_APP.ReleaseKeyArn },
  ],
  ["releases", "with everything said", FULL_RELEASES_APP],
  ["releases-account", "with defaults", RELEASES_ACCOUNT],
  ["releases-account", "with everything said", FULL_RELEASES_ACCOUNT],
];
