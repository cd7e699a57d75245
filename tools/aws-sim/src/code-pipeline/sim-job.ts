/** A job of an Invoke action: each continuation is a job of its own, of the same action. */
export interface SimAction {
  readonly account: string;
  readonly region: string;
  readonly pipeline: string;
  readonly startedAt: number;
  readonly userParameters: string | undefined;
  readonly inputArtifacts: readonly ArtifactInput[];
  readonly functionName: string;
  readonly jobs: SimJob[];
}

/** One invocation's job. */
export interface SimJob {
  readonly id: string;
  readonly invokedAt: number;
  /** Given by the job before. */
  readonly continuationToken: string | undefined;
  result?: JobResult;
}

/** What was reported. */
export interface JobResult {
  readonly kind: "continued" | "succeeded" | "failed";
  readonly at: number;
  readonly input: Readonly<Record<string, unknown>>;
}

/** Where an artifact lies. */
export interface ArtifactInput {
  readonly name: string;
  readonly bucket: string;
  readonly key: string;
  readonly revision?: string;
}

/** How the action stands. */
export type ActionStatus = "InProgress" | "Succeeded" | "Failed" | "TimedOut";

/** User guide, "Invoke an AWS Lambda function in a pipeline": a function has 20 minutes to answer, a continued action 24 hours. */
const ANSWER_MS = 20 * 60_000;
const ACTION_MS = 24 * 3_600_000;
/** That a continued action is invoked again after some 30 seconds is known from practice; no figure is documented. */
export const CONTINUE_MS = 30_000;

/** Its status at an instant. */
export function statusOf({ jobs, startedAt }: SimAction, now: number): ActionStatus {
  const { result, invokedAt = startedAt } = jobs.at(-1) ?? {};
  if (result?.kind === "succeeded") return "Succeeded";
  if (result?.kind === "failed") return "Failed";
  if (now >= startedAt + ACTION_MS) return "TimedOut";
  return result === undefined && now >= invokedAt + ANSWER_MS ? "TimedOut" : "InProgress";
}

/** The event that a function is invoked with. Source: user guide, "JSON event example" (names and places of its fields). */
export function toJobEvent(action: SimAction, { id, continuationToken }: SimJob): Readonly<Record<string, unknown>> {
  const { userParameters, functionName, account, inputArtifacts } = action;
  const parameters = userParameters === undefined ? {} : { UserParameters: userParameters };
  return {
    "CodePipeline.job": {
      id,
      accountId: account,
      data: {
        actionConfiguration: { configuration: { FunctionName: functionName, ...parameters } },
        inputArtifacts: inputArtifacts.map(toArtifact),
        outputArtifacts: [],
        artifactCredentials: {
          accessKeyId: "ASIASIMARTIFACT",
          secretAccessKey: "secret-of-artifact",
          sessionToken: "token-of-artifact",
        },
        ...(continuationToken === undefined ? {} : { continuationToken }),
      },
    },
  };
}

function toArtifact({ name, bucket, key, revision }: ArtifactInput): unknown {
  return {
    name,
    revision: revision ?? null,
    location: { type: "S3", s3Location: { bucketName: bucket, objectKey: key } },
  };
}
