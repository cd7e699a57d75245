import { type ArtifactLocation, findArtifactLocation } from "./artifact-location.ts";
import { findTokenRun } from "./continuation-token.ts";
import { readField, readText } from "./read-field.ts";
import {
  type ParameterProblem,
  type ParsedUserParameters,
  parseUserParameters,
  type UserParameters,
  type UserParametersOptions,
} from "./user-parameters.ts";

/** CodePipeline's types of failures (API reference, `FailureDetails`). */
export type FailureType =
  | "JobFailed"
  | "ConfigurationError"
  | "PermissionError"
  | "RevisionOutOfSync"
  | "RevisionUnavailable"
  | "SystemUnavailable";

/** The input artifact of a job. */
export interface PipelineArtifact extends ArtifactLocation {
  /** As the source calls it, such as the commit; null where CodePipeline gives none. */
  readonly revision: string | null;
}

/** What is to be done about a job of CodePipeline. */
export type PipelineDecision =
  | { readonly kind: "reject"; readonly code: "JOB_ID_MISSING" }
  | PipelineFailure
  | { readonly kind: "continue"; readonly jobId: string; readonly runId: string }
  | {
      readonly kind: "start";
      readonly jobId: string;
      readonly artifact: PipelineArtifact;
      readonly options: UserParameters;
    };

/** A job that cannot be done, as its result tells it. */
export interface PipelineFailure {
  readonly kind: "fail";
  readonly jobId: string;
  readonly code: "ARTIFACT_MISSING" | "ARTIFACT_AMBIGUOUS" | "USER_PARAMETERS_INVALID" | "CONTINUATION_INVALID";
  readonly type: FailureType;
  readonly message: string;
}

const JOB_ID = /^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/;

/**
 * Reads the event with which CodePipeline invokes a function. Pure. The order is: the job's id, a continuation token (a job
 * that goes on needs its artifact no more), the input artifact, the parameters. Credentials in the event are not looked at.
 */
export function parsePipelineEvent(event: unknown, options: UserParametersOptions = {}): PipelineDecision {
  const job = readField(event, "CodePipeline.job");
  const jobId = readText(job, "id");
  if (jobId === undefined || !JOB_ID.test(jobId)) return { kind: "reject", code: "JOB_ID_MISSING" };
  const data = readField(job, "data");
  const token = readField(data, "continuationToken");
  if (token !== undefined && token !== null) return toContinuation(jobId, token);
  return toStart(jobId, data, options);
}

/** The credentials that the event brings for reading its artifact. They are never logged, kept or passed on. */
export function findArtifactCredentials(event: unknown) {
  const credentials = readField(readField(readField(event, "CodePipeline.job"), "data"), "artifactCredentials");
  const accessKeyId = readText(credentials, "accessKeyId");
  const secretAccessKey = readText(credentials, "secretAccessKey");
  const sessionToken = readText(credentials, "sessionToken");
  if (accessKeyId === undefined || secretAccessKey === undefined) return undefined;
  return { accessKeyId, secretAccessKey, ...(sessionToken === undefined ? {} : { sessionToken }) };
}

function toContinuation(jobId: string, token: unknown): PipelineDecision {
  const runId = findTokenRun(token);
  if (runId !== undefined) return { kind: "continue", jobId, runId };
  const message = "The continuation token is none that this action has given: the job's run cannot be told.";
  return { kind: "fail", jobId, code: "CONTINUATION_INVALID", type: "JobFailed", message };
}

function toStart(jobId: string, data: unknown, options: UserParametersOptions): PipelineDecision {
  const text = readField(readField(readField(data, "actionConfiguration"), "configuration"), "UserParameters");
  const parameters = parseUserParameters(text, options);
  const found = findInputArtifact(jobId, data, findArtifactName(parameters));
  if ("kind" in found) return found;
  if (parameters.kind === "problems") return toParameterFailure(jobId, parameters.problems);
  return { kind: "start", jobId, artifact: found, options: parameters.options };
}

/** Known also where other parameters are wrong, so that the checks keep their order. */
function findArtifactName(parameters: ParsedUserParameters): string | undefined {
  return parameters.kind === "options" ? parameters.options.artifact : parameters.artifact;
}

function findInputArtifact(jobId: string, data: unknown, name: string | undefined): PipelineArtifact | PipelineFailure {
  const list = readField(data, "inputArtifacts");
  const artifacts: readonly unknown[] = Array.isArray(list) ? list : [];
  const fail = (code: PipelineFailure["code"], message: string): PipelineFailure => {
    return { kind: "fail", jobId, code, type: "ConfigurationError", message };
  };
  if (artifacts.length === 0) return fail("ARTIFACT_MISSING", "The action has no input artifact. Give it one.");
  const chosen = name === undefined ? artifacts[0] : artifacts.find((each) => readText(each, "name") === name);
  if (chosen === undefined) {
    return fail(
      "ARTIFACT_AMBIGUOUS",
      `UserParameters.artifact names none of the input artifacts: ${tellNames(artifacts)}.`,
    );
  }
  const place = findArtifactLocation(chosen);
  const revision = readText(chosen, "revision") ?? null;
  if (place !== undefined) return { ...place, revision };
  return fail("ARTIFACT_MISSING", "The input artifact has no usable s3Location: a bucket's name and an object's key.");
}

function tellNames(artifacts: readonly unknown[]): string {
  return artifacts.map((each) => readText(each, "name") ?? "one without a name").join(", ");
}

function toParameterFailure(jobId: string, problems: readonly ParameterProblem[]): PipelineFailure {
  const list = problems.map(({ path, message }) => `${path === "" ? "the text" : path} ${message}`).join("; ");
  const count = problems.length === 1 ? "a problem" : `${problems.length} problems`;
  const message = `UserParameters has ${count}: ${list}.`;
  return { kind: "fail", jobId, code: "USER_PARAMETERS_INVALID", type: "ConfigurationError", message };
}
