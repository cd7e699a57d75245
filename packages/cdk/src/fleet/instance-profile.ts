import { Aws } from "aws-cdk-lib";
import { CfnInstanceProfile } from "aws-cdk-lib/aws-iam";
import { Construct } from "constructs";
import { createAppRole } from "../functions/app-role.ts";
import { type Given, mapGiven } from "../given.ts";
import { type BucketPrefix, toPrefix } from "../policies/s3-permissions.ts";
import { allow, type Permission } from "../policies/statement.ts";

/** What instances read and write. */
export interface FleetInstanceProfileProps {
  readonly artifacts: BucketPrefix;
  /** Where the full output of commands goes. Default: nowhere. */
  readonly output?: Given<BucketPrefix>;
  readonly permissionsBoundaryArn?: Given<string>;
}

/** The role of instances: they talk to SSM, read artifacts and write output, and nothing else. */
export class FleetInstanceProfile extends Construct {
  readonly name: string;
  readonly arn: string;
  readonly roleArn: string;

  constructor(scope: Construct, id: string, { artifacts, output, permissionsBoundaryArn }: FleetInstanceProfileProps) {
    super(scope, id);
    const role = createAppRole(this, "Role", {
      description: "Stackyard: instances of a fleet.",
      service: "ec2.amazonaws.com",
      permissions: [readArtifact(artifacts), ...(output === undefined ? [] : [mapGiven(output, writeOutput)])],
      managedPolicyArns: [`arn:${Aws.PARTITION}:iam::aws:policy/AmazonSSMManagedInstanceCore`],
      permissionsBoundaryArn,
    });
    const profile = new CfnInstanceProfile(this, "Profile", { roles: [role.ref] });
    this.name = profile.ref;
    this.arn = profile.attrArn;
    this.roleArn = role.attrArn;
  }
}

function readArtifact(objects: BucketPrefix): Permission {
  const keys = `arn:${Aws.PARTITION}:s3:::${objects.bucket}/${toPrefix(objects)}*`;
  return { name: "Artifacts", statements: [allow("Read", ["s3:GetObject", "s3:GetObjectVersion"], keys)] };
}

function writeOutput(objects: BucketPrefix): Permission {
  const keys = `arn:${Aws.PARTITION}:s3:::${objects.bucket}/${toPrefix(objects)}*`;
  return { name: "Output", statements: [allow("Write", ["s3:PutObject"], keys)] };
}
