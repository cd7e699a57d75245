import { Aws } from "aws-cdk-lib";
import { allow, type Permission } from "./statement.ts";

/** Who may release a project-config. */
export interface ReleaseClientRights {
  readonly bucket: string;
  readonly stateMachineArn: string;
  /** The account that releases go to. */
  readonly account: string;
  readonly project: string;
  /** `*`: all of the project. */
  readonly config: string;
}

/**
 * What a person, or a pipeline, needs to release a project-config by the bucket and the state machine. Both are needed: the bucket
 * says what, and is written by whoever may release this project-config; the state machine starts it, for everybody who may release
 * anything. Locks are not among the keys: only a release that is under way writes those.
 */
export function allowReleases(rights: ReleaseClientRights): Permission {
  const { bucket, stateMachineArn, account, project, config } = rights;
  const arn = `arn:${Aws.PARTITION}:s3:::${bucket}`;
  const keys = `${arn}/${account}/${project}/${config}`;
  const executions = stateMachineArn.replace(":stateMachine:", ":execution:");
  return {
    name: "Releases",
    statements: [
      allow("PutDocuments", ["s3:PutObject"], [`${keys}/*/release`, `${keys}/*/userdata`]),
      allow("Halt", ["s3:PutObject", "s3:GetObject"], [`${keys}/halt`, `${keys}/*/halt`]),
      // Otherwise S3 reports a missing order as forbidden.
      allow("SeeWhatIsMissing", ["s3:ListBucket"], arn),
      allow("Start", ["states:StartExecution", "states:ListExecutions"], stateMachineArn),
      allow("Watch", ["states:DescribeExecution", "states:GetExecutionHistory"], `${executions}:*`),
    ],
  };
}
