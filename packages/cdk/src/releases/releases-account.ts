import { defined } from "@stackyard/core";
import type { PresetName } from "@stackyard/executor-asg/releases";
import { CfnRole } from "aws-cdk-lib/aws-iam";
import { Construct } from "constructs";
import { toRolePolicies } from "../app-function.ts";
import { type Given, toCfn, toCfnText } from "../given.ts";
import { type ReleaseRights, releaseIntoAccount } from "../policies/release-permissions.ts";
import { type ReleaseNames, toReleaseNames } from "./releases.ts";

/** The input of an account into which releases go. */
export interface ReleasesAccountProps {
  /** The role of the deployer's function: its ARN. */
  readonly deployerRoleArn: string;
  /** The names: `stackyard`, or those of a predecessor. Default: `stackyard`. */
  readonly preset?: PresetName | ReleaseNames;
  /** Name of the role that is made. Default: the preset's. */
  readonly roleName?: string;
  /** The external id for the deployer to assume the role. Default: none. */
  readonly externalId?: Given<string>;
  /**
   * The project and config that a session may touch. Default: those of its tags. `*` where the deployer does not tag its sessions:
   * any that is tagged.
   */
  readonly project?: string;
  readonly config?: string;
  /** Roles of instances and hooks: ARNs. Default: those under the preset's root of profiles. */
  readonly passRoleArns?: readonly string[];
  readonly permissionsBoundaryArn?: Given<string>;
}

// biome-ignore lint/suspicious/noTemplateCurlyInString: as IAM reads it.
const OWN_PROJECT = "${aws:PrincipalTag/ProjectName}";
// biome-ignore lint/suspicious/noTemplateCurlyInString: as IAM reads it.
const OWN_CONFIG = "${aws:PrincipalTag/ConfigName}";

/** The role that the deployer takes in an account. It trusts the deployer alone. */
export class ReleasesAccount extends Construct {
  readonly roleName: string;
  readonly roleArn: string;

  constructor(scope: Construct, id: string, props: ReleasesAccountProps) {
    super(scope, id);
    const { preset = "stackyard", permissionsBoundaryArn } = props;
    const names = typeof preset === "string" ? toReleaseNames(preset) : preset;
    const { project = OWN_PROJECT, config = OWN_CONFIG, passRoleArns } = props;
    const rights: ReleaseRights = {
      profileRoot: names.profileRoot,
      placementRoot: names.placementRoot,
      project,
      config,
      ...defined({ passRoleArns }),
    };
    const role = new CfnRole(this, "Role", {
      roleName: props.roleName ?? names.assumedRole,
      description: "Stackyard: releases on Auto Scaling groups in this account.",
      assumeRolePolicyDocument: { Version: "2012-10-17", Statement: toTrust(props) },
      policies: toRolePolicies(releaseIntoAccount(rights)),
      ...defined({ permissionsBoundary: permissionsBoundaryArn && toCfnText(permissionsBoundaryArn) }),
    });
    this.roleName = role.ref;
    this.roleArn = role.attrArn;
  }
}

/** Returns the trust policy. Tagging a session is a separate call, without an external id. */
function toTrust({ deployerRoleArn, externalId }: ReleasesAccountProps): readonly object[] {
  const Principal = { AWS: deployerRoleArn };
  const asked = externalId && toCfn(externalId, (id) => ({ StringEquals: { "sts:ExternalId": id } }));
  return [
    { Sid: "Take", Effect: "Allow", Principal, Action: "sts:AssumeRole", ...(asked ? { Condition: asked } : {}) },
    {
      Sid: "Tag",
      Effect: "Allow",
      Principal,
      Action: "sts:TagSession",
      Condition: { "ForAllValues:StringEquals": { "aws:TagKeys": ["ProjectName", "ConfigName", "ReleaseID"] } },
    },
  ];
}
