import { randomUUID } from "node:crypto";
import { type Clock, defined } from "@stackyard/core";
import { jsonFaults } from "./service-faults.ts";
import { findText, isOwn, type Place, type ServiceFaults, type SimCall, type SimService, textOf } from "./sim-call.ts";
import { SimFault } from "./sim-fault.ts";

/** Pipelines with an artifact store, and Invoke actions whose functions report. */
interface SimCodePipeline {
  readonly service: SimService;
  /** Starts the Invoke action of a run; returns the first job's id and the event for the function. */
  startAction(input: ActionInput): { readonly jobId: string; readonly event: Readonly<Record<string, unknown>> };
  /** Returns the action of a job: its state, and what was reported in order. */
  findAction(jobId: string): { readonly status: ActionStatus; readonly results: readonly JobResult[] } | undefined;
  /**
   * Returns the next invocation of the function, and its time; undefined without one. A continued action has a new
   * job ("Future jobs use this token", PutJobSuccessResult), which begins when this is called.
   */
  continueAction(
    jobId: string,
  ): { readonly at: number; readonly jobId: string; readonly event: Readonly<Record<string, unknown>> } | undefined;
}

/** One Invoke action of a run. */
interface ActionInput extends Place {
  readonly userParameters?: string;
  readonly inputArtifacts?: readonly ArtifactInput[];
}

/** Creates CodePipeline without pipelines. Source: API reference of version 2015-07-09. */
export function createCodePipeline({ clock }: { readonly clock: Clock }): SimCodePipeline {
  const actions = new Map<string, SimAction>();

  function beginJob(action: SimAction, continuationToken?: string, invokedAt = clock.now()): SimJob {
    const job = { id: randomUUID(), invokedAt, continuationToken };
    action.jobs.push(job);
    actions.set(job.id, action);
    return job;
  }

  return {
    service: {
      operations: {
        PutJobSuccessResult: (call) => {
          checkSuccess(call.input);
          const kind = findText(call.input, "continuationToken") === undefined ? "succeeded" : "continued";
          return report(actions, call, kind);
        },
        PutJobFailureResult: (call) => {
          checkFailure(call.input);
          return report(actions, call, "failed");
        },
      },
      toAction: (operation) => `codepipeline:${operation}`,
      faults: codePipelineFaults,
    },
    startAction(input) {
      const action: SimAction = { ...input, startedAt: clock.now(), jobs: [] };
      const job = beginJob(action);
      return { jobId: job.id, event: toJobEvent(action, job) };
    },
    findAction(jobId) {
      const action = actions.get(jobId);
      if (action === undefined) return;
      return { status: statusOf(action, clock.now()), results: action.jobs.flatMap(({ result }) => result ?? []) };
    },
    continueAction(jobId) {
      const action = actions.get(jobId);
      const last = action?.jobs.at(-1);
      const token = last?.result?.kind === "continued" ? last.result.input["continuationToken"] : undefined;
      if (action === undefined || last?.result === undefined || token === undefined) return;
      if (statusOf(action, clock.now()) !== "InProgress") return;
      const at = Math.max(clock.now(), last.result.at + CONTINUE_MS);
      const job = beginJob(action, String(token), at);
      return { at, jobId: job.id, event: toJobEvent(action, job) };
    },
  };
}

/** Stores the result of a job: one, while its action runs and no later job has begun. */
function report(actions: ReadonlyMap<string, SimAction>, call: SimCall, kind: JobResult["kind"]): unknown {
  const id = textOf(call.input, "jobId");
  const action = actions.get(id);
  if (action === undefined || !isOwn(action, call)) throw codePipelineFaults.jobMissing(id);
  const job = action.jobs.at(-1);
  const status = statusOf(action, call.now);
  if (job?.id !== id || job.result !== undefined || status !== "InProgress")
    throw codePipelineFaults.jobOver(id, status);
  job.result = { kind, at: call.now, input: call.input };
  return {};
}

/** A job of an Invoke action: each continuation is a job of its own, of the same action. */
interface SimAction extends ActionInput {
  readonly startedAt: number;
  readonly jobs: SimJob[];
}

/** One invocation's job. */
interface SimJob {
  readonly id: string;
  readonly invokedAt: number;
  /** Given by the job before. */
  readonly continuationToken: string | undefined;
  result?: JobResult;
}

/** What was reported. */
interface JobResult {
  readonly kind: "continued" | "succeeded" | "failed";
  readonly at: number;
  readonly input: Readonly<Record<string, unknown>>;
}

/** Where an artifact lies. */
interface ArtifactInput {
  readonly name: string;
  readonly bucket: string;
  readonly key: string;
  readonly revision?: string;
}

/** How the action stands. */
type ActionStatus = "InProgress" | "Succeeded" | "Failed" | "TimedOut";

/** User guide, "Invoke an AWS Lambda function in a pipeline": a function has 20 minutes to answer, a continued action 24 hours. */
const ANSWER_MS = 20 * 60_000;
const ACTION_MS = 24 * 3_600_000;
/** That a continued action is invoked again after some 30 seconds is known from practice; no figure is documented. */
const CONTINUE_MS = 30_000;

/** Returns its status at an instant. */
function statusOf({ jobs, startedAt }: SimAction, now: number): ActionStatus {
  const { result, invokedAt = startedAt } = jobs.at(-1) ?? {};
  if (result?.kind === "succeeded") return "Succeeded";
  if (result?.kind === "failed") return "Failed";
  if (now >= startedAt + ACTION_MS) return "TimedOut";
  return result === undefined && now >= invokedAt + ANSWER_MS ? "TimedOut" : "InProgress";
}

/**
 * Returns the event that a function is invoked with. Source: user guide, "JSON event example" (names and places of its
 * fields).
 */
function toJobEvent(action: SimAction, { id, continuationToken }: SimJob): Readonly<Record<string, unknown>> {
  const { userParameters, account, inputArtifacts = [] } = action;
  return {
    "CodePipeline.job": {
      id,
      accountId: account,
      data: {
        actionConfiguration: {
          configuration: { FunctionName: "fleet", ...defined({ UserParameters: userParameters }) },
        },
        inputArtifacts: inputArtifacts.map(toArtifact),
        outputArtifacts: [],
        artifactCredentials: {
          accessKeyId: "ASIASIMARTIFACT",
          secretAccessKey: "secret-of-artifact",
          sessionToken: "token-of-artifact",
        },
        ...defined({ continuationToken }),
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

type Input = SimCall["input"];

/** Errors, all of status 400. Source: CodePipeline API reference, the errors of each action. */
const codePipelineFaults = {
  ...jsonFaults,
  validation: (message: string) => new SimFault("ValidationException", 400, message),
  jobMissing: (id: string) => new SimFault("JobNotFoundException", 400, `No job found with ID ${id}`),
  jobOver: (id: string, state: string) =>
    new SimFault("InvalidJobStateException", 400, `Job ${id} is in the state ${state} and cannot be changed.`),
  variables: () =>
    new SimFault("OutputVariablesSizeExceededException", 400, "The variables are larger than the pipeline allows."),
} satisfies ServiceFaults & Record<string, (...texts: [string, string]) => SimFault>;

/** API reference: "PutJobSuccessResult", "ExecutionDetails", "FailureDetails". */
const JOB_ID = /^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/;
const MAX_TOKEN = 2_048;
const MAX_SUMMARY = 2_048;
const MAX_EXTERNAL_ID = 1_500;
const MAX_MESSAGE = 5_000;
const VARIABLE = /^[A-Za-z0-9@\-_]+$/;
/** "Quotas in AWS CodePipeline": total size of output variables. */
const MAX_VARIABLES_BYTES = 122_880;
const TYPES = [
  ...["JobFailed", "ConfigurationError", "PermissionError"],
  ...["RevisionOutOfSync", "RevisionUnavailable", "SystemUnavailable"],
];

/** Refuses a PutJobSuccessResult whose texts break the limits. */
function checkSuccess(input: Input): void {
  checkJobId(input);
  checkText("continuationToken", input["continuationToken"], 1, MAX_TOKEN);
  const { summary, externalExecutionId, percentComplete = 0 } = Object(input["executionDetails"]);
  checkText("executionDetails.summary", summary, 0, MAX_SUMMARY);
  checkText("executionDetails.externalExecutionId", externalExecutionId, 1, MAX_EXTERNAL_ID);
  if (!(percentComplete >= 0 && percentComplete <= 100)) {
    throw codePipelineFaults.validation(`percentComplete must lie between 0 and 100: ${percentComplete}`);
  }
  checkVariables(input);
}

/** Refuses a PutJobFailureResult whose texts break the limits. */
function checkFailure(input: Input): void {
  checkJobId(input);
  const { type, message = "", externalExecutionId } = Object(input["failureDetails"]);
  if (!TYPES.includes(type))
    throw codePipelineFaults.validation(`failureDetails.type is not one of ${TYPES.join(", ")}`);
  checkText("failureDetails.message", message, 1, MAX_MESSAGE);
  checkText("failureDetails.externalExecutionId", externalExecutionId, 1, MAX_EXTERNAL_ID);
}

function checkJobId(input: Input): void {
  const id = String(input["jobId"]);
  if (!JOB_ID.test(id)) throw codePipelineFaults.validation(`Value '${id}' at 'jobId' is not a job id.`);
}

function checkText(field: string, value: unknown, min: number, max: number): void {
  if (value === undefined) return;
  const { length } = String(value);
  if (typeof value === "string" && length >= min && length <= max) return;
  throw codePipelineFaults.validation(
    `1 validation error detected: Value at '${field}' failed to satisfy constraint: Member must have length between ${min} and ${max}`,
  );
}

/** Follows "outputVariables can be included only when there is no continuation token on the request." */
function checkVariables(input: Input): void {
  const variables: Readonly<Record<string, unknown>> = Object(input["outputVariables"]);
  const names = Object.keys(variables);
  if (names.length > 0 && input["continuationToken"] !== undefined) {
    throw codePipelineFaults.validation("Output variables cannot be sent together with a continuation token.");
  }
  const wrong = names.find((name) => !VARIABLE.test(name));
  if (wrong !== undefined)
    throw codePipelineFaults.validation(`outputVariables has a name that is not allowed: ${wrong}`);
  if (Buffer.byteLength(JSON.stringify(variables)) > MAX_VARIABLES_BYTES) throw codePipelineFaults.variables();
}
