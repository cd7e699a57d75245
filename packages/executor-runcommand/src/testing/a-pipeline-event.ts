import { defined } from "@stackyard/core";
/** A job's id. */
export const JOB_ID = "11111111-abcd-1111-abcd-111111abcdef";
/** The location of the builders' artifact. */
export const ARTIFACT_PLACE = { bucket: "codepipeline-eu-west-1-123456789012", key: "garlc/MyApp/LtHJHdE.zip" };
/** The event's credentials for reading it. */
export const ARTIFACT_CREDENTIALS = {
  accessKeyId: "AKIAIOSFODNN7EXAMPLE",
  secretAccessKey: "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY",
  sessionToken: "MIICiTCCAfICCQD6m7oRw0uXOjANBgkqhkiG9w0BAQUFADCB",
};

/** What differs from the usual event. */
export interface PipelineEventInput {
  readonly id?: unknown;
  readonly userParameters?: unknown;
  readonly continuationToken?: unknown;
  readonly inputArtifacts?: unknown;
}

/** Returns an input artifact as CodePipeline lists it. */
export function anInputArtifact({
  name = "MyApp",
  revision = null,
  bucket = ARTIFACT_PLACE.bucket,
  key = ARTIFACT_PLACE.key,
}: {
  readonly name?: unknown;
  readonly revision?: unknown;
  readonly bucket?: unknown;
  readonly key?: unknown;
} = {}) {
  return { name, revision, location: { type: "S3", s3Location: { bucketName: bucket, objectKey: key } } };
}

/** Returns the event of an invoke action (CodePipeline user guide, "Invoke an AWS Lambda function in a pipeline"). */
export function aPipelineEvent(input: PipelineEventInput = {}) {
  const { id = JOB_ID, userParameters, continuationToken, inputArtifacts = [anInputArtifact()] } = input;
  const parameters = userParameters === undefined ? {} : { UserParameters: userParameters };
  return {
    "CodePipeline.job": {
      id,
      accountId: "123456789012",
      data: {
        actionConfiguration: { configuration: { FunctionName: "stackyard-fleet", ...parameters } },
        inputArtifacts,
        outputArtifacts: [],
        artifactCredentials: ARTIFACT_CREDENTIALS,
        ...defined({ continuationToken }),
      },
    },
  };
}
